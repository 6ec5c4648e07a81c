package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// AVX2 has no conversions between integers of 64 bits and floats. Below 2**51 in size an integer added to the bits of
// 2**52 + 2**51 makes a float64 that is larger by as much; where one of eight numbers is not, all are converted one by one.
const (
	quadMagic = 0x4338000000000000 // 2**52 + 2**51
	quadLimit = 0x4320000000000000 // 2**51
)

// spreadQuad fills a register with a constant of 64 bits.
func spreadQuad(bits uint64) vec {
	u, x, v := GP64(), XMM(), YMM()
	MOVQ(U64(bits), u)
	VMOVQ(u, x)
	VPBROADCASTQ(x, v)
	return v
}

// quadLoop emits func(dst, x *byte, n int) for n a multiple of 8: fast leaves to the label for what it cannot do.
func (g *isa) quadLoop(from, to int, fast func(x, dst reg.GPVirtual, slow string), single func(x, dst Mem)) {
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	x := Load(Param("x"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	g.whole(n, func() {
		fast(x, dst, "single")
		JMP(LabelRef("advance"))
		Label("single")
		for i := range g.w {
			single(Mem{Base: x, Disp: from * i}, Mem{Base: dst, Disp: to * i})
		}
		Label("advance")
		ADDQ(U32(uint32(from*g.w)), x)
		ADDQ(U32(uint32(to*g.w)), dst)
	})
}

// quadsToFloats emits i64ToF64 or i64ToF32.
func (g *isa) quadsToFloats(size int) {
	g.begin(fmt.Sprintf("i64ToF%d", 8*size), "func(dst, x *byte, n int)")
	magic, offset, outside := spreadQuad(quadMagic), spreadQuad(1<<51), spreadQuad(0xfff<<52)
	g.quadLoop(8, size, func(x, dst reg.GPVirtual, slow string) {
		v := []vec{g.load(g.at(x, 0)), g.load(g.at(x, 1))}
		a, b := g.r(), g.r()
		VPADDQ(v[0], offset, a)
		VPADDQ(v[1], offset, b)
		VPOR(a, b, a)
		VPTEST(outside, a)
		JNZ(LabelRef(slow))
		for i, v := range v {
			VPADDQ(magic, v, v)
			VSUBPD(magic, v, v)
			if size == 8 {
				VMOVUPD(v, g.at(dst, i))
				continue
			}
			f := XMM()
			VCVTPD2PSY(v, f)
			VMOVUPS(f, Mem{Base: dst, Disp: 16 * i})
		}
	}, func(x, dst Mem) {
		f := XMM()
		VXORPS(f, f, f)
		if size == 8 {
			VCVTSI2SDQ(x, f, f)
			VMOVSD(f, dst)
			return
		}
		VCVTSI2SSQ(x, f, f)
		VMOVSS(f, dst)
	})
}

// floatsToQuads emits f64ToI64 or f32ToI64.
func (g *isa) floatsToQuads(size int) {
	const notLess, towardsZero = 5, 3
	g.begin(fmt.Sprintf("f%dToI64", 8*size), "func(dst, x *byte, n int)")
	magic, limit, abs := spreadQuad(quadMagic), spreadQuad(quadLimit), spreadQuad(math.MaxInt64)
	g.quadLoop(size, 8, func(x, dst reg.GPVirtual, slow string) {
		var v, far [2]vec
		for i := range v {
			v[i], far[i] = g.r(), g.r()
			if size == 8 {
				VMOVUPD(g.at(x, i), v[i])
			} else {
				VCVTPS2PD(Mem{Base: x, Disp: 16 * i}, v[i])
			}
			VANDPD(abs, v[i], far[i])
			VCMPPD(U8(notLess), limit, far[i], far[i])
		}
		VPOR(far[0], far[1], far[0])
		VPTEST(far[0], far[0])
		JNZ(LabelRef(slow))
		for i, v := range v {
			VROUNDPD(U8(towardsZero), v, v)
			VADDPD(magic, v, v)
			VPSUBQ(magic, v, v)
			VMOVUPD(v, g.at(dst, i))
		}
	}, func(x, dst Mem) {
		u := GP64()
		if size == 8 {
			VCVTTSD2SIQ(x, u)
		} else {
			VCVTTSS2SIQ(x, u)
		}
		MOVQ(u, dst)
	})
}
