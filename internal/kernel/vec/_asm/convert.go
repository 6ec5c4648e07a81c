package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A convertKernel changes the element type of one vector of 32-bit lanes, or of as many elements.
type convertKernel struct {
	name     string
	from, to int // bytes
	body     func(g *isa, x, dst reg.GPVirtual)
}

var convertKernels = []convertKernel{
	{"f32ToI32", 4, 4, func(g *isa, x, dst reg.GPVirtual) {
		v := g.r()
		VCVTTPS2DQ(Mem{Base: x}, v)
		VMOVUPS(v, Mem{Base: dst})
	}},
	{"i32ToF32", 4, 4, func(g *isa, x, dst reg.GPVirtual) {
		v := g.r()
		VCVTDQ2PS(Mem{Base: x}, v)
		VMOVUPS(v, Mem{Base: dst})
	}},
	{"u8ToF32", 1, 4, func(g *isa, x, dst reg.GPVirtual) {
		v := g.r()
		VPMOVZXBD(Mem{Base: x}, v)
		VCVTDQ2PS(v, v)
		VMOVUPS(v, Mem{Base: dst})
	}},
	{"f32ToU8", 4, 1, func(g *isa, x, dst reg.GPVirtual) {
		v := g.r()
		VCVTTPS2DQ(Mem{Base: x}, v)
		g.storeLowBytes(v, Mem{Base: dst})
	}},
	{"f32ToF64", 4, 8, func(g *isa, x, dst reg.GPVirtual) {
		for i := range 2 {
			v := g.r()
			VCVTPS2PD(Mem{Base: x, Disp: i * 2 * g.w}, v)
			VMOVUPD(v, g.at(dst, i))
		}
	}},
	{"f64ToF32", 8, 4, func(g *isa, x, dst reg.GPVirtual) {
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
	{"i32ToI64", 4, 8, func(g *isa, x, dst reg.GPVirtual) {
		for i := range 2 {
			v := g.r()
			VPMOVSXDQ(Mem{Base: x, Disp: i * 2 * g.w}, v)
			VMOVUPD(v, g.at(dst, i))
		}
	}},
	{"i64ToI32", 8, 4, func(g *isa, x, dst reg.GPVirtual) {
		if g.wide() {
			for i := range 2 {
				v := g.load(g.at(x, i))
				VPMOVQD(v, Mem{Base: dst, Disp: i * 32})
			}
			return
		}
		v := g.load(g.at(x, 0))
		VSHUFPS(U8(0x88), g.at(x, 1), v, v)
		VPERMQ(U8(0xd8), v, v)
		VMOVUPS(v, Mem{Base: dst})
	}},
}

// convert emits func(dst, x *byte, n int) for n a multiple of the lanes.
func (g *isa) convert(k convertKernel) {
	g.begin(k.name, "func(dst, x *byte, n int)")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	x := Load(Param("x"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	g.whole(n, func() {
		k.body(g, x, dst)
		ADDQ(U32(uint32(k.from*g.w)), x)
		ADDQ(U32(uint32(k.to*g.w)), dst)
	})
}
