package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sumPieces emits func(y, bias *float32, src *byte, sources, pieces, yld, xld int), src pointing to a list of pieceSource: for i < pieces, the 8 elements from
// y[i*yld] on become those of bias plus those from i*xld on of every source, where its mask is set.
func sumPieces() {
	TEXT("sumPieces8", NOSPLIT, "func(y, bias *float32, src *byte, sources, pieces, yld, xld int)")
	Pragma("noescape")
	var args [7]reg.GPVirtual
	for i, name := range []string{"y", "bias", "src", "sources", "pieces", "yld", "xld"} {
		args[i] = Load(Param(name), GP64()).(reg.GPVirtual)
	}
	y, src, sources, pieces, yld, xld := args[0], args[2], args[3], args[4], args[5], args[6]
	bias, acc, mask, v := YMM(), YMM(), YMM(), YMM()
	VMOVUPS(Mem{Base: args[1]}, bias)
	at, s, left, p := GP64(), GP64(), GP64(), GP64()
	XORQ(at, at)
	Label("nextPiece")
	TESTQ(pieces, pieces)
	JE(LabelRef("done"))
	VMOVAPS(bias, acc)
	MOVQ(src, s)
	MOVQ(sources, left)
	Label("nextSource")
	TESTQ(left, left)
	JE(LabelRef("sum"))
	MOVQ(Mem{Base: s, Disp: 8}, p)
	VMOVUPS(Mem{Base: p}, mask)
	MOVQ(Mem{Base: s}, p)
	VMASKMOVPS(Mem{Base: p, Index: at, Scale: 4}, mask, v)
	VADDPS(v, acc, acc)
	ADDQ(U8(16), s)
	DECQ(left)
	JMP(LabelRef("nextSource"))
	Label("sum")
	VMOVUPS(acc, Mem{Base: y})
	LEAQ(Mem{Base: y, Index: yld, Scale: 4}, y)
	ADDQ(xld, at)
	DECQ(pieces)
	JMP(LabelRef("nextPiece"))
	Label("done")
	VZEROUPPER()
	RET()
}
