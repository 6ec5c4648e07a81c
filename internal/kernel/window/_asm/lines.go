package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in LineArgs, and its number of lines.
const (
	lineDst, lineSrc, lineIndex, lineW = 0, 24, 48, 72
	lineTaps, lineCount, linePitch     = 96, 104, 112
	lineWidth                          = 16
)

func lines(v isa) {
	TEXT("lines"+v.Name, NOSPLIT, "func(a *byte)")
	Doc("lines" + v.Name + " is linesGeneric.")
	a := Load(Param("a"), GP64())
	dst, src, index, w := Field(a, lineDst), Field(a, lineSrc), Field(a, lineIndex), Field(a, lineW)
	taps, count, pitch := Field(a, lineTaps), Field(a, lineCount), Field(a, linePitch)
	SHLQ(U8(2), pitch)
	Loop("outputs", count, 1, func() {
		acc := make([]reg.VecVirtual, lineWidth/v.Lanes)
		for i := range acc {
			acc[i] = v.Vec()
			v.Zero(acc[i])
		}
		left := GP64()
		MOVQ(taps, left)
		Loop("taps", left, 1, func() {
			at, x := GP64(), v.Vec()
			MOVQ(Mem{Base: index}, at)
			IMULQ(pitch, at)
			VBROADCASTSS(Mem{Base: w}, x)
			for i := range acc {
				VFMADD231PS(Mem{Base: src, Index: at, Scale: 1, Disp: i * v.Bytes()}, x, acc[i])
			}
			ADDQ(U8(8), index)
			ADDQ(U8(4), w)
		})
		for i := range acc {
			v.store(nil, acc[i], Mem{Base: dst, Disp: i * v.Bytes()})
		}
		ADDQ(pitch, dst)
	})
	VZEROUPPER()
	RET()
}
