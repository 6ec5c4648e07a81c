package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// repeats emits func(dst, src *byte, rows, n, step int) for elements of 1, 2, 4 and 8 bytes: rows of n bytes, one behind the other in dst,
// become copies of the element at src, those of the next row of that step bytes further on. It writes whole vectors of 32 bytes.
func repeats() {
	spread := []func(src, dst Op){func(s, d Op) { VPBROADCASTB(s, d) }, func(s, d Op) { VPBROADCASTW(s, d) }, func(s, d Op) { VPBROADCASTD(s, d) }, func(s, d Op) { VPBROADCASTQ(s, d) }}
	for i, f := range spread {
		repeat(fmt.Sprintf("repeat%d", 8<<i), f)
	}
}

func repeat(name string, spread func(src, dst Op)) {
	TEXT(name, NOSPLIT, "func(dst, src *byte, rows, n, step int)")
	Pragma("noescape")
	var args [5]reg.GPVirtual
	for i, name := range []string{"dst", "src", "rows", "n", "step"} {
		args[i] = Load(Param(name), GP64()).(reg.GPVirtual)
	}
	dst, src, rows, n, step := args[0], args[1], args[2], args[3], args[4]
	v, at := YMM(), GP64()
	Label("row")
	spread(Mem{Base: src}, v)
	XORQ(at, at)
	Label("vector")
	VMOVDQU(v, Mem{Base: dst, Index: at, Scale: 1})
	ADDQ(U8(32), at)
	CMPQ(at, n)
	JL(LabelRef("vector"))
	ADDQ(n, dst)
	ADDQ(step, src)
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}
