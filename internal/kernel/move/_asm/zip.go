package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// zip emits the transpose of n rows to rows of n elements, eight of them at a time, unzip its inverse. Every vector of results
// takes elements of all n vectors, each permuted in the same way, by lane.
func zip(n int, inverse bool) {
	name := fmt.Sprintf("zip%dAVX2", n)
	if inverse {
		name = "un" + name
	}
	// from says which vector, and which of its lanes, lane l of result j is.
	from := func(j, l int) (vector, lane int) {
		if inverse {
			return (n*l + j) / 8, (n*l + j) % 8
		}
		return (8*j + l) % n, (8*j + l) / n
	}
	table := GLOBL(fmt.Sprintf("lanes_%s", name), RODATA|NOPTR)
	for j := range n {
		for l := range 8 {
			_, lane := from(j, l)
			DATA(4*(8*j+l), U32(uint32(lane)))
		}
	}
	TEXT(name, NOSPLIT, "func(dst, src *byte, count, stride int)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	src := Load(Param("src"), GP64()).(reg.GPVirtual)
	count := Load(Param("count"), GP64()).(reg.GPVirtual)
	stride := Load(Param("stride"), GP64()).(reg.GPVirtual)
	three := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, three)
	// apart is vector i of a side whose vectors lie stride apart.
	apart := func(p reg.GPVirtual, i int) Mem {
		switch i {
		case 0:
			return Mem{Base: p}
		case 3:
			return Mem{Base: p, Index: three, Scale: 1}
		}
		return Mem{Base: p, Index: stride, Scale: uint8(i)}
	}
	lanes := make([]reg.VecVirtual, n)
	for j := range lanes {
		lanes[j] = YMM()
		VMOVUPS(table.Offset(32*j), lanes[j])
	}
	Label("block")
	TESTQ(count, count)
	JE(LabelRef("done"))
	in := make([]reg.VecVirtual, n)
	for i := range in {
		in[i] = YMM()
		if inverse {
			VMOVUPS(Mem{Base: src, Disp: 32 * i}, in[i])
		} else {
			VMOVUPS(apart(src, i), in[i])
		}
	}
	for j := range n {
		out := YMM()
		VPERMPS(in[0], lanes[j], out)
		for i := 1; i < n; i++ {
			mask := uint8(0)
			for l := range 8 {
				if v, _ := from(j, l); v == i {
					mask |= 1 << l
				}
			}
			t := YMM()
			VPERMPS(in[i], lanes[j], t)
			VBLENDPS(U8(mask), t, out, out)
		}
		if inverse {
			VMOVUPS(out, apart(dst, j))
		} else {
			VMOVUPS(out, Mem{Base: dst, Disp: 32 * j})
		}
	}
	together, one := src, dst
	if !inverse {
		together, one = dst, src
	}
	ADDQ(U32(uint32(32*n)), together)
	ADDQ(U8(32), one)
	DECQ(count)
	JMP(LabelRef("block"))
	Label("done")
	VZEROUPPER()
	RET()
}
