package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets in LineArgs, and its number of lines.
const (
	lineDst, lineSrc, lineIndex, lineW = 0, 24, 48, 72
	lineTaps, lineCount, linePitch     = 96, 104, 112
	lineWidth                          = 16
)

func lines(v isa) {
	TEXT("lines"+v.name, NOSPLIT, "func(a *byte)")
	Doc("lines" + v.name + " is linesGeneric.")
	a := Load(Param("a"), GP64())
	dst, src, index, w := field(a, lineDst), field(a, lineSrc), field(a, lineIndex), field(a, lineW)
	taps, count, pitch := field(a, lineTaps), field(a, lineCount), field(a, linePitch)
	SHLQ(U8(2), pitch)
	loop("outputs", count, 1, func() {
		acc := make([]reg.VecVirtual, lineWidth/v.lanes)
		for i := range acc {
			acc[i] = v.vec()
			v.zero(acc[i])
		}
		left := GP64()
		MOVQ(taps, left)
		loop("taps", left, 1, func() {
			at, x := GP64(), v.vec()
			MOVQ(Mem{Base: index}, at)
			IMULQ(pitch, at)
			VBROADCASTSS(Mem{Base: w}, x)
			for i := range acc {
				VFMADD231PS(Mem{Base: src, Index: at, Scale: 1, Disp: i * v.bytes()}, x, acc[i])
			}
			ADDQ(U8(8), index)
			ADDQ(U8(4), w)
		})
		for i := range acc {
			v.store(nil, acc[i], Mem{Base: dst, Disp: i * v.bytes()})
		}
		ADDQ(pitch, dst)
	})
	VZEROUPPER()
	RET()
}
