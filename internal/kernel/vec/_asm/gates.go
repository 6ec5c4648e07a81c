package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gateKernel holds the pointers to the two addends of each gate's sum, x and s, and the distances between their gates.
type gateKernel struct {
	*isa
	x, s             reg.GPVirtual
	xs, xs3, ss, ss3 reg.GPVirtual
}

// gates begins a function whose elements are the units of a recurrent cell.
func (g *isa) gates(name, signature string, last int) gateKernel {
	g.begin(name, signature)
	k := gateKernel{isa: g}
	k.x, k.s = Load(Param("x").Base(), GP64()).(reg.GPVirtual), Load(Param("s").Base(), GP64()).(reg.GPVirtual)
	k.xs, k.ss = Load(Param("xs"), GP64()).(reg.GPVirtual), Load(Param("ss"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), k.xs)
	SHLQ(U8(2), k.ss)
	if last == 3 {
		k.xs3, k.ss3 = GP64(), GP64()
		LEAQ(Mem{Base: k.xs, Index: k.xs, Scale: 2}, k.xs3)
		LEAQ(Mem{Base: k.ss, Index: k.ss, Scale: 2}, k.ss3)
	}
	consts := onePlusConsts
	if g.wide() {
		consts = shortExp
	}
	g.hoistAll(slices.Concat(consts, clamped(tanhClamp)), wideExp)
	return k
}

// gate returns the address of gate j behind p.
func gate(p, stride, stride3 reg.GPVirtual, j int) Mem {
	switch j {
	case 1:
		return Mem{Base: p, Index: stride, Scale: 1}
	case 2:
		return Mem{Base: p, Index: stride, Scale: 2}
	case 3:
		return Mem{Base: p, Index: stride3, Scale: 1}
	}
	return Mem{Base: p}
}

// sum loads the sum of gate j.
func (k gateKernel) sum(j int, load func(p Mem) vec) vec {
	return k.add(load(gate(k.x, k.xs, k.xs3, j)), load(gate(k.s, k.ss, k.ss3, j)))
}

// lstm emits func(h, c, x, s []float32, xs, ss int): gates i, o, f and z.
func (g *isa) lstm() {
	k := g.gates("lstm", "func(h, c, x, s []float32, xs, ss int)", 3)
	h, c := k.pointer("h"), k.pointer("c")
	n := Load(Param("h").Len(), GP64()).(reg.GPVirtual)
	g.units(n, []reg.GPVirtual{h, c, k.x, k.s}, func(load func(p Mem) vec, store func(v vec, p Mem)) {
		k.lstmStep(h, c, c, load, store, func(int, vec) {})
	})
}

// lstmKeep emits func(h, c, old, x, s []float32, xs, ss int): lstm that makes c of old and leaves the gates in x.
func (g *isa) lstmKeep() {
	k := g.gates("lstmKeep", "func(h, c, old, x, s []float32, xs, ss int)", 3)
	h, c, old := k.pointer("h"), k.pointer("c"), k.pointer("old")
	n := Load(Param("h").Len(), GP64()).(reg.GPVirtual)
	g.units(n, []reg.GPVirtual{h, c, old, k.x, k.s}, func(load func(p Mem) vec, store func(v vec, p Mem)) {
		k.lstmStep(h, c, old, load, store, func(j int, v vec) { store(v, gate(k.x, k.xs, k.xs3, j)) })
	})
}

// lstmStep makes the states h and c of the cells old. It hands each gate to keep as soon as it has it.
func (k gateKernel) lstmStep(h, c, old reg.GPVirtual, load func(p Mem) vec, store func(v vec, p Mem), keep func(j int, v vec)) {
	i := k.sigmoid(k.sum(0, load))
	keep(0, i)
	f := k.sigmoid(k.sum(2, load))
	keep(2, f)
	state := k.mul(f, load(Mem{Base: old}))
	z := k.tanh(k.sum(3, load))
	keep(3, z)
	VFMADD231PS(i, z, state)
	store(state, Mem{Base: c})
	o := k.sigmoid(k.sum(1, load))
	keep(1, o)
	store(k.mul(k.tanh(state), o), Mem{Base: h})
}

// gru emits func(h, old, x, s, bias []float32, xs, ss int): gates z, r and the candidate, whose part in s gets a bias and
// is multiplied with r.
func (g *isa) gru() {
	k := g.gates("gru", "func(h, old, x, s, bias []float32, xs, ss int)", 2)
	k.gruStep(func(vec, Mem) {})
}

// gruKeep emits func(h, old, x, s, bias []float32, xs, ss int): gru that leaves the gates in x, and behind them what r
// multiplies.
func (g *isa) gruKeep() {
	k := g.gates("gruKeep", "func(h, old, x, s, bias []float32, xs, ss int)", 3)
	k.gruStep(nil)
}

// gruStep emits the loop of gru. keep gets the gates; if it is nil they are stored.
func (k gateKernel) gruStep(keep func(v vec, p Mem)) {
	h, old, bias := k.pointer("h"), k.pointer("old"), k.pointer("bias")
	n := Load(Param("h").Len(), GP64()).(reg.GPVirtual)
	k.units(n, []reg.GPVirtual{h, old, k.x, k.s, bias}, func(load func(p Mem) vec, store func(v vec, p Mem)) {
		keep := keep
		if keep == nil {
			keep = store
		}
		r := k.sigmoid(k.sum(1, load))
		keep(r, gate(k.x, k.xs, k.xs3, 1))
		p := k.add(load(gate(k.s, k.ss, k.ss3, 2)), load(Mem{Base: bias}))
		keep(p, gate(k.x, k.xs, k.xs3, 3))
		VFMADD213PS(load(gate(k.x, k.xs, k.xs3, 2)), r, p)
		candidate := k.tanh(p)
		keep(candidate, gate(k.x, k.xs, k.xs3, 2))
		z := k.sigmoid(k.sum(0, load))
		keep(z, gate(k.x, k.xs, k.xs3, 0))
		VFMADD231PS(z, k.sub(load(Mem{Base: old}), candidate), candidate)
		store(candidate, Mem{Base: h})
	})
}

// pointer loads the address of a slice.
func (k gateKernel) pointer(name string) reg.GPVirtual {
	return Load(Param(name).Base(), GP64()).(reg.GPVirtual)
}

// units emits the loop over n units and the return.
func (g *isa) units(n reg.GPVirtual, ptrs []reg.GPVirtual, step func(load func(p Mem) vec, store func(v vec, p Mem))) {
	g.loop(n, 1, ptrs,
		func(int) { step(func(p Mem) vec { return g.load(p) }, func(v vec, p Mem) { VMOVUPS(v, p) }) },
		func(m mask) {
			step(func(p Mem) vec { return g.loadTail(m, p, nil) }, func(v vec, p Mem) { g.storeTail(m, v, p) })
		})
	g.end()
}
