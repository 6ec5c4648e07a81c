package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets of valuesArgs.
const (
	valuesV, valuesStep  = 0, 8
	valuesKeys, valuesP  = 16, 24
	valuesY, valuesTiles = 32, 40
	valuesFactor         = 48
)

// early is how many keys ahead a line of their values is asked for: their rows lie apart, so the processor does not do so.
const early = 12

// values generates sums of values, each times what a panel of queries holds for its key. A tile is some elements of
// the values.
func values(s isa, r, v int) {
	k := begin(s, "values", r, v, "elements of results")
	first, out, step := k.field(valuesV), k.field(valuesY), k.field(valuesStep)
	Label("tile")
	k.begin(out)
	a, p, ahead, three := GP64(), k.field(valuesP), GP64(), GP64()
	MOVQ(first, a)
	LEAQ(Mem{Base: step, Index: step, Scale: 2}, three)
	LEAQ(Mem{Base: a, Index: three, Scale: early / 3}, ahead)
	row := func(base reg.GPVirtual, u, disp int) Mem {
		return []Mem{{Base: base, Disp: disp}, {Base: base, Index: step, Scale: 1, Disp: disp},
			{Base: base, Index: step, Scale: 2, Disp: disp}, {Base: base, Index: three, Scale: 1, Disp: disp}}[u]
	}
	const unroll = 4
	quads := k.field(valuesKeys)
	SHRQ(Imm(2), quads)
	times("quad", quads, func() {
		for u := range unroll {
			k.step(func(i int) Mem { return row(a, u, 4*i) }, p, u)
			PREFETCHT0(row(ahead, u, 0))
			if r > 1 {
				PREFETCHT0(row(ahead, u, 4*(r-1)))
			}
		}
		LEAQ(Mem{Base: a, Index: step, Scale: unroll}, a)
		LEAQ(Mem{Base: ahead, Index: step, Scale: unroll}, ahead)
		ADDQ(U32(uint32(unroll*k.row())), p)
	})
	rest := k.field(valuesKeys)
	ANDQ(Imm(unroll-1), rest)
	times("rest", rest, func() {
		k.step(func(i int) Mem { return row(a, 0, 4*i) }, p, 0)
		ADDQ(step, a)
		ADDQ(U32(uint32(k.row())), p)
	})
	k.each(func(acc reg.VecVirtual, at int) { VMOVUPS(acc, Mem{Base: out, Disp: at}) })
	ADDQ(U32(uint32(4*r)), first)
	ADDQ(U32(uint32(r*k.row())), out)
	DECQ(Mem{Base: k.t, Disp: valuesTiles})
	JNZ(LabelRef("tile"))
	End()
}

// begin sets the sums to what lies at out, times the factors, or to zero where there are none.
func (k *tile) begin(out reg.GPVirtual) {
	factor := k.field(valuesFactor)
	TESTQ(factor, factor)
	JZ(LabelRef("none"))
	f := make([]reg.VecVirtual, k.v)
	for j := range f {
		f[j] = k.Vec()
		VMOVUPS(Mem{Base: factor, Disp: 4 * j * k.Lanes}, f[j])
	}
	for i, row := range k.acc {
		for j, acc := range row {
			VMULPS(Mem{Base: out, Disp: i*k.row() + 4*j*k.Lanes}, f[j], acc)
		}
	}
	JMP(LabelRef("begun"))
	Label("none")
	k.each(func(acc reg.VecVirtual, _ int) { k.Zero(acc) })
	Label("begun")
}
