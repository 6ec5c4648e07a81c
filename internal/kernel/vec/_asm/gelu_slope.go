package main

import (
	"math"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// The normal distribution at -a is tail(1/(1+tailScale*a))*exp(-a*a/2), within 8e-9 of it where the exponential is large, and within 4e-6
// of its value up to a = tailEnd, where it is 8e-24.
const tailScale, tailEnd = 0.32, 10

var (
	tailCoef      = []float64{-0.0003222171116, 0.1328515436, 0.09249300958, 0.2453555892, -0.2012591544, 0.4352564129, -0.2521709665, 0.04779577881}
	geluSlopeWide = slices.Concat([]float64{tailScale, tailEnd, 1, -0.5 * log2e, 1 / math.Sqrt(2*math.Pi)}, tailCoef, pow2Coef)
)

// geluSlope is the gradient of gelu, the normal distribution plus x times its density: what it is at -|x|, or 1 less that.
func (g *isa) geluSlope(x vec) vec {
	a := g.and(x, bitsConst(sign-1))
	inside := g.lanesOf(cmpNGT, a, g.k(tailEnd))
	d := g.load(c(1))
	g.op("VFMADD231PS", c(tailScale), a, d)
	s := g.horner(g.inverse(d), tailCoef...)
	g.op("VFNMADD231PS", c(1/math.Sqrt(2*math.Pi)), a, s)
	y := g.mul(g.mul(x, c(-0.5*log2e)), x)
	if g.wide() {
		r := g.r()
		VREDUCEPS(U8(1), y, r)
		VMULPS_Z(g.scale(g.horner(r, pow2Coef...), y), s, inside.k, s)
	} else {
		s = g.and(g.mul(s, g.exp2(y)), inside.v)
	}
	return g.ifNegative(x, s, g.sub(g.k(1), s))
}

// inverse is 1/d for d >= 1 to the last bit or so: AVX-512 has no quick division of 16 lanes, but a close guess.
func (g *isa) inverse(d vec) vec {
	if !g.wide() {
		return g.div(g.k(1), d)
	}
	y, e := g.r(), g.copy(g.k(1))
	VRCP14PS(d, y)
	VFNMADD231PS(y, d, e)
	VFMADD213PS(y, y, e)
	return e
}
