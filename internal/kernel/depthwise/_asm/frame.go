package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in FrameArgs.
const (
	frameDst, frameSrc, frameRows, frameCols   = 0, 24, 48, 56
	frameRow, framePixel, frameLo, frameHi     = 64, 72, 80, 88
	frameChannels, frameAhead, frameAheadShift = 96, 16, 4
)

// frame emits the kernel that copies a vector of channels. It asks for the pixels that come frameAhead later: they lie too
// far apart for the processor to do so.
func frame(v isa) {
	TEXT("frame"+v.Name, NOSPLIT, "func(a *byte)")
	Doc("frame" + v.Name + " is frameGeneric.")
	a := Load(Param("a"), GP64())
	channels := Field(a, frameChannels)
	m := v.newMask(channels)
	zero := v.Vec()
	if v.Wide() {
		VPXORD(zero, zero, zero)
	} else {
		VXORPS(zero, zero, zero)
	}
	dst, src := Field(a, frameDst), Field(a, frameSrc)
	row, pixel, rows := Elements(a, frameRow), Elements(a, framePixel), Field(a, frameRows)
	ahead := GP64()
	MOVQ(pixel, ahead)
	SHLQ(U8(frameAheadShift), ahead)
	zeros := func(label string, off int) {
		n := Field(a, off)
		Loop(label, n, 1, func() {
			VMOVUPS(zero, Mem{Base: dst})
			ADDQ(U32(uint32(v.Bytes())), dst)
		})
	}
	body := func(name string, m *mask) {
		Label(name)
		zeros(name+"_lo", frameLo)
		p, n := GP64(), Field(a, frameCols)
		MOVQ(src, p)
		Loop(name+"_cols", n, 1, func() {
			x := v.Vec()
			PREFETCHT0(Mem{Base: p, Index: ahead, Scale: 1})
			v.load(m, Mem{Base: p}, x)
			VMOVUPS(x, Mem{Base: dst})
			ADDQ(pixel, p)
			ADDQ(U32(uint32(v.Bytes())), dst)
		})
		zeros(name+"_hi", frameHi)
		ADDQ(row, src)
		DECQ(rows)
		JNE(LabelRef(name))
		VZEROUPPER()
		RET()
	}
	CMPQ(channels, U32(uint32(v.Lanes)))
	JL(LabelRef("tail"))
	body("full", nil)
	body("tail", m)
}
