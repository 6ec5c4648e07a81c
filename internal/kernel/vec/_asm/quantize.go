package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// quantize emits func(dst *byte, x *float32, n int, scale, zero, lo, hi float32) for n a multiple of the lanes: the low
// byte of x/scale, rounded to nearest even, plus zero, kept in [lo, hi]. NaN becomes lo.
func (g *isa) quantize() {
	g.begin("quantize", "func(dst *byte, x *float32, n int, scale, zero, lo, hi float32)")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	x := Load(Param("x"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	scale, zero, lo, hi := g.param("scale"), g.param("zero"), g.param("lo"), g.param("hi")
	g.whole(n, func() {
		v := g.div(g.load(Mem{Base: x}), scale)
		if g.wide() {
			VRNDSCALEPS(U8(0), v, v)
		} else {
			VROUNDPS(U8(0), v, v)
		}
		VADDPS(zero, v, v)
		VMAXPS(lo, v, v)
		VMINPS(hi, v, v)
		VCVTTPS2DQ(v, v)
		g.storeLowBytes(v, Mem{Base: dst})
		ADDQ(U32(uint32(4*g.w)), x)
		ADDQ(U32(uint32(g.w)), dst)
	})
}

// storeLowBytes stores the low byte of each 32-bit lane of v, which it overwrites.
func (g *isa) storeLowBytes(v reg.VecVirtual, p Mem) {
	if g.wide() {
		VPMOVDB(v, p)
		return
	}
	VPAND(bitsConst(0xff), v, v)
	high := XMM()
	VEXTRACTI128(U8(1), v, high)
	low := v.AsX()
	VPACKUSDW(high, low, low)
	VPACKUSWB(low, low, low)
	VMOVQ(low, p)
}

// dequantize emits func(dst *float32, x *byte, n int, scale, zero float32) for n a multiple of the lanes: (x-zero)*scale
// of signed or unsigned bytes.
func (g *isa) dequantize(name string, signed bool) {
	g.begin(name, "func(dst *float32, x *byte, n int, scale, zero float32)")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	x := Load(Param("x"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	scale, zero := g.param("scale"), g.param("zero")
	g.whole(n, func() {
		v := g.r()
		if signed {
			VPMOVSXBD(Mem{Base: x}, v)
		} else {
			VPMOVZXBD(Mem{Base: x}, v)
		}
		VCVTDQ2PS(v, v)
		VSUBPS(zero, v, v)
		VMULPS(scale, v, v)
		VMOVUPS(v, Mem{Base: dst})
		ADDQ(U32(uint32(g.w)), x)
		ADDQ(U32(uint32(4*g.w)), dst)
	})
}
