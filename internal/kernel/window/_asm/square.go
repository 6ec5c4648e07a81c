package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// square emits the depthwise kernel of k by k taps and stride 1: four output rows at once, each loaded vector used by up to
// four of them. Off is implied: tap (i, j) is at row i, column j of the frame. Rows is at least 4; a last block of fewer
// than four rows is moved up.
func square(v isa, k int) {
	name := fmt.Sprintf("square%d%s", k, v.name)
	TEXT(name, NOSPLIT, "func(a *byte)")
	Doc(fmt.Sprintf("%s is squareGeneric for %d by %d taps.", name, k, k))
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
	ws := make([]reg.VecVirtual, k*k)
	for i := range ws {
		ws[i] = v.vec()
		VBROADCASTSS(Mem{Base: w, Disp: 4 * i}, ws[i])
	}
	block := func(m *mask, p, q gp) { squareBlock(v, k, a, ws, m, p, q, [3]gp{ss, ds, ds3}) }
	Label("rows")
	CMPQ(rows, U8(4))
	JGE(LabelRef("block"))
	TESTQ(rows, rows)
	JLE(LabelRef("done"))
	back := GP64()
	Label("back")
	MOVQ(ss, back)
	SUBQ(back, src)
	SUBQ(ds, dst)
	INCQ(rows)
	CMPQ(rows, U8(4))
	JL(LabelRef("back"))
	Label("block")
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
	SUBQ(U8(4), rows)
	JMP(LabelRef("rows"))
	Label("done")
	VZEROUPPER()
	RET()
}

// squareBlock emits four rows of one vector; steps are those of src, of dst, and three times that of dst.
func squareBlock(v isa, k int, a reg.Register, ws []reg.VecVirtual, m *mask, p, q gp, steps [3]gp) {
	var acc [4]reg.VecVirtual
	for i := range acc {
		acc[i] = v.vec()
		VBROADCASTSS(Mem{Base: a, Disp: tapBias}, acc[i])
	}
	r := GP64()
	MOVQ(p, r)
	for y := range k + 3 {
		for x := range k {
			t := v.vec()
			VMOVUPS(Mem{Base: r, Disp: 4 * x}, t)
			for o := max(0, y-k+1); o <= min(3, y); o++ {
				VFMADD231PS(ws[(y-o)*k+x], t, acc[o])
			}
		}
		if y < k+2 {
			ADDQ(steps[0], r)
		}
	}
	for i := range acc {
		t := v.vec()
		VBROADCASTSS(Mem{Base: a, Disp: tapLo}, t)
		VMAXPS(acc[i], t, acc[i])
		VBROADCASTSS(Mem{Base: a, Disp: tapHi}, t)
		VMINPS(acc[i], t, acc[i])
		v.store(m, acc[i], rowMem(q, steps[1], steps[2], i, 0))
	}
}
