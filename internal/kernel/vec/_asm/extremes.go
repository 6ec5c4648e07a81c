package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// foldRows emits func(dst, x []uint8, n int) for elements as bytes: each element of dst joins those of a row of n bytes, at
// least joinGroup. With overlap the last group of a row may lie over the one before, else n is a multiple of joinGroup.
func (g *isa) foldRows(k joinKernel, t elementType, overlap bool) {
	g.begin(k.name+"Rows"+t.name, "func(dst, x []uint8, n int)")
	dst := Load(Param("dst").Base(), GP64()).(reg.GPVirtual)
	left := Load(Param("dst").Len(), GP64()).(reg.GPVirtual)
	x := Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	last, at := GP64(), GP64()
	if overlap {
		LEAQ(Mem{Base: n, Disp: -joinGroup}, last)
	} else {
		MOVQ(n, last)
	}
	acc := make([]vec, joinGroup/(4*g.w))
	group := func() {
		for i, a := range acc {
			VMOVAPS(k.body(g, t, a, g.load(Mem{Base: x, Index: at, Scale: 1, Disp: 4 * g.w * i})), a)
		}
	}
	Label("row")
	TESTQ(left, left)
	JE(LabelRef("done"))
	for i := range acc {
		acc[i] = g.load(g.at(x, i))
	}
	MOVQ(U32(joinGroup), at)
	Label("group")
	CMPQ(at, last)
	JGE(LabelRef("last"))
	group()
	ADDQ(U32(joinGroup), at)
	JMP(LabelRef("group"))
	Label("last")
	if overlap {
		MOVQ(last, at)
		group()
	}
	v := acc[0]
	for _, a := range acc[1:] {
		v = k.body(g, t, v, a)
	}
	g.storeElement(t, g.acrossOf(k, t, v), dst)
	ADDQ(n, x)
	ADDQ(U32(uint32(t.size)), dst)
	SUBQ(U32(uint32(t.size)), left)
	JMP(LabelRef("row"))
	Label("done")
	g.end()
}

// acrossOf joins the lanes of v; the first lane of the result counts.
func (g *isa) acrossOf(k joinKernel, t elementType, v vec) vec {
	with := func(move func(u vec)) {
		u := g.r()
		move(u)
		v = k.body(g, t, v, u)
	}
	if g.wide() {
		with(func(u vec) { VSHUFI64X2(U8(0x4e), v, v, u) })
		with(func(u vec) { VSHUFI64X2(U8(0xb1), v, v, u) })
	} else {
		with(func(u vec) { VPERM2I128(U8(1), v, v, u) })
	}
	with(func(u vec) { VPSHUFD(U8(0x4e), v, u) })
	if t.size <= 4 {
		with(func(u vec) { VPSHUFD(U8(0xb1), v, u) })
	}
	if t.size <= 2 {
		with(func(u vec) { VPSRLD(U8(16), v, u) })
	}
	if t.size == 1 {
		with(func(u vec) { VPSRLW(U8(8), v, u) })
	}
	return v
}

// storeElement stores the first lane of v.
func (g *isa) storeElement(t elementType, v vec, dst reg.GPVirtual) {
	switch to := (Mem{Base: dst}); t.size {
	case 1:
		VPEXTRB(U8(0), v.AsX(), to)
	case 2:
		VPEXTRW(U8(0), v.AsX(), to)
	case 4:
		VMOVD(v.AsX(), to)
	default:
		VMOVQ(v.AsX(), to)
	}
}
