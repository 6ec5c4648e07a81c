package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// farBytes is how far ahead of each panel a kernel for far away B asks for memory.
const farBytes = 1024

// wideLoop accumulates over the segments of K, unrolled, with any strides.
func (k *tileKernel) wideLoop() {
	acs, bstep := field(k.t, argACS), field(k.t, argBStep)
	a, b := newRows(field(k.t, argARS), k.r), k.panels()
	seg, left := field(k.t, argSegs), field(k.t, argNSegs)
	Label("segment")
	MOVQ(Mem{Base: k.t, Disp: argA}, a.base[0])
	ADDQ(Mem{Base: seg, Disp: segOff}, a.base[0])
	a.spread()
	n, rest := field(seg, segK), GP64()
	MOVQ(n, rest)
	ANDQ(Imm(unroll-1), rest)
	SHRQ(Imm(2), n)
	JZ(LabelRef("rest"))
	step := func() {
		k.wideStep(a, b)
		a.advance(acs)
		for _, q := range b {
			ADDQ(bstep, q)
		}
	}
	Label("loop")
	for range unroll {
		step()
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	Label("rest")
	TESTQ(rest, rest)
	JZ(LabelRef("done"))
	Label("single")
	step()
	DECQ(rest)
	JNZ(LabelRef("single"))
	Label("done")
	ADDQ(Imm(segSize), seg)
	DECQ(left)
	JNZ(LabelRef("segment"))
}

// wideStep keeps the broadcasts and goes through the vectors of B.
func (k *tileKernel) wideStep(a rows, b []reg.GPVirtual) {
	if k.far {
		for _, q := range b {
			for at := 0; at < 2*k.bytes(); at += line {
				PREFETCHT0(Mem{Base: q, Disp: farBytes + at})
			}
		}
	}
	x := k.vecs(k.r)
	for i := range k.r {
		VBROADCASTSS(a.at(i, 0), x[i])
	}
	for j := range k.v {
		from := Mem{Base: b[j/2], Disp: j % 2 * k.bytes()}
		if k.r == 1 {
			VFMADD231PS(from, x[0], k.acc[0][j])
			continue
		}
		v := k.vec()
		VMOVUPS(from, v)
		for i := range k.r {
			VFMADD231PS(v, x[i], k.acc[i][j])
		}
	}
}
