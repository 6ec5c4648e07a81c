package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// second emits a copy of every second element of width bytes, from the first on: count groups of 64 bytes become 32 each.
func second(width int) {
	TEXT(fmt.Sprintf("second%dAVX2", width), NOSPLIT, "func(dst, src *byte, count int)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	src := Load(Param("src"), GP64()).(reg.GPVirtual)
	count := Load(Param("count"), GP64()).(reg.GPVirtual)
	low := YMM() // the first of each two elements
	if width < 4 {
		VPCMPEQD(low, low, low)
		if width == 1 {
			VPSRLW(U8(8), low, low)
		} else {
			VPSRLD(U8(16), low, low)
		}
	}
	Label("group")
	TESTQ(count, count)
	JE(LabelRef("done"))
	a, b, out := YMM(), YMM(), YMM()
	if width < 4 {
		VPAND(Mem{Base: src}, low, a)
		VPAND(Mem{Base: src, Disp: 32}, low, b)
	} else {
		VMOVUPS(Mem{Base: src}, a)
		VMOVUPS(Mem{Base: src, Disp: 32}, b)
	}
	switch width { // within lanes, which VPERMQ puts in order
	case 1:
		VPACKUSWB(b, a, out)
	case 2:
		VPACKUSDW(b, a, out)
	case 4:
		VSHUFPS(U8(0x88), b, a, out)
	default:
		VUNPCKLPD(b, a, out)
	}
	VPERMQ(U8(0xd8), out, out)
	VMOVUPS(out, Mem{Base: dst})
	ADDQ(U8(64), src)
	ADDQ(U8(32), dst)
	DECQ(count)
	JMP(LabelRef("group"))
	Label("done")
	VZEROUPPER()
	RET()
}
