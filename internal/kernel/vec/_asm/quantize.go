package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// quantize emits func(dst *byte, x *float32, n int, scale, inv, sure, zero, lo, hi float32) for n a multiple of the lanes:
// the low byte of x/scale, rounded to nearest even, plus zero, kept in [lo, hi]. NaN becomes lo. Products with inv stand for
// quotients where they lie at most sure from a whole number.
func (g *isa) quantize() {
	g.begin("quantize", "func(dst *byte, x *float32, n int, scale, inv, sure, zero, lo, hi float32)")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	x := Load(Param("x"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	scale, inv, sure := g.param("scale"), g.param("inv"), g.param("sure")
	zero, lo, hi := g.param("zero"), g.param("lo"), g.param("hi")
	g.whole(n, func() {
		v := g.load(Mem{Base: x})
		q := g.mul(v, inv)
		r := g.round(0, q)
		g.unlessAbove(g.abs(g.sub(q, r)), sure, "rounded")
		VMOVAPS(g.round(0, g.div(v, scale)), r)
		Label("rounded")
		r = g.add(r, zero)
		VMAXPS(lo, r, r)
		VMINPS(hi, r, r)
		VCVTTPS2DQ(r, r)
		g.storeLowBytes(r, Mem{Base: dst})
		ADDQ(U32(uint32(4*g.w)), x)
		ADDQ(U32(uint32(g.w)), dst)
	})
}

// unlessAbove jumps if no lane of x is above y.
func (g *isa) unlessAbove(x, y vec, label string) {
	bits := GP32()
	if g.wide() {
		k := K()
		VCMPPS(U8(cmpGT), y, x, k)
		KMOVW(k, bits)
	} else {
		m := g.r()
		VCMPPS(U8(cmpGT), y, x, m)
		VMOVMSKPS(m, bits)
	}
	TESTL(bits, bits)
	JE(LabelRef(label))
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
