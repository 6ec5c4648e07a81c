package main

import (
	"math"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type vec = reg.VecVirtual

// A unaryKernel computes a vector of results from one of inputs and the broadcast parameters. Only axpy
// reads dst too, as a last parameter.
type unaryKernel struct {
	name   string
	params int
	unroll int
	hoist  []uint32  // constants that the body finds in registers
	wide   []float64 // constants that the body finds in registers of AVX-512 too
	body   func(g *isa, x vec, p []vec) vec
}

// unaryBeside says how many vectors a kernel takes side by side on AVX2, where that is more than one: as many as there are registers for, none of which
// hold constants then.
var unaryBeside = map[string]int{
	"exp": 2, "expTerm": 4, "log": 2, "tanh": 3, "sigmoid": 4, "erf": 3, "gelu": 3, "geluTanh": 3, "silu": 3, "softplus": 2, "mish": 2, "elu": 3,
	"atan": 3, "asin": 2, "acos": 2, "cosh": 3, "acosh": 2, "atanh": 2,
}

// walk emits the loop of a kernel over n elements.
func (k unaryKernel) walk(g *isa, n reg.GPVirtual, ptrs []reg.GPVirtual, body func(i int), tail func(m mask)) {
	if count := unaryBeside[k.name]; count > 0 {
		g.loopFilled(n, count, k.unroll, ptrs, body, tail)
		return
	}
	g.loop(n, k.unroll, ptrs, body, tail)
}

// constants loads the constants of a kernel into registers.
func (k unaryKernel) constants(g *isa) {
	if unaryBeside[k.name] == 0 || g.wide() {
		g.hoistAll(k.hoist, k.wide)
	}
}

const (
	sign = 1 << 31
	// The tanh form of Gelu is x / (1 + exp(geluTanhCoef * (x + 0.044715*x**3))): -2*sqrt(2/pi).
	geluTanhCoef = -2 * 0.79788456080286535588
)

// clamped lists what rational finds in registers.
func clamped(c float64) []uint32 { return []uint32{f32(c * c), f32(1), f32(-1)} }

var unaryKernels = []unaryKernel{
	{"exp", 0, 2, expConsts, wideExp, func(g *isa, x vec, _ []vec) vec { return g.exp(x) }},
	{"expTerm", 0, 2, nil, wideExpSoftmax, func(g *isa, x vec, _ []vec) vec { return g.expSoftmax(x) }},
	{"log", 0, 1, logConsts, logCoef, func(g *isa, x vec, _ []vec) vec { return g.log(x) }},
	{"tanh", 0, 2, clamped(tanhClamp), append(tanhNum, tanhDen...), func(g *isa, x vec, _ []vec) vec { return g.tanh(x) }},
	{"sigmoid", 0, 2, shortExp, wideExp, func(g *isa, x vec, _ []vec) vec { return g.sigmoid(x) }},
	{"erf", 0, 2, clamped(erfClamp), append(erfNum, erfDen...), func(g *isa, x vec, _ []vec) vec { return g.erf(x) }},
	{"gelu", 0, 2, geluHoist, geluWide, func(g *isa, x vec, _ []vec) vec { return g.gelu(x) }},
	{"geluTanh", 0, 2, nil, geluTanhWide, func(g *isa, x vec, _ []vec) vec { return g.geluTanh(x) }},
	{"silu", 1, 2, shortExp, wideExp, func(g *isa, x vec, p []vec) vec {
		return g.silu(x, p[0])
	}},
	{"softplus", 0, 1, append([]uint32{f32(0)}, shortExp...), append(log1pCoef, wideExp...), func(g *isa, x vec, _ []vec) vec {
		t := g.expOrZero(g.two("VORPS", x, bitsConst(sign)))
		p := g.horner(t, log1pCoef...)
		VFMADD213PS(g.atLeast(x, g.k(0)), t, p)
		return p
	}},
	{"mish", 0, 2, append([]uint32{f32(20)}, shortExp...), wideExp, func(g *isa, x vec, _ []vec) vec {
		e := g.expOrZero(g.atMost(x, g.k(20)))
		n := g.mul(g.add(e, c(2)), e)
		return g.mul(x, g.div(n, g.add(n, c(2))))
	}},
	{"hardSwish", 0, 2, []uint32{f32(0), f32(1)}, nil, func(g *isa, x vec, _ []vec) vec {
		h := g.add(g.mul(x, c(1.0/6)), c(0.5))
		return g.mul(g.atMost(g.atLeast(h, g.k(0)), g.k(1)), x)
	}},
	{"hardSigmoid", 2, 2, []uint32{f32(0), f32(1)}, nil, func(g *isa, x vec, p []vec) vec {
		h := g.add(g.mul(x, p[0]), p[1])
		return g.atMost(g.atLeast(h, g.k(0)), g.k(1))
	}},
	{"relu", 0, 4, []uint32{f32(0)}, nil, func(g *isa, x vec, _ []vec) vec { return g.atLeast(x, g.k(0)) }},
	{"leakyRelu", 1, 4, nil, nil, func(g *isa, x vec, p []vec) vec { return g.ifNegative(x, g.mul(x, p[0]), x) }},
	{"elu", 1, 2, append([]uint32{f32(0)}, shortExp...), append(expm1Coef, wideExp[:3]...), func(g *isa, x vec, p []vec) vec {
		return g.ifNegative(x, g.mul(g.expm1(g.atMost(x, g.k(0))), p[0]), x)
	}},
	{"clip", 2, 4, nil, nil, func(g *isa, x vec, p []vec) vec { return g.atMost(g.atLeast(x, p[0]), p[1]) }},
	{"neg", 0, 4, nil, nil, func(g *isa, x vec, _ []vec) vec { return g.xor(x, bitsConst(sign)) }},
	{"abs", 0, 4, nil, nil, func(g *isa, x vec, _ []vec) vec { return g.and(x, bitsConst(sign-1)) }},
	{"sqrt", 0, 2, nil, nil, func(g *isa, x vec, _ []vec) vec { v := g.r(); VSQRTPS(x, v); return v }},
	{"reciprocal", 0, 2, nil, nil, func(g *isa, x vec, _ []vec) vec { return g.div(g.load(c(1)), x) }},
	{"floor", 0, 4, nil, nil, func(g *isa, x vec, _ []vec) vec { return g.round(9, x) }},
	{"ceil", 0, 4, nil, nil, func(g *isa, x vec, _ []vec) vec { return g.round(10, x) }},
	{"round", 0, 4, nil, nil, func(g *isa, x vec, _ []vec) vec { return g.round(8, x) }},
	{"scaleShift", 2, 4, nil, nil, func(g *isa, x vec, p []vec) vec {
		v := g.copy(x)
		VFMADD213PS(p[1], p[0], v)
		return v
	}},
	{"sub2", 2, 4, nil, nil, func(g *isa, x vec, p []vec) vec { return g.sub(g.sub(x, p[0]), p[1]) }},
	{"cube", 0, 4, nil, nil, func(g *isa, x vec, _ []vec) vec { return g.mul(g.mul(x, x), x) }},
	{"axpy", 1, 4, nil, nil, func(g *isa, x vec, p []vec) vec {
		VFMADD231PS(x, p[0], p[1])
		return p[1]
	}},
}

// unary emits func(dst, x []float32, a, b float32).
func (g *isa) unary(k unaryKernel) {
	g.begin(k.name, "func(dst, x []float32, a, b float32)")
	dst := Load(Param("dst").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("dst").Len(), GP64()).(reg.GPVirtual)
	x := Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	params := g.params(k)
	k.constants(g)
	result := func(load func(p reg.GPVirtual) vec) vec {
		p := params
		if k.name == "axpy" {
			p = []vec{params[0], load(dst)}
		}
		return k.body(g, load(x), p)
	}
	k.walk(g, n, []reg.GPVirtual{dst, x},
		func(i int) { VMOVUPS(result(func(p reg.GPVirtual) vec { return g.load(g.at(p, i)) }), g.at(dst, i)) },
		func(m mask) {
			v := result(func(p reg.GPVirtual) vec { return g.loadTail(m, g.at(p, 0), nil) })
			g.storeTail(m, v, g.at(dst, 0))
		})
	g.end()
}

// params broadcasts the parameters of a kernel.
func (g *isa) params(k unaryKernel) (params []vec) {
	for _, name := range []string{"a", "b"}[:k.params] {
		params = append(params, g.param(name))
	}
	return params
}

// hoistAll loads constants into registers: some always, some where there are 32 registers.
func (g *isa) hoistAll(always []uint32, wide []float64) {
	for _, u := range always {
		g.hoist(u)
	}
	if g.wide() {
		for _, v := range wide {
			g.hoist(f32(v))
		}
	}
}

// param broadcasts a float32 parameter of the function.
func (g *isa) param(name string) vec { return g.broadcast(scalar(Param(name))) }

// geluClamp, geluNum and geluDen are those of erf at x/sqrt(2).
var (
	geluClamp = erfClamp * math.Sqrt2
	geluNum   = halved(erfNum, math.Sqrt2)
	geluDen   = halved(erfDen, 1)

	geluHoist     = clamped(geluClamp)
	geluWide      = slices.Concat(geluNum, geluDen)
	geluTanhHoist = []uint32{f32(geluTanhLo), f32(geluTanhHi), f32(geluTanhCoef * log2e * 0.044715)}
	geluTanhWide  = append(slices.Clone(pow2Coef), geluTanhCoef*log2e, geluTanhCoef*log2e*0.044715, exp2Lo, 1)
)

func (g *isa) gelu(x vec) vec {
	e := g.rational(x, geluClamp, geluNum, geluDen)
	h := g.mul(x, c(0.5))
	VFMADD213PS(h, h, e)
	return e
}

func (g *isa) geluTanh(x vec) vec {
	if !g.wide() {
		return g.geluTanhShort(x)
	}
	u := g.horner(g.mul(x, x), geluTanhCoef*log2e, geluTanhCoef*log2e*0.044715)
	return g.div(x, g.add(g.exp2(g.mul(u, x)), g.k(1)))
}

// Within these bounds geluTanhShort finds a power of two: above the upper one it is the least normal number, below the lower one infinite.
const geluTanhLo, geluTanhHi = -10.06, 9.98

// geluTanhShort is geluTanh without instructions that split and scale: the argument is bounded instead of the power.
func (g *isa) geluTanhShort(x vec) vec {
	near := g.atMost(g.atLeast(x, g.k(geluTanhLo)), g.k(geluTanhHi))
	u := g.mul(near, near)
	g.op("VFMADD213PS", c(geluTanhCoef*log2e), g.k(geluTanhCoef*log2e*0.044715), u)
	t := g.copy(u)
	g.op("VFMADD213PS", c(magic127), near, t)
	VFMSUB213PS(g.sub(t, c(magic127)), near, u)
	p := g.horner(u, pow2HalfCoef...)
	VPSLLD(U8(23), t, t)
	g.op("VFMADD213PS", c(1), t, p)
	return g.div(x, p)
}

// slopeEnd is where the gradient of geluTanh is 0 and 1 in float32.
const slopeEnd = 16

// geluTanhSlope is that of geluTanh: s + x*s*(1-s)*u' for s = 1/(1+exp(-u)), where the exponential is bounded, so that it can be multiplied by s.
func (g *isa) geluTanhSlope(x vec) vec {
	x = g.atMost(g.atLeast(x, g.k(-slopeEnd)), g.k(slopeEnd))
	square := g.mul(x, x)
	u := g.mul(g.horner(square, geluTanhCoef*log2e, geluTanhCoef*log2e*0.044715), x)
	e := g.exp2(g.atMost(u, g.k(100)))
	s := g.div(g.k(1), g.add(e, g.k(1)))
	d := g.mul(g.mul(g.horner(square, -geluTanhCoef, -geluTanhCoef*3*0.044715), x), g.mul(e, s))
	VFMADD213PS(s, s, d)
	return d
}

// halved returns the coefficients of a polynomial at half the argument, divided by by.
func halved(coef []float64, by float64) []float64 {
	half := make([]float64, len(coef))
	for i, v := range coef {
		half[i] = v / math.Exp2(float64(i)) / by
	}
	return half
}
