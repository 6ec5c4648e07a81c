package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// The approximations below are minimax fits made for this package, in float64, of relative error below
// 2.2e-8 before rounding.

var (
	negInf = math.Inf(-1)

	// exp(r) on |r| <= ln(2)/2, error 3.1e-9.
	expCoef = []float64{1, 1, 0.4999999337, 0.1666651952, 0.04166840113, 0.008368851279, 0.001381431837}
	// (exp(r)-1-r)/r**2 on the same range, for exp(r)-1 within 1.4e-8.
	expm1Coef = []float64{0.4999999813, 0.1666654268, 0.04166720396, 0.008366646935, 0.001388249493}
	// (log(1+f)-f+f**2/2)/f**3 on sqrt(1/2) <= 1+f <= sqrt(2), error of the logarithm 5.9e-9.
	logCoef = []float64{0.3333333166, -0.2500082274, 0.2000123317, -0.166232975, 0.1420155754, -0.1316059523, 0.1276330034, -0.07635588233}
	// log(1+t)/t on 0 <= t <= 1, error 4.8e-9.
	log1pCoef = []float64{0.9999999953, -0.4999990242, 0.3332996227, -0.2495413214, 0.1967593147, -0.1530557013, 0.1060361689, -0.05695915926, 0.01985126272, -0.003243980881}
	// tanh(x)/x as a quotient of polynomials in x**2 up to x = 9.02, error 2.1e-8.
	tanhNum = []float64{0.9999999791, 0.1337972446, 0.003494042088, 2.058359664e-05, 1.331921611e-08}
	tanhDen = []float64{1, 0.4671303972, 0.0258711024, 0.0003283104782, 7.762081759e-07}
	// erf(x)/x likewise up to x = 3.925, error 1.9e-8.
	erfNum = []float64{1.128379146, 0.1905936625, 0.05276929169, 0.003772547207, 0.0002848436571, 2.04603096e-06}
	erfDen = []float64{1, 0.5022419662, 0.1141826881, 0.01498319265, 0.001163857376, 3.804781729e-05}

	// exp(r) on the same range, error 9.2e-8 before rounding: enough for terms of a sum.
	expSoftmaxCoef = []float64{1, 0.99999971, 0.49999146, 0.1666764, 0.04189839, 0.00829023}
	// 2**r on 0 <= r <= 1, error 8.3e-8.
	pow2Coef = []float64{1, 0.693151312, 0.24016445, 0.0557999131, 0.00901703031, 0.00186713008}
	// 2**r on |r| <= 1/2, error 9.2e-8: expSoftmaxCoef at r*ln(2).
	pow2HalfCoef   = atScaled(expSoftmaxCoef, math.Ln2)
	wideExp        = append([]float64{log2e, ln2Hi, ln2Lo}, expCoef...)
	wideExpSoftmax = append([]float64{log2e, exp2SumLo}, pow2Coef...)
	expConsts      = []uint32{f32(expLo), f32(expHi), f32(magic0)}
	shortExp       = []uint32{f32(shortLo), f32(shortHi), f32(magic127)}
)

// times returns the products of numbers with a factor.
func times(v []float64, by float64) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		out[i] = v[i] * by
	}
	return out
}

// atScaled returns the coefficients of a polynomial at by times the argument.
func atScaled(coef []float64, by float64) []float64 {
	scaled := make([]float64, len(coef))
	for i, v := range coef {
		scaled[i] = v * math.Pow(by, float64(i))
	}
	return scaled
}

const (
	// Adding a magic number rounds to an integer and leaves it, plus the magic number's last bits, in the
	// last bits of the sum.
	magic0   = 12582912
	magic127 = 12582912 + 127
	magic254 = 12582912 + 254

	expLo, expHi = -104, 89
	// Within these bounds one power of two scales exp; at the upper one it is infinite, at the lower the least normal number.
	shortLo, shortHi = -87.33, 88.8
	// The same for powers of two.
	exp2Lo, exp2Hi = -126, 128
	// The least power that a sum of exponentials takes account of: what remains of it when divided by the sum of as many as
	// MaxRow others is a normal number.
	exp2SumLo = exp2Lo + 14

	// At these arguments the quotients are above 1 by more than their rounding errors, and are cut back.
	tanhClamp = 9.8
	erfClamp  = 4.2

	log2e = 1.44269504088896340736
	ln2Hi = 0.693145751953125
	ln2Lo = 1.42860682030941723212e-6
)

// reduce splits x, which it overwrites, into n*ln(2) + r. It returns r, and n in two forms: as the last bits
// of t and as a float.
func (g *isa) reduce(x vec, magic float64) (r, t, n vec) {
	t = g.copy(x)
	g.op("VFMADD132PS", c(log2e), g.k(magic), t)
	n = g.sub(t, g.k(magic))
	r = x
	g.op("VFNMADD231PS", c(ln2Hi), n, r)
	g.op("VFNMADD231PS", c(ln2Lo), n, r)
	return r, t, n
}

// exp covers the whole range: subnormal results are rounded once.
func (g *isa) exp(x vec) vec { return g.expTimes(x, false) }

// expHalf is exp(x)/2, which overflows later.
func (g *isa) expHalf(x vec) vec { return g.expTimes(x, true) }

func (g *isa) expTimes(x vec, halve bool) vec {
	hi := float64(expHi)
	if halve {
		hi++
	}
	x = g.atMost(g.atLeast(x, g.k(expLo)), g.k(hi))
	if g.wide() {
		r, _, n := g.reduce(x, magic0)
		p := g.horner(r, expCoef...)
		if halve {
			n = g.sub(n, c(1))
		}
		VSCALEFPS(n, p, p)
		return p
	}
	// The exponents of two powers of two, with their biases, sum up to what is in the last bits of t.
	r, t, _ := g.reduce(x, magic254)
	if halve {
		g.op("VPADDD", bitsConst(math.MaxUint32), t, t)
	}
	q := g.expTail(r)
	half, rest := g.r(), g.r()
	VPSRAD(U8(1), t, half)
	VPSUBD(half, t, rest)
	VPSLLD(U8(23), half, half)
	VPSLLD(U8(23), rest, rest)
	VFMADD213PS(half, half, q)
	return g.mul(q, rest)
}

// expTail returns exp(r)-1. Its terms are joined such that they wait for each other less than in horner.
func (g *isa) expTail(r vec) vec {
	square := g.mul(r, r)
	low, high := g.load(c(expCoef[3])), g.load(c(expCoef[5]))
	g.op("VFMADD213PS", c(expCoef[2]), r, low)
	g.op("VFMADD213PS", c(expCoef[4]), r, high)
	g.op("VFMADD231PS", c(expCoef[6]), square, high)
	VFMADD231PS(high, square, low)
	VFMADD213PS(r, square, low)
	return low
}

// Subnormal numbers cost some processors more than a hundred cycles, where they are made and wherever they are read. So
// results of the following that would be subnormal are the least normal number instead, or zero where that makes a difference.

// expFrom is exp of arguments below 88.3, where the power of two is finite, or whose results do not matter.
func (g *isa) expFrom(x vec) vec {
	if g.wide() {
		p, s := g.expParts(x, func(r vec) vec { return g.horner(r, expCoef...) })
		return g.scale(p, s)
	}
	q, s := g.expParts(x, g.expTail)
	VFMADD213PS(s, s, q)
	return q
}

// expOrZero is exp for x < 88.3, with 0 for results below the normal range.
func (g *isa) expOrZero(x vec) vec {
	if !g.wide() {
		m := g.lanesOf(cmpNLT, x, g.k(shortLo))
		return g.and(g.expFrom(x), m.v)
	}
	p, s := g.expParts(x, func(r vec) vec { return g.horner(r, expCoef...) })
	return g.scaleIf(g.lanesOf(cmpNLT, x, g.k(shortLo)), p, s)
}

// expSoftmax is exp for x <= 0, where x comes with the rounding error of a difference: another of that size does
// not matter, nor does one product with ln(2) in place of two, which as a float32 is off by 2e-9 only. Results below
// 2**exp2SumLo are 0, with AVX2 those up to half a power above, too.
func (g *isa) expSoftmax(x vec) vec { return g.expSoftmaxFrom(exp2SumLo, x) }

// expSoftmaxFrom is expSoftmax with 0 for results below 2**lo.
func (g *isa) expSoftmaxFrom(lo float64, x vec) vec {
	if g.wide() {
		y := g.mul(x, c(log2e))
		r := g.r()
		VREDUCEPS(U8(1), y, r) // y - floor(y)
		return g.scaleIf(g.lanesOf(cmpNLT, y, g.k(lo)), g.horner(r, pow2Coef...), y)
	}
	// The exponent of the power of two counts from lo, where it is that of zero; the polynomial makes up for that.
	magic, up := magic0-lo, math.Exp2(127+lo)
	x = g.atLeast(x, g.k(lo*math.Ln2))
	t := g.copy(x)
	g.op("VFMADD132PS", c(log2e), g.k(magic), t)
	n := g.sub(t, g.k(magic))
	g.op("VFNMADD231PS", c(math.Ln2), n, x)
	p := g.horner(x, times(expSoftmaxCoef, up)...)
	VPSLLD(U8(23), t, t)
	return g.mul(p, t)
}

// hoistSoftmax loads what expSoftmax needs into registers, where there are enough. With AVX2 vectors side by side share it.
func (g *isa) hoistSoftmax() { g.hoistAll(nil, wideExpSoftmax) }

// exp2 returns 2**y, at least the least normal number. Instructions of AVX-512 split y and scale by its whole part however
// large it is.
func (g *isa) exp2(y vec) vec {
	y = g.atLeast(y, g.k(exp2Lo))
	if g.wide() {
		r := g.r()
		VREDUCEPS(U8(1), y, r) // y - floor(y)
		return g.scale(g.horner(r, pow2Coef...), y)
	}
	y = g.atMost(y, g.k(exp2Hi))
	t := g.add(y, g.k(magic127))
	r := g.sub(y, g.sub(t, g.k(magic127)))
	VPSLLD(U8(23), t, t)
	return g.scale(g.horner(r, pow2HalfCoef...), t)
}

// expm1 is exp(x)-1 for x <= 0 without cancellation.
func (g *isa) expm1(x vec) vec {
	p, s := g.expParts(x, func(r vec) vec {
		q := g.horner(r, expm1Coef...)
		VFMADD213PS(r, g.mul(r, r), q)
		return q
	})
	if g.wide() {
		s = g.scale(g.load(c(1)), s)
	}
	VFMADD213PS(g.sub(s, c(1)), s, p)
	return p
}

// expParts returns the polynomial of the reduced argument, which is at least shortLo, and the power of two that scales it: the
// power itself on AVX2, its exponent on AVX-512.
func (g *isa) expParts(x vec, poly func(r vec) vec) (p, s vec) {
	r, t, n := g.reduce(g.atLeast(x, g.k(shortLo)), magic127)
	p = poly(r)
	if g.wide() {
		return p, n
	}
	VPSLLD(U8(23), t, t)
	return p, t
}

func (g *isa) scale(p, s vec) vec {
	if g.wide() {
		VSCALEFPS(s, p, p)
		return p
	}
	return g.mul(p, s)
}

// scaleIf is scale with AVX-512 that returns zero in the lanes outside of m.
func (g *isa) scaleIf(m mask, p, s vec) vec {
	VSCALEFPS_Z(s, p, m.k, p)
	return p
}

// divIf returns a/b, or zero in the lanes outside of m, with AVX-512.
func (g *isa) divIf(m mask, a, b vec) vec {
	VDIVPS_Z(b, a, m.k, b)
	return b
}

func (g *isa) tanh(x vec) vec {
	return g.rational(x, tanhClamp, tanhNum, tanhDen)
}

func (g *isa) erf(x vec) vec {
	return g.rational(x, erfClamp, erfNum, erfDen)
}

// rational returns x*num(x*x)/den(x*x), at most 1 in size. x*x is held below the square of the clamp, from where on the
// quotient is above 1.
func (g *isa) rational(x vec, clamp float64, num, den []float64) vec {
	z := g.atMost(g.mul(x, x), g.k(clamp*clamp))
	p, q := g.horner(z, num...), g.horner(z, den...)
	return g.atMost(g.atLeast(g.div(g.mul(p, x), q), g.k(-1)), g.k(1))
}

// log splits x into m * 2**e with m between sqrt(1/2) and sqrt(2), after scaling subnormals up.
func (g *isa) log(x vec) vec {
	small := bitsConst(0x00800000)
	y := g.ifCompare(cmpLT, x, small, g.mul(x, g.k(8388608)), x)
	bias := g.ifCompare(cmpLT, x, small, g.k(23), g.k(0))
	e, m := g.r(), g.r()
	g.op("VPSUBD", bitsConst(0x3f3504f3), y, e)
	VPSRAD(U8(23), e, e)
	VPSLLD(U8(23), e, m)
	VPSUBD(m, y, m)
	VCVTDQ2PS(e, e)
	e = g.sub(e, bias)
	f := g.sub(m, g.k(1))
	ff := g.mul(f, f)
	p := g.mul(g.mul(g.horner(f, logCoef...), ff), f)
	g.op("VFMADD231PS", c(ln2Lo), e, p)
	g.op("VFNMADD231PS", c(0.5), ff, p)
	p = g.add(p, f)
	g.op("VFMADD231PS", c(ln2Hi), e, p)
	p = g.ifCompare(cmpNLT, x, c(math.Inf(1)), x, p)
	p = g.ifCompare(cmpLT, x, c(0), g.k(math.NaN()), p)
	return g.ifCompare(cmpEQ, x, c(0), g.k(negInf), p)
}
