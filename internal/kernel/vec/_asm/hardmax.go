package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// hardmaxRows emits func(dst, x []float32, cols int): 1 for the first of the largest elements of each row, 0 for the others.
// A NaN counts only in the first place, where nothing is larger. dst and x must not overlap.
func (g *isa) hardmaxRows() {
	var zero, low vec
	g.rowsOf("hardmaxRows", "func(dst, x []float32, cols int)", func(rowKernel) {
		zero, low = g.load(bitsConst(0)), g.load(c(negInf))
	}, func(k rowKernel) {
		m := k.total(4, []reg.GPVirtual{k.x}, f32(negInf), VMAXPS, func(acc vec, load func(p int, pad func() vec) vec, _ func(p int, v vec)) {
			VMAXPS(acc, load(0, func() vec { return low }), acc) // acc, if the other is NaN
		})
		k.pass(4, []reg.GPVirtual{k.dst}, func(_ int, _ func(p int, pad func() vec) vec, store func(p int, v vec)) { store(0, zero) })
		MOVL(U32(f32(1)), Mem{Base: k.dst, Index: g.firstEqual(k, m), Scale: 4})
	})
}

// firstEqual returns the position of the first element of the row that is m, one of them unless the first is NaN: then 0.
func (g *isa) firstEqual(k rowKernel, m vec) reg.GPVirtual {
	at, left, bits := GP64(), GP64(), GP64()
	first := XMM()
	XORQ(at, at)
	VMOVSS(Mem{Base: k.x}, first)
	VUCOMISS(first, first)
	JPS(LabelRef("found"))
	MOVQ(k.cols, left)
	equal := func(v vec) {
		if g.wide() {
			eq := K()
			VCMPPS(U8(cmpEQ), v, m, eq)
			KMOVW(eq, bits.As32())
		} else {
			eq := g.r()
			VCMPPS(U8(cmpEQ), v, m, eq)
			VMOVMSKPS(eq, bits.As32())
		}
		TESTL(bits.As32(), bits.As32())
	}
	Label("search")
	CMPQ(left, U32(uint32(g.w)))
	JLT(LabelRef("searchTail"))
	equal(g.load(Mem{Base: k.x, Index: at, Scale: 4}))
	JNE(LabelRef("hit"))
	ADDQ(U32(uint32(g.w)), at)
	SUBQ(U32(uint32(g.w)), left)
	JMP(LabelRef("search"))
	Label("searchTail")
	p := GP64()
	LEAQ(Mem{Base: k.x, Index: at, Scale: 4}, p)
	equal(g.loadTail(g.tailMask(left), Mem{Base: p}, nil)) // the row's own elements come before the lanes beyond its end
	Label("hit")
	TZCNTL(bits.As32(), bits.As32())
	ADDQ(bits, at)
	Label("found")
	return at
}
