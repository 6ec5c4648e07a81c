package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dw3x3 emits the 3x3 kernel of stride 1: four output rows at once, each loaded vector used by up to three of them.
// Off and len(W) are implied: tap (i, j) is at row i, column j of the frame. Rows is a multiple of 4.
func dw3x3(v isa) {
	TEXT("dw3x3"+v.name, NOSPLIT, "func(a *byte)")
	Doc("dw3x3" + v.name + " is dw3x3Generic.")
	a := Load(Param("a"), GP64())
	src, dst, w := field(a, tapSrc), field(a, tapDst), field(a, tapW)
	rows, cols := field(a, tapNRows), field(a, tapNCols)
	ss, ds := field(a, tapSrcStep), field(a, tapDstStep)
	SHLQ(U8(2), ss)
	SHLQ(U8(2), ds)
	ds3 := GP64()
	LEAQ(Mem{Base: ds, Index: ds, Scale: 2}, ds3)
	left := GP64()
	MOVQ(cols, left)
	ANDQ(U32(uint32(v.lanes-1)), left)
	tail := v.newMask()
	v.setCount(tail, left)
	var ws [9]reg.VecVirtual
	for i := range ws {
		ws[i] = v.vec()
		VBROADCASTSS(Mem{Base: w, Disp: 4 * i}, ws[i])
	}
	block := func(m *mask, p, q gp) {
		var acc [4]reg.VecVirtual
		for i := range acc {
			acc[i] = v.vec()
			VBROADCASTSS(Mem{Base: a, Disp: tapBias}, acc[i])
		}
		r := GP64()
		MOVQ(p, r)
		for y := range 6 {
			for x := range 3 {
				t := v.vec()
				VMOVUPS(Mem{Base: r, Disp: 4 * x}, t)
				for o := max(0, y-2); o <= min(3, y); o++ {
					VFMADD231PS(ws[(y-o)*3+x], t, acc[o])
				}
			}
			if y < 5 {
				ADDQ(ss, r)
			}
		}
		for i := range acc {
			t := v.vec()
			VBROADCASTSS(Mem{Base: a, Disp: tapLo}, t)
			VMAXPS(acc[i], t, acc[i])
			VBROADCASTSS(Mem{Base: a, Disp: tapHi}, t)
			VMINPS(acc[i], t, acc[i])
			v.store(m, acc[i], rowMem(q, ds, ds3, i, 0))
		}
	}
	loop("rows", rows, 4, func() {
		p, q, n := GP64(), GP64(), GP64()
		MOVQ(src, p)
		MOVQ(dst, q)
		MOVQ(cols, n)
		loop("cols", n, v.lanes, func() {
			block(nil, p, q)
			ADDQ(U32(uint32(v.bytes())), p)
			ADDQ(U32(uint32(v.bytes())), q)
		})
		TESTQ(n, n)
		JE(LabelRef("full"))
		block(&tail, p, q)
		Label("full")
		LEAQ(Mem{Base: src, Index: ss, Scale: 4}, src)
		LEAQ(Mem{Base: dst, Index: ds, Scale: 4}, dst)
	})
	VZEROUPPER()
	RET()
}
