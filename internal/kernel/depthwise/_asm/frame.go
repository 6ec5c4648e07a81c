package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
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
	TEXT("frame"+v.name, NOSPLIT, "func(a *byte)")
	Doc("frame" + v.name + " is frameGeneric.")
	a := Load(Param("a"), GP64())
	channels := field(a, frameChannels)
	m := v.newMask(channels)
	zero := v.vec()
	if v.lanes == 16 {
		VPXORD(zero, zero, zero)
	} else {
		VXORPS(zero, zero, zero)
	}
	dst, src := field(a, frameDst), field(a, frameSrc)
	row, pixel, rows := elements(a, frameRow), elements(a, framePixel), field(a, frameRows)
	ahead := GP64()
	MOVQ(pixel, ahead)
	SHLQ(U8(frameAheadShift), ahead)
	zeros := func(label string, off int) {
		n := field(a, off)
		loop(label, n, 1, func() {
			VMOVUPS(zero, Mem{Base: dst})
			ADDQ(U32(uint32(v.bytes())), dst)
		})
	}
	body := func(name string, m *mask) {
		Label(name)
		zeros(name+"_lo", frameLo)
		p, n := GP64(), field(a, frameCols)
		MOVQ(src, p)
		loop(name+"_cols", n, 1, func() {
			x := v.vec()
			PREFETCHT0(Mem{Base: p, Index: ahead, Scale: 1})
			v.load(m, Mem{Base: p}, x)
			VMOVUPS(x, Mem{Base: dst})
			ADDQ(pixel, p)
			ADDQ(U32(uint32(v.bytes())), dst)
		})
		zeros(name+"_hi", frameHi)
		ADDQ(row, src)
		DECQ(rows)
		JNE(LabelRef(name))
		VZEROUPPER()
		RET()
	}
	CMPQ(channels, U32(uint32(v.lanes)))
	JL(LabelRef("tail"))
	body("full", nil)
	body("tail", m)
}
