package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

type gp = reg.GPVirtual

// packFew is the loop for one to three segments, whose masks and addresses stay in registers.
func packFew(v isa, count int, r [7]gp) {
	src, dst, off, n, segs, step := r[0], r[1], r[2], r[3], r[4], r[6]
	var masks []mask
	var bases []gp
	for i := range count {
		bits, base, m := GP64(), GP64(), v.newMask()
		MOVQ(Mem{Base: segs, Disp: i*segSize + segLanes}, bits)
		v.setBits(m, bits)
		MOVQ(Mem{Base: segs, Disp: i*segSize + segDelta}, base)
		SHLQ(U8(2), base)
		ADDQ(src, base)
		masks, bases = append(masks, m), append(bases, base)
	}
	body := func(i int) {
		o, x := GP64(), v.Vec()
		MOVQ(Mem{Base: off, Disp: 8 * i}, o)
		v.load(&masks[0], Mem{Base: bases[0], Index: o, Scale: 4}, x)
		for j := 1; j < count; j++ {
			v.mergeLoad(masks[j], Mem{Base: bases[j], Index: o, Scale: 4}, x)
		}
		v.store(nil, x, Mem{Base: dst})
		ADDQ(step, dst)
	}
	name := fmt.Sprintf("few%d", count)
	Loop(name+"x4", n, 4, func() {
		for i := range 4 {
			body(i)
		}
		ADDQ(U8(32), off)
	})
	Loop(name, n, 1, func() {
		body(0)
		ADDQ(U8(8), off)
	})
}

// mergeLoad loads the lanes of m into x, which holds zeros there.
func (v isa) mergeLoad(m mask, src Mem, x reg.VecVirtual) {
	if v.Wide() {
		VMOVUPS(src, m.k, x)
		return
	}
	t := v.Vec()
	VMASKMOVPS(src, m.y, t)
	VORPS(t, x, x)
}

// packMany is the loop for any number of segments.
func packMany(v isa, r [7]gp) {
	src, dst, off, n, segs, ns, step := r[0], r[1], r[2], r[3], r[4], r[5], r[6]
	Loop("many", n, 1, func() {
		x, p, s, left := v.Vec(), GP64(), GP64(), GP64()
		v.Zero(x)
		MOVQ(Mem{Base: off}, p)
		LEAQ(Mem{Base: src, Index: p, Scale: 4}, p)
		MOVQ(segs, s)
		MOVQ(ns, left)
		Loop("seg", left, 1, func() {
			d, bits, m := GP64(), GP64(), v.newMask()
			MOVQ(Mem{Base: s, Disp: segLanes}, bits)
			v.setBits(m, bits)
			MOVQ(Mem{Base: s, Disp: segDelta}, d)
			v.mergeLoad(m, Mem{Base: p, Index: d, Scale: 4}, x)
			ADDQ(U8(segSize), s)
		})
		v.store(nil, x, Mem{Base: dst})
		ADDQ(step, dst)
		ADDQ(U8(8), off)
	})
}
