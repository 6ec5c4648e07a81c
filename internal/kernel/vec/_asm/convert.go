package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A convertKernel changes the element type of one vector of 32-bit lanes, or of as many elements.
type convertKernel struct {
	name     string
	from, to int  // bytes
	wide     bool // AVX-512 only: quads.go has the others
	body     func(g *isa, x, dst reg.GPVirtual)
}

var convertKernels = []convertKernel{
	{"f32ToI32", 4, 4, false, func(g *isa, x, dst reg.GPVirtual) {
		v := g.r()
		VCVTTPS2DQ(Mem{Base: x}, v)
		VMOVUPS(v, Mem{Base: dst})
	}},
	{"i32ToF32", 4, 4, false, func(g *isa, x, dst reg.GPVirtual) {
		v := g.r()
		VCVTDQ2PS(Mem{Base: x}, v)
		VMOVUPS(v, Mem{Base: dst})
	}},
	{"u8ToF32", 1, 4, false, func(g *isa, x, dst reg.GPVirtual) {
		v := g.r()
		VPMOVZXBD(Mem{Base: x}, v)
		VCVTDQ2PS(v, v)
		VMOVUPS(v, Mem{Base: dst})
	}},
	{"f32ToU8", 4, 1, false, func(g *isa, x, dst reg.GPVirtual) {
		v := g.r()
		VCVTTPS2DQ(Mem{Base: x}, v)
		g.storeLowBytes(v, Mem{Base: dst})
	}},
	{"f32ToF64", 4, 8, false, func(g *isa, x, dst reg.GPVirtual) {
		for i := range 2 {
			v := g.r()
			VCVTPS2PD(Mem{Base: x, Disp: i * 2 * g.w}, v)
			VMOVUPD(v, g.at(dst, i))
		}
	}},
	{"f64ToF32", 8, 4, false, func(g *isa, x, dst reg.GPVirtual) {
		for i := range 2 {
			if g.wide() {
				v := YMM()
				VCVTPD2PS(g.at(x, i), v)
				VMOVUPS(v, Mem{Base: dst, Disp: i * 32})
				continue
			}
			v := XMM()
			VCVTPD2PSY(g.at(x, i), v)
			VMOVUPS(v, Mem{Base: dst, Disp: i * 16})
		}
	}},
	{"i32ToI64", 4, 8, false, func(g *isa, x, dst reg.GPVirtual) {
		for i := range 2 {
			v := g.r()
			VPMOVSXDQ(Mem{Base: x, Disp: i * 2 * g.w}, v)
			VMOVUPD(v, g.at(dst, i))
		}
	}},
	{"i64ToI32", 8, 4, false, func(g *isa, x, dst reg.GPVirtual) {
		if g.wide() {
			for i := range 2 {
				v := g.load(g.at(x, i))
				VPMOVQD(v, Mem{Base: dst, Disp: i * 32})
			}
			return
		}
		VMOVUPS(g.lowWords(x), Mem{Base: dst})
	}},
	{"i8ToF32", 1, 4, false, func(g *isa, x, dst reg.GPVirtual) {
		v := g.r()
		VPMOVSXBD(Mem{Base: x}, v)
		VCVTDQ2PS(v, v)
		VMOVUPS(v, Mem{Base: dst})
	}},
	{"u8ToI32", 1, 4, false, func(g *isa, x, dst reg.GPVirtual) { g.extend(VPMOVZXBD, x, dst, 1) }},
	{"i8ToI32", 1, 4, false, func(g *isa, x, dst reg.GPVirtual) { g.extend(VPMOVSXBD, x, dst, 1) }},
	{"u8ToI64", 1, 8, false, func(g *isa, x, dst reg.GPVirtual) { g.extend(VPMOVZXBQ, x, dst, 2) }},
	{"i8ToI64", 1, 8, false, func(g *isa, x, dst reg.GPVirtual) { g.extend(VPMOVSXBQ, x, dst, 2) }},
	{"i32ToF64", 4, 8, false, func(g *isa, x, dst reg.GPVirtual) {
		for i := range 2 {
			v := g.r()
			VCVTDQ2PD(Mem{Base: x, Disp: i * 2 * g.w}, v)
			VMOVUPD(v, g.at(dst, i))
		}
	}},
	{"f64ToI32", 8, 4, false, func(g *isa, x, dst reg.GPVirtual) {
		for i := range 2 {
			if g.wide() {
				v := YMM()
				VCVTTPD2DQ(g.at(x, i), v)
				VMOVUPS(v, Mem{Base: dst, Disp: i * 32})
				continue
			}
			v := XMM()
			VCVTTPD2DQY(g.at(x, i), v)
			VMOVUPS(v, Mem{Base: dst, Disp: i * 16})
		}
	}},
	{"i32ToU8", 4, 1, false, func(g *isa, x, dst reg.GPVirtual) { g.storeLowBytes(g.load(Mem{Base: x}), Mem{Base: dst}) }},
	{"i64ToU8", 8, 1, false, func(g *isa, x, dst reg.GPVirtual) {
		if !g.wide() {
			g.storeLowBytes(g.lowWords(x), Mem{Base: dst})
			return
		}
		for i := range 2 {
			VPMOVQB(g.load(g.at(x, i)), Mem{Base: dst, Disp: 8 * i})
		}
	}},
	{"i64ToF32", 8, 4, true, func(g *isa, x, dst reg.GPVirtual) {
		for i := range 2 {
			v := YMM()
			VCVTQQ2PS(g.at(x, i), v)
			VMOVUPS(v, Mem{Base: dst, Disp: i * 32})
		}
	}},
	{"f32ToI64", 4, 8, true, func(g *isa, x, dst reg.GPVirtual) {
		for i := range 2 {
			v := g.r()
			VCVTTPS2QQ(Mem{Base: x, Disp: i * 32}, v)
			VMOVUPS(v, g.at(dst, i))
		}
	}},
	{"i64ToF64", 8, 8, true, func(g *isa, x, dst reg.GPVirtual) { g.quads(VCVTQQ2PD, x, dst) }},
	{"f64ToI64", 8, 8, true, func(g *isa, x, dst reg.GPVirtual) { g.quads(VCVTTPD2QQ, x, dst) }},
	{"f32ToBF16", 4, 2, false, func(g *isa, x, dst reg.GPVirtual) {
		v := g.load(Mem{Base: x})
		high, odd, quiet := g.r(), g.r(), g.r()
		VPSRLD(U8(16), v, high)
		VPSLLD(U8(31), high, odd)
		VPSRLD(U8(31), odd, odd)
		g.op("VORPS", bitsConst(0x40), high, quiet)
		r := g.two("VPADDD", v, bitsConst(0x7fff))
		VPADDD(odd, r, r)
		VPSRLD(U8(16), r, r)
		g.storeLowWords(g.ifCompare(cmpUnord, v, v, quiet, r), Mem{Base: dst})
	}},
	{"bf16ToF32", 2, 4, false, func(g *isa, x, dst reg.GPVirtual) {
		v := g.r()
		VPMOVZXWD(Mem{Base: x}, v)
		VPSLLD(U8(16), v, v)
		VMOVUPS(v, Mem{Base: dst})
	}},
	{"u16ToF32", 2, 4, false, func(g *isa, x, dst reg.GPVirtual) { g.extendToF32(VPMOVZXWD, x, dst) }},
	{"i16ToF32", 2, 4, false, func(g *isa, x, dst reg.GPVirtual) { g.extendToF32(VPMOVSXWD, x, dst) }},
	{"u16ToI32", 2, 4, false, func(g *isa, x, dst reg.GPVirtual) { g.extend(VPMOVZXWD, x, dst, 1) }},
	{"i16ToI32", 2, 4, false, func(g *isa, x, dst reg.GPVirtual) { g.extend(VPMOVSXWD, x, dst, 1) }},
	{"f32ToU16", 4, 2, false, func(g *isa, x, dst reg.GPVirtual) {
		v := g.r()
		VCVTTPS2DQ(Mem{Base: x}, v)
		g.storeLowWords(g.lowHalves(v), Mem{Base: dst})
	}},
	{"i32ToU16", 4, 2, false, func(g *isa, x, dst reg.GPVirtual) {
		g.storeLowWords(g.lowHalves(g.load(Mem{Base: x})), Mem{Base: dst})
	}},
	{"u32ToF32", 4, 4, false, func(g *isa, x, dst reg.GPVirtual) {
		v := g.r()
		if g.wide() {
			VCVTUDQ2PS(Mem{Base: x}, v)
		} else { // both halves are exact, so that the sum is rounded once
			VPSRLD(U8(16), g.load(Mem{Base: x}), v)
			VCVTDQ2PS(v, v)
			low := g.r()
			VCVTDQ2PS(g.lowHalves(g.load(Mem{Base: x})), low)
			v = g.add(g.mul(v, bitsConst(math.Float32bits(1<<16))), low)
		}
		VMOVUPS(v, Mem{Base: dst})
	}},
}

// extendToF32 widens as many words as there are lanes and makes floats of them.
func (g *isa) extendToF32(widen emit, x, dst reg.GPVirtual) {
	v := g.r()
	widen(Mem{Base: x}, v)
	VCVTDQ2PS(v, v)
	VMOVUPS(v, Mem{Base: dst})
}

// lowHalves clears the upper 16 bits of lanes, where storeLowWords does not drop them itself.
func (g *isa) lowHalves(v reg.VecVirtual) reg.VecVirtual {
	if g.wide() {
		return v
	}
	VPAND(bitsConst(0xffff), v, v)
	return v
}

// extend widens as many bytes as there are lanes to count vectors.
func (g *isa) extend(widen emit, x, dst reg.GPVirtual, count int) {
	for i := range count {
		v := g.r()
		widen(Mem{Base: x, Disp: i * g.w / count}, v)
		VMOVUPS(v, g.at(dst, i))
	}
}

// lowWords returns the lower halves of two vectors of lanes of 64 bits, for AVX2.
func (g *isa) lowWords(x reg.GPVirtual) vec {
	v := g.load(g.at(x, 0))
	VSHUFPS(U8(0x88), g.at(x, 1), v, v)
	VPERMQ(U8(0xd8), v, v)
	return v
}

// quads converts two vectors of lanes of 64 bits.
func (g *isa) quads(convert emit, x, dst reg.GPVirtual) {
	for i := range 2 {
		v := g.r()
		convert(g.at(x, i), v)
		VMOVUPS(v, g.at(dst, i))
	}
}

// storeLowWords stores lanes below 2**16 as 16 bits each.
func (g *isa) storeLowWords(v vec, p Mem) {
	if g.wide() {
		VPMOVDW(v, p)
		return
	}
	high, low := XMM(), XMM()
	VEXTRACTI128(U8(1), v, high)
	VPACKUSDW(high, v.AsX(), low)
	VMOVUPS(low, p)
}

// convert emits func(dst, x *byte, n int) for n a multiple of 16.
func (g *isa) convert(k convertKernel) {
	g.begin(k.name, "func(dst, x *byte, n int)")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	x := Load(Param("x"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	g.wholeGroups(n, func() {
		k.body(g, x, dst)
		ADDQ(U32(uint32(k.from*g.w)), x)
		ADDQ(U32(uint32(k.to*g.w)), dst)
	})
}
