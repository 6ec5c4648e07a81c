package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// quantize emits func(dst *byte, x *float32, n int, scale, inv, sure, zero, lo, hi float32) for n a multiple of the lanes:
// the low byte of x/scale, rounded to nearest even, plus zero, kept in [lo, hi], the range of the bytes. NaN becomes lo.
// Products with inv stand for quotients where they lie at most sure from a whole number.
func (g *isa) quantize(name string, signed bool) {
	g.begin(name, "func(dst *byte, x *float32, n int, scale, inv, sure, zero, lo, hi float32)")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	x := Load(Param("x"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	scale, inv, sure := g.param("scale"), g.param("inv"), g.param("sure")
	zero, lo, hi := g.param("zero"), g.param("lo"), g.param("hi")
	q := quantizer{g: g, x: x, scale: scale, inv: inv, sure: sure, most: g.sub(hi, zero), zero: g.r(), order: g.byteOrder()}
	VCVTPS2DQ(zero, q.zero)
	VPACKSSDW(q.zero, q.zero, q.zero)
	Label("four")
	CMPQ(n, U32(uint32(4*g.w)))
	JLT(LabelRef("ones"))
	VMOVUPS(q.pack(q.four(), signed), Mem{Base: dst})
	ADDQ(U32(uint32(16*g.w)), x)
	ADDQ(U32(uint32(4*g.w)), dst)
	SUBQ(U32(uint32(4*g.w)), n)
	JMP(LabelRef("four"))
	Label("ones")
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

// A quantizer emits the loop over four vectors: numbers up to most, the largest byte less the zero point, become integers, and
// packing them keeps them in the range of bytes.
type quantizer struct {
	g                            *isa
	x                            reg.GPVirtual
	scale, inv, sure, most, zero vec
	order                        vec
}

// four returns the integers of four vectors. A number far below zero, or NaN, becomes the least integer.
func (q quantizer) four() (whole [4]vec) {
	g := q.g
	off := g.load(bitsConst(0)) // the largest distance from a whole number
	for i := range whole {
		p := g.atMost(g.mul(q.inv, g.at(q.x, i)), q.most)
		whole[i] = g.r()
		VCVTPS2DQ(p, whole[i])
		back := g.r()
		VCVTDQ2PS(whole[i], back)
		VMAXPS(off, g.abs(g.sub(p, back)), off) // off, if the other is NaN
	}
	g.unlessAbove(off, q.sure, "sure")
	for i := range whole {
		VCVTPS2DQ(g.atMost(g.div(g.load(g.at(q.x, i)), q.scale), q.most), whole[i])
	}
	Label("sure")
	return whole
}

// pack adds the zero point to integers of 16 bits, and returns the bytes.
func (q quantizer) pack(whole [4]vec, signed bool) vec {
	v := q.g.r()
	for i := 0; i < 4; i += 2 {
		VPACKSSDW(whole[i+1], whole[i], whole[i])
		VPADDSW(q.zero, whole[i], whole[i])
	}
	if signed {
		VPACKSSWB(whole[2], whole[0], v)
	} else {
		VPACKUSWB(whole[2], whole[0], v)
	}
	VPERMD(v, q.order, v)
	return v
}

// byteOrder returns the places of groups of four bytes that packing within parts of 128 bits has interleaved.
func (g *isa) byteOrder() vec {
	v := g.r()
	from := NewDataAddr(NewStaticSymbol(orderName), 0)
	if g.wide() {
		VPMOVZXBD(from, v)
	} else {
		VPMOVZXBD(NewDataAddr(NewStaticSymbol(orderName), 16), v)
	}
	return v
}

const orderName = "byteOrder"

// emitByteOrder writes the places for AVX-512, then those for AVX2.
func emitByteOrder() {
	GLOBL(orderName, RODATA|NOPTR)
	for i := range 16 {
		DATA(i, U8(uint8(i%4*4+i/4)))
	}
	for i := range 8 {
		DATA(16+i, U8(uint8(i%2*4+i/2)))
	}
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
