package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// Trigonometric and hyperbolic functions and their inverses. Fits as in approx.go.
var (
	// (sin(r)/r-1)/r**2 and (cos(r)-1+r**2/2)/r**4 in r**2 on |r| <= 1.02*pi/4, errors 6e-12 and 2e-10.
	sinCoef = []float64{-0.1666666664, 0.008333328795, -0.0001983915063, 2.716604223e-06}
	cosCoef = []float64{0.04166664298, -0.001388718468, 2.441812631e-05}
	// (atan(x)/x-1)/x**2 in x**2 on |x| <= 1, error 2.6e-9.
	atanCoef = []float64{-0.3333329909, 0.199985482, -0.1426424079, 0.109521811, -0.08403436648, 0.05795735949, -0.03117761297, 0.01091448098, -0.001793593884}
	// (asin(x)/x-1)/x**2 in x**2 on |x| <= 1/2, error 4.9e-9.
	asinCoef = []float64{0.1666675248, 0.07495297651, 0.04547037406, 0.02417952635, 0.04216628631}
	// (sinh(x)/x-1)/x**2 in x**2 on |x| <= 1, error 7e-11.
	sinhCoef = []float64{0.1666666646, 0.00833335268, 0.0001983563695, 2.820021304e-06}

	logConsts = []uint32{f32(1), f32(8388608), f32(23), f32(0), f32(negInf), f32(math.NaN())}
	wideLog   = []float64{1, 0} // with more in registers the allocator finds no way
)

const (
	halfPi = 1.57079632679489661923
	ln2    = 0.69314718055994530942

	// pi/2 in three parts of 24 bits.
	halfPi1 = 1.57079637050628662109375
	halfPi2 = -4.37113900018624283e-8
	halfPi3 = -1.71512449e-15

	// Above this the logarithms of x and of x+1, and of 2x and of x+sqrt(x*x+1), are the same.
	farOut = 1e10
)

var trigKernels = []unaryKernel{
	{"sin", 0, 1, []uint32{f32(magic0)}, append(sinCoef, cosCoef...), func(g *isa, x vec, _ []vec) vec { return g.sine(x, 0) }},
	{"cos", 0, 1, []uint32{f32(magic0)}, append(sinCoef, cosCoef...), func(g *isa, x vec, _ []vec) vec { return g.sine(x, 1) }},
	{"tan", 0, 1, []uint32{f32(magic0)}, append(sinCoef, cosCoef...), func(g *isa, x vec, _ []vec) vec { return g.tan(x) }},
	{"atan", 0, 1, []uint32{f32(1), f32(halfPi)}, atanCoef, func(g *isa, x vec, _ []vec) vec {
		a := g.abs(x)
		inv := g.div(g.k(1), a)
		p := g.odd(g.ifCompare(cmpLT, g.k(1), a, inv, a), atanCoef)
		p = g.ifCompare(cmpLT, g.k(1), a, g.sub(g.k(halfPi), p), p)
		return g.xor(p, g.signOf(x))
	}},
	{"asin", 0, 1, []uint32{f32(0.5), f32(1), f32(halfPi)}, asinCoef, func(g *isa, x vec, _ []vec) vec {
		a, p := g.halfAsin(x)
		p = g.ifCompare(cmpLT, g.k(0.5), a, g.sub(g.k(halfPi), g.add(p, p)), p)
		return g.xor(p, g.signOf(x))
	}},
	{"acos", 0, 1, []uint32{f32(0.5), f32(1), f32(halfPi)}, asinCoef, func(g *isa, x vec, _ []vec) vec {
		a, p := g.halfAsin(x)
		twice := g.add(p, p)
		far := g.ifNegative(x, g.sub(g.load(c(2*halfPi)), twice), twice)
		return g.ifCompare(cmpLT, g.k(0.5), a, far, g.sub(g.k(halfPi), g.xor(p, g.signOf(x))))
	}},
	{"sinh", 0, 1, expConsts, append(wideExp, sinhCoef...), func(g *isa, x vec, _ []vec) vec {
		a := g.abs(x)
		p := g.odd(a, sinhCoef)
		h := g.expHalf(g.copy(a))
		far := g.sub(h, g.div(g.load(c(0.25)), h))
		return g.xor(g.ifCompare(cmpLT, a, c(1), p, far), g.signOf(x))
	}},
	{"cosh", 0, 1, expConsts, wideExp, func(g *isa, x vec, _ []vec) vec {
		h := g.expHalf(g.abs(x))
		return g.add(h, g.div(g.load(c(0.25)), h))
	}},
	{"asinh", 0, 1, nil, wideLog, func(g *isa, x vec, _ []vec) vec {
		a := g.abs(x)
		root := g.sqrt(g.add(g.mul(a, a), g.k(1)))
		u := g.add(a, g.mul(a, g.div(a, g.add(root, g.k(1)))))
		return g.xor(g.logFar(a, u), g.signOf(x))
	}},
	{"acosh", 0, 1, nil, wideLog, func(g *isa, x vec, _ []vec) vec {
		t := g.sub(x, g.k(1))
		u := g.add(t, g.mul(g.sqrt(t), g.sqrt(g.add(t, c(2)))))
		return g.logFar(x, u)
	}},
	{"atanh", 0, 1, nil, wideLog, func(g *isa, x vec, _ []vec) vec {
		a := g.abs(x)
		l := g.log1p(g.div(g.add(a, a), g.sub(g.k(1), a)))
		return g.xor(g.mul(l, c(0.5)), g.signOf(x))
	}},
	{"softsign", 0, 2, nil, nil, func(g *isa, x vec, _ []vec) vec { return g.div(x, g.add(g.abs(x), c(1))) }},
	{"sign", 0, 2, []uint32{f32(0)}, nil, func(g *isa, x vec, _ []vec) vec {
		v := g.two("VORPS", g.signOf(x), c(1))
		v = g.ifCompare(cmpEQ, x, g.k(0), g.k(0), v)
		return g.ifCompare(cmpUnord, x, x, x, v)
	}},
	{"thresholdedRelu", 1, 4, []uint32{f32(0)}, nil, func(g *isa, x vec, p []vec) vec {
		return g.ifCompare(cmpLT, p[0], x, x, g.k(0))
	}},
	{"shrink", 2, 2, []uint32{f32(0)}, nil, func(g *isa, x vec, p []vec) vec {
		low := g.ifCompare(cmpLT, x, g.xor(p[0], bitsConst(sign)), g.add(x, p[1]), g.k(0))
		return g.ifCompare(cmpLT, p[0], x, g.sub(x, p[1]), low)
	}},
}

func (g *isa) abs(x vec) vec    { return g.and(x, bitsConst(sign-1)) }
func (g *isa) signOf(x vec) vec { return g.and(x, bitsConst(sign)) }

func (g *isa) sqrt(x vec) vec {
	v := g.r()
	VSQRTPS(x, v)
	return v
}

// odd returns x + x**3 * p(x**2).
func (g *isa) odd(x vec, coef []float64) vec {
	z := g.mul(x, x)
	p := g.horner(z, coef...)
	VFMADD213PS(x, g.mul(z, x), p)
	return p
}

// quadrant splits x, which it overwrites, into n*pi/2 + r and returns r and n in the last bits of t. With
// fused steps the first difference is exact, so r is right to rounding for |x| < 2**20.
func (g *isa) quadrant(x vec) (r, t vec) {
	t = g.copy(x)
	g.op("VFMADD132PS", c(1/halfPi), g.k(magic0), t)
	n := g.sub(t, g.k(magic0))
	for _, part := range []float64{halfPi1, halfPi2, halfPi3} {
		g.op("VFNMADD231PS", c(part), n, x)
	}
	return x, t
}

// sinCos returns the sine and cosine of r, and a vector whose sign bit says that n is odd.
func (g *isa) sinCos(r, t vec) (s, co, odd vec) {
	s = g.odd(r, sinCoef)
	z := g.mul(r, r)
	q := g.horner(z, cosCoef...)
	co = g.load(c(1))
	g.op("VFNMADD231PS", c(0.5), z, co)
	VFMADD231PS(g.mul(z, z), q, co)
	odd = g.r()
	VPSLLD(U8(31), t, odd)
	return s, co, odd
}

// sine is the sine of x + ahead*pi/2.
func (g *isa) sine(x vec, ahead uint32) vec {
	r, t := g.quadrant(g.copy(x))
	if ahead > 0 {
		g.op("VPADDD", bitsConst(ahead), t, t)
	}
	s, co, odd := g.sinCos(r, t)
	VPSLLD(U8(30), t, t)
	return g.xor(g.ifNegative(odd, co, s), g.signOf(t))
}

func (g *isa) tan(x vec) vec {
	r, t := g.quadrant(g.copy(x))
	s, co, odd := g.sinCos(r, t)
	v := g.div(g.ifNegative(odd, co, s), g.ifNegative(odd, s, co))
	return g.xor(v, odd)
}

// halfAsin returns |x| and its arc sine, or half of pi/2 minus its arc sine where |x| > 1/2.
func (g *isa) halfAsin(x vec) (a, p vec) {
	a = g.abs(x)
	far := g.mul(g.sub(g.k(1), a), g.k(0.5))
	z := g.ifCompare(cmpLT, g.k(0.5), a, far, g.mul(a, a))
	t := g.ifCompare(cmpLT, g.k(0.5), a, g.sqrt(far), a)
	p = g.horner(z, asinCoef...)
	VFMADD213PS(t, g.mul(z, t), p)
	return a, p
}

// log1p is the logarithm of 1+u. The rounding of the sum is made good by the quotient (W. Kahan).
func (g *isa) log1p(u vec) vec {
	far := c(farOut)
	w := g.ifCompare(cmpNLT, u, far, u, g.add(u, g.k(1)))
	l := g.log(w)
	d := g.sub(w, g.k(1))
	near := g.ifCompare(cmpEQ, d, g.k(0), u, g.div(g.mul(l, u), d))
	return g.ifCompare(cmpNLT, u, far, l, near)
}

// logFar is log1p(u), or log(2x) for large x.
func (g *isa) logFar(x, u vec) vec {
	far := g.load(c(farOut))
	l := g.log1p(g.ifCompare(cmpLT, far, x, x, u))
	return g.ifCompare(cmpLT, far, x, g.add(l, c(ln2)), l)
}
