package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A partialKernel computes a vector of results from two of inputs where every lane is ordinary, and leaves
// others to the caller.
type partialKernel struct {
	name string
	body func(g *isa, a, b vec) (v vec, odd []condition)
}

// A condition is a comparison that holds for lanes that are not ordinary.
type condition struct {
	pred uint8
	x    vec
	y    Op
}

const cmpNGE = 25 // not greater or equal, so true for NaN

// log2(m) = s*(2/ln2 + s**2*q(s**2)) with s = (m-1)/(m+1), |s| <= 0.1716, error 3e-14; and 2**f = exp2Coef(f) on
// |f| <= 0.5, error 2e-9. Fits as in approx.go.
var (
	log2Coef = []float64{0.9617966941, 0.5770779528, 0.4122084453, 0.3199328175, 0.2825697132}
	exp2Coef = []float64{1.000000001, 0.693147206, 0.2402264684, 0.05550328124, 0.009618491855, 0.00134001955, 0.0001534557676}
)

const (
	twoOverLn2   = 2.885390081777926814719849362003784069
	twoOverLn2Hi = 2.8853900432586669921875 // rounded to float32
)

var partialKernels = []partialKernel{
	{"pow", func(g *isa, a, b vec) (vec, []condition) { return g.pow(a, b) }},
	{"fmod", func(g *isa, a, b vec) (vec, []condition) {
		q := g.round(11, g.div(a, b))
		r := g.copy(a)
		VFNMADD231PS(q, b, r)
		s := g.signOf(a)
		b = g.abs(b)
		r = g.ifCompare(cmpLT, g.xor(r, s), c(0), g.add(r, g.xor(b, s)), r) // one step too far, by the rounding of the quotient
		r = g.two("VORPS", g.abs(r), s)
		return r, []condition{{cmpNLT, g.abs(q), c(1 << 22)}, {cmpNLT, b, bitsConst(0x7f800000)}}
	}},
}

// pow carries the logarithm in two parts, hi and lo, so that the exponent b*log2(a), up to 126, keeps 24 bits
// behind the point.
func (g *isa) pow(a, b vec) (vec, []condition) {
	e, m := g.r(), g.r()
	g.op("VPSUBD", bitsConst(0x3f3504f3), a, e)
	VPSRAD(U8(23), e, e)
	VPSLLD(U8(23), e, m)
	VPSUBD(m, a, m)
	VCVTDQ2PS(e, e)
	num := g.sub(m, c(1))
	den := g.add(m, c(1))
	denLo := g.sub(m, g.sub(den, c(1)))
	s := g.div(num, den)
	rest := num // (num - s*(den+denLo)) / den
	VFNMADD231PS(s, den, rest)
	VFNMADD231PS(s, denLo, rest)
	sLo := g.div(rest, den)
	z := g.mul(s, s)
	q := g.mul(g.mul(g.horner(z, log2Coef...), z), s)
	hi := g.mul(s, c(twoOverLn2Hi))
	lo := s // s*2/ln2 - hi + sLo*2/ln2 + q
	sRest := g.mul(s, c(twoOverLn2-twoOverLn2Hi))
	VFMADD213PS(g.xor(hi, bitsConst(sign)), g.k(twoOverLn2Hi), lo)
	lo = g.add(lo, sRest)
	g.op("VFMADD231PS", c(twoOverLn2), sLo, lo)
	lo = g.add(lo, q)
	h := g.add(e, hi)
	l := g.add(g.sub(hi, g.sub(h, e)), lo)
	return g.exp2Product(a, b, h, l)
}

// exp2Product is 2**(b*(h+l)); a is the number that h+l is the logarithm of.
func (g *isa) exp2Product(a, b, h, l vec) (vec, []condition) {
	p := g.mul(b, h)
	n := g.round(8, p)
	f := g.copy(b) // b*(h+l) - n
	VFMADD213PS(g.xor(p, bitsConst(sign)), h, f)
	VFMADD231PS(l, b, f)
	f = g.add(f, g.sub(p, n))
	r := g.horner(f, exp2Coef...)
	if g.wide() {
		VSCALEFPS(n, r, r)
	} else {
		k := g.r()
		VCVTPS2DQ(n, k)
		VPSLLD(U8(23), k, k)
		VPADDD(k, r, r)
	}
	return r, []condition{
		{cmpNGE, a, bitsConst(0x00800000)},
		{cmpNLT, a, bitsConst(0x7f800000)},
		{cmpNLT, g.abs(p), c(125)},
	}
}

// partial emits func(dst, a, b []float32) int. It stops at the first vector with a lane that is not ordinary
// and returns the number of elements done, a multiple of the lanes. All three have the length of dst.
func (g *isa) partial(k partialKernel) {
	g.begin(k.name, "func(dst, a, b []float32) int")
	dst := Load(Param("dst").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("dst").Len(), GP64()).(reg.GPVirtual)
	a := Load(Param("a").Base(), GP64()).(reg.GPVirtual)
	b := Load(Param("b").Base(), GP64()).(reg.GPVirtual)
	done := GP64()
	XORQ(done, done)
	Label("next")
	CMPQ(n, U32(uint32(g.w)))
	JLT(LabelRef("end"))
	v, conditions := k.body(g, g.load(Mem{Base: a}), g.load(Mem{Base: b}))
	for _, odd := range conditions {
		g.leaveIf(odd, "end")
	}
	VMOVUPS(v, Mem{Base: dst})
	for _, p := range []reg.GPVirtual{dst, a, b} {
		ADDQ(U32(uint32(4*g.w)), p)
	}
	ADDQ(U32(uint32(g.w)), done)
	SUBQ(U32(uint32(g.w)), n)
	JMP(LabelRef("next"))
	Label("end")
	Store(done, ReturnIndex(0))
	g.end()
}

// leaveIf jumps if the condition holds for any lane.
func (g *isa) leaveIf(odd condition, label string) {
	if g.wide() {
		m := K()
		g.op("VCMPPS", U8(odd.pred), odd.y, odd.x, m)
		KORTESTW(m, m)
		JNE(LabelRef(label))
		return
	}
	m, bits := g.r(), GP32()
	VCMPPS(U8(odd.pred), odd.y, odd.x, m)
	VMOVMSKPS(m, bits)
	TESTL(bits, bits)
	JNE(LabelRef(label))
}
