package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gateGrads begins a function that makes gradients d of gates x, whose gates lie xs apart in both.
func (g *isa) gateGrads(name, signature string) (k gateKernel, d reg.GPVirtual) {
	g.begin(name, signature)
	k = gateKernel{isa: g}
	d, k.x = k.pointer("d"), k.pointer("x")
	k.xs, k.xs3 = Load(Param("xs"), GP64()).(reg.GPVirtual), GP64()
	SHLQ(U8(2), k.xs)
	LEAQ(Mem{Base: k.xs, Index: k.xs, Scale: 2}, k.xs3)
	g.hoist(f32(1))
	return k, d
}

// below returns 1-x, and belowSquare 1-x*x.
func (g *isa) below(x vec) vec { return g.sub(g.k(1), x) }

func (g *isa) belowSquare(x vec) vec {
	v := g.copy(g.k(1))
	VFNMADD231PS(x, x, v)
	return v
}

// sigmoidSlope returns v times the slope of the sigmoid function whose value is y.
func (g *isa) sigmoidSlope(v, y vec) vec { return g.mul(g.mul(v, y), g.below(y)) }

// lstmGrad emits func(d, x, dh, dc, c, old []float32, xs int).
func (g *isa) lstmGrad() {
	k, d := g.gateGrads("lstmGrad", "func(d, x, dh, dc, c, old []float32, xs int)")
	dh, dc, c, old := k.pointer("dh"), k.pointer("dc"), k.pointer("c"), k.pointer("old")
	n := Load(Param("dh").Len(), GP64()).(reg.GPVirtual)
	g.hoist(f32(tanhClamp * tanhClamp))
	g.units(n, []reg.GPVirtual{d, k.x, dh, dc, c, old}, func(load func(p Mem) vec, store func(v vec, p Mem)) {
		value := func(j int) vec { return load(gate(k.x, k.xs, k.xs3, j)) }
		out := func(j int, v vec) { store(v, gate(d, k.xs, k.xs3, j)) }
		t := g.tanh(load(Mem{Base: c}))
		dy, o := load(Mem{Base: dh}), value(1)
		out(1, g.sigmoidSlope(g.mul(dy, t), o))
		cell := load(Mem{Base: dc})
		VFMADD231PS(g.mul(dy, o), g.belowSquare(t), cell)
		f := value(2)
		out(2, g.sigmoidSlope(g.mul(cell, load(Mem{Base: old})), f))
		store(g.mul(cell, f), Mem{Base: dc})
		i, z := value(0), value(3)
		out(0, g.sigmoidSlope(g.mul(cell, z), i))
		out(3, g.mul(g.mul(cell, i), g.belowSquare(z)))
	})
}

// gruGrad emits func(d, x, dh, old []float32, xs int).
func (g *isa) gruGrad() {
	k, d := g.gateGrads("gruGrad", "func(d, x, dh, old []float32, xs int)")
	dh, old := k.pointer("dh"), k.pointer("old")
	n := Load(Param("dh").Len(), GP64()).(reg.GPVirtual)
	g.units(n, []reg.GPVirtual{d, k.x, dh, old}, func(load func(p Mem) vec, store func(v vec, p Mem)) {
		value := func(j int) vec { return load(gate(k.x, k.xs, k.xs3, j)) }
		out := func(j int, v vec) { store(v, gate(d, k.xs, k.xs3, j)) }
		dy, z, candidate := load(Mem{Base: dh}), value(0), value(2)
		out(0, g.sigmoidSlope(g.mul(dy, g.sub(load(Mem{Base: old}), candidate)), z))
		dn := g.mul(g.mul(dy, g.below(z)), g.belowSquare(candidate))
		store(g.mul(dy, z), Mem{Base: dh})
		r := value(1)
		out(1, g.sigmoidSlope(g.mul(dn, value(3)), r))
		out(2, g.mul(dn, r))
		out(3, dn)
	})
}
