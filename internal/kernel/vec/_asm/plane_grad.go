package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Planes of a group are read twice, so that the processor, which follows what is read in order, begins anew behind each pass, and at each page.
// What comes so many bytes later is asked for in front of it.
const (
	planeAhead      = 8 << 10
	planeWriteAhead = 2 << 10
)

// ask asks for the line of cache that lies so many bytes behind each pointer, with AVX2, where two registers are one.
func (g *isa) ask(ahead int, ptrs ...reg.GPVirtual) {
	if g.wide() {
		return
	}
	for _, p := range ptrs {
		PREFETCHT0(Mem{Base: p, Disp: ahead})
	}
}

// planeSums emits func(x, y []float32, m float32) (sum, square, sumY, dot float32): the sums of x-m, of its squares, of y, and of the
// products of x-m and y, each with two accumulators.
func (g *isa) planeSums() {
	g.begin("planeSums", "func(x, y []float32, m float32) (sum, square, sumY, dot float32)")
	x, y, m := base("x"), base("y"), g.param("m")
	n := Load(Param("x").Len(), GP64()).(reg.GPVirtual)
	var acc [4][2]vec
	for i := range acc {
		acc[i] = [2]vec{g.load(bitsConst(0)), g.load(bitsConst(0))}
	}
	take := func(i int, x, y vec) {
		d := g.sub(x, m)
		VADDPS(d, acc[0][i], acc[0][i])
		VFMADD231PS(d, d, acc[1][i])
		VADDPS(y, acc[2][i], acc[2][i])
		VFMADD231PS(d, y, acc[3][i])
	}
	g.loop(n, 2, []reg.GPVirtual{x, y},
		func(i int) {
			if i == 0 {
				g.ask(planeAhead, x, y)
			}
			take(i, g.load(g.at(x, i)), g.load(g.at(y, i)))
		},
		func(tail mask) { take(1, g.loadTail(tail, g.at(x, 0), m), g.loadTail(tail, g.at(y, 0), nil)) })
	for i, a := range acc {
		VADDPS(a[1], a[0], a[0])
		result(g.across(a[0], VADDPS), i)
	}
	g.end()
}

// planeGrad emits func(dst, x, y []float32, m, a, b, c float32): dst[i] = y[i]*a + (x[i]-m)*b + c.
func (g *isa) planeGrad() {
	g.begin("planeGrad", "func(dst, x, y []float32, m, a, b, c float32)")
	dst, x, y := base("dst"), base("x"), base("y")
	m, a, b, c := g.param("m"), g.param("a"), g.param("b"), g.param("c")
	n := Load(Param("dst").Len(), GP64()).(reg.GPVirtual)
	value := func(x, y vec) vec {
		d := g.sub(x, m)
		VFMADD213PS(c, b, d)
		VFMADD231PS(a, y, d)
		return d
	}
	g.loop(n, 2, []reg.GPVirtual{dst, x, y},
		func(i int) {
			if i == 0 {
				g.ask(planeWriteAhead, dst)
			}
			VMOVUPS(value(g.load(g.at(x, i)), g.load(g.at(y, i))), g.at(dst, i))
		},
		func(tail mask) {
			g.storeTail(tail, value(g.loadTail(tail, g.at(x, 0), nil), g.loadTail(tail, g.at(y, 0), nil)), g.at(dst, 0))
		})
	g.end()
}
