package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

const (
	// siluEnd is where SiLU ends on the negative side with AVX-512, at -5e-18.
	siluEnd = 43.5
	// From 2**125.5 on onePlusExpNeg is infinite: the reciprocals of smaller results are normal numbers. At onePlusLo it is 2**126.
	onePlusLo = -126 / log2e
	// What -log2e is more than as a float32.
	log2eLo = -1.92596299112661746887e-8
)

var (
	// A quarter of expCoef at r*ln(2).
	onePlusCoef   = times(atScaled(expCoef, math.Ln2), 0.25)
	onePlusConsts = []uint32{f32(onePlusLo), f32(-shortLo), f32(magic0 + 129)}
)

// sigmoid is exact to some units in the last place: recurrent layers and deep networks of SiLU add up errors step by step.
// Results below the normal range are 0.
func (g *isa) sigmoid(x vec) vec {
	if !g.wide() {
		return g.div(g.load(c(1)), g.onePlusExpNeg(x))
	}
	normal := g.lanesOf(cmpNLT, x, g.k(shortLo))
	return g.divIf(normal, g.load(c(1)), g.add(g.expFrom(g.xor(x, bitsConst(sign))), c(1)))
}

// onePlusExpNeg is 1+exp(-x) with AVX2. Powers of two are four times what they are, up to infinity, and the polynomial a quarter.
func (g *isa) onePlusExpNeg(x vec) vec {
	x = g.atMost(g.atLeast(x, g.k(onePlusLo)), g.k(-shortLo))
	magic := g.k(magic0 + 129)
	t := g.copy(x)
	g.op("VFMADD132PS", c(-log2e), magic, t)
	r := g.sub(t, magic)
	VFMSUB231PS(c(-log2e), x, r)
	g.op("VFMADD231PS", c(log2eLo), x, r)
	p := g.horner(r, onePlusCoef...)
	VPSLLD(U8(23), t, t)
	g.op("VFMADD213PS", c(1), t, p)
	return p
}

// silu is x / (1 + exp(-alpha*x)).
func (g *isa) silu(x, alpha vec) vec {
	if g.wide() {
		u := g.mul(g.xor(x, bitsConst(sign)), alpha)
		near := g.lanesOf(cmpNGT, u, g.k(siluEnd))
		return g.divIf(near, x, g.add(g.expFrom(u), c(1)))
	}
	return g.div(g.atLeast(x, g.k(-math.MaxFloat32)), g.onePlusExpNeg(g.mul(x, alpha)))
}
