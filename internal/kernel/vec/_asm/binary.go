package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A binaryKernel computes a vector of results from two of inputs and, if it accumulates, from dst.
type binaryKernel struct {
	name       string
	accumulate bool
	unroll     int
	hoist      []uint32  // constants that the body finds in registers
	wide       []float64 // constants that the body finds in registers of AVX-512 too
	body       func(g *isa, d, a, b vec) vec
}

var binaryKernels = []binaryKernel{
	{"add", false, 4, nil, nil, func(g *isa, _, a, b vec) vec { return g.add(a, b) }},
	{"sub", false, 4, nil, nil, func(g *isa, _, a, b vec) vec { return g.sub(a, b) }},
	{"mul", false, 4, nil, nil, func(g *isa, _, a, b vec) vec { return g.mul(a, b) }},
	{"div", false, 4, nil, nil, func(g *isa, _, a, b vec) vec { return g.div(a, b) }},
	{"max", false, 4, nil, nil, func(g *isa, _, a, b vec) vec { return g.ifCompare(cmpUnord, b, b, b, g.atLeast(a, b)) }},
	{"min", false, 4, nil, nil, func(g *isa, _, a, b vec) vec { return g.ifCompare(cmpUnord, b, b, b, g.atMost(a, b)) }},
	{"addRelu", false, 4, []uint32{f32(0)}, nil, func(g *isa, _, a, b vec) vec { return g.atLeast(g.add(a, b), g.k(0)) }},
	{"prelu", false, 4, nil, nil, func(g *isa, _, a, b vec) vec { return g.ifCompare(cmpLT, a, g.k(0), g.mul(a, b), a) }},
	{"addInt", false, 4, nil, nil, func(g *isa, _, a, b vec) vec { return g.two("VPADDD", a, b) }},
	{"subInt", false, 4, nil, nil, func(g *isa, _, a, b vec) vec { return g.two("VPSUBD", a, b) }},
	{"mulInt", false, 4, nil, nil, func(g *isa, _, a, b vec) vec { v := g.r(); VPMULLD(b, a, v); return v }},
	{"andBits", false, 4, nil, nil, func(g *isa, _, a, b vec) vec { return g.and(a, b) }},
	{"orBits", false, 4, nil, nil, func(g *isa, _, a, b vec) vec { return g.two("VORPS", a, b) }},
	{"xorBits", false, 4, nil, nil, func(g *isa, _, a, b vec) vec { return g.xor(a, b) }},
	{"addGelu", false, 2, geluHoist, geluWide, func(g *isa, _, a, b vec) vec { return g.gelu(g.add(a, b)) }},
	{"addGeluTanh", false, 2, geluTanhHoist, geluTanhWide, func(g *isa, _, a, b vec) vec { return g.geluTanh(g.add(a, b)) }},
	{"geluGrad", false, 1, nil, geluSlopeWide, func(g *isa, _, a, b vec) vec { return g.mul(g.geluSlope(a), b) }},
	{"geluTanhGrad", false, 1, nil, geluTanhWide, func(g *isa, _, a, b vec) vec { return g.mul(g.geluTanhSlope(a), b) }},
	{"mulAcc", true, 4, nil, nil, func(g *isa, d, a, b vec) vec { VFMADD231PS(a, b, d); return d }},
}

// binary emits func(dst, a, b []float32) with three loops: both inputs vectors, or one of them a scalar.
func (g *isa) binary(k binaryKernel) {
	g.begin(k.name, "func(dst, a, b []float32)")
	dst := Load(Param("dst").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("dst").Len(), GP64()).(reg.GPVirtual)
	a := Load(Param("a").Base(), GP64()).(reg.GPVirtual)
	an := Load(Param("a").Len(), GP64()).(reg.GPVirtual)
	b := Load(Param("b").Base(), GP64()).(reg.GPVirtual)
	bn := Load(Param("b").Len(), GP64()).(reg.GPVirtual)
	g.hoistAll(k.hoist, k.wide)
	CMPQ(an, U8(1))
	JE(LabelRef("scalarA"))
	CMPQ(bn, U8(1))
	JE(LabelRef("scalarB"))
	g.pair(k, n, dst, a, b, nil, nil)
	Label("scalarA")
	g.pair(k, n, dst, nil, b, g.broadcast(Mem{Base: a}), nil)
	Label("scalarB")
	g.pair(k, n, dst, a, nil, nil, g.broadcast(Mem{Base: b}))
}

// pair emits one loop and the return behind it. An input without pointer is the scalar sa or sb.
func (g *isa) pair(k binaryKernel, n, dst, a, b reg.GPVirtual, sa, sb vec) {
	ptrs := []reg.GPVirtual{dst}
	for _, p := range []reg.GPVirtual{a, b} {
		if p != nil {
			ptrs = append(ptrs, p)
		}
	}
	fetch := func(p reg.GPVirtual, s vec, load func(p reg.GPVirtual) vec) vec {
		if p == nil {
			return s
		}
		return load(p)
	}
	result := func(load func(p reg.GPVirtual) vec) vec {
		var d vec
		if k.accumulate {
			d = load(dst)
		}
		return k.body(g, d, fetch(a, sa, load), fetch(b, sb, load))
	}
	g.loop(n, k.unroll, ptrs,
		func(i int) { VMOVUPS(result(func(p reg.GPVirtual) vec { return g.load(g.at(p, i)) }), g.at(dst, i)) },
		func(m mask) {
			v := result(func(p reg.GPVirtual) vec { return g.loadTail(m, g.at(p, 0), nil) })
			g.storeTail(m, v, g.at(dst, 0))
		})
	g.end()
}
