package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// farBytes is how far ahead of each panel a kernel for far away B asks for memory.
const farBytes = 1024

// wideLoop accumulates over the segments of K, unrolled, with any strides.
func (k *tileKernel) wideLoop() {
	acs, bstep := Field(k.t, argACS), Field(k.t, argBStep)
	a, b := NewRows(Field(k.t, argARS), k.r), k.panels()
	seg, left := Field(k.t, argSegs), Field(k.t, argNSegs)
	Label("segment")
	MOVQ(Mem{Base: k.t, Disp: argA}, a.Base[0])
	ADDQ(Mem{Base: seg, Disp: segOff}, a.Base[0])
	a.Spread()
	n, rest := Field(seg, segK), GP64()
	MOVQ(n, rest)
	ANDQ(Imm(unroll-1), rest)
	SHRQ(Imm(2), n)
	JZ(LabelRef("rest"))
	step := func() {
		k.wideStep(a, b)
		a.Advance(acs)
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
func (k *tileKernel) wideStep(a Rows, b []reg.GPVirtual) {
	if k.far {
		for _, q := range b {
			for at := 0; at < 2*k.Bytes(); at += line {
				PREFETCHT0(Mem{Base: q, Disp: farBytes + at})
			}
		}
	}
	x := k.Vecs(k.r)
	for i := range k.r {
		VBROADCASTSS(a.At(i, 0), x[i])
	}
	for j := range k.v {
		from := Mem{Base: b[j/2], Disp: j % 2 * k.Bytes()}
		if k.r == 1 {
			VFMADD231PS(from, x[0], k.acc[0][j])
			continue
		}
		v := k.Vec()
		VMOVUPS(from, v)
		for i := range k.r {
			VFMADD231PS(v, x[i], k.acc[i][j])
		}
	}
}
