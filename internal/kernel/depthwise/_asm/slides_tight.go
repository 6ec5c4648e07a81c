package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

// inTurn is outputs where a new column takes the register of the oldest one, as soon as that is multiplied. After as many outputs
// as columns are held each is in its place again.
func (g *slideGen) inTurn(label string, count, columns int) {
	for s := range count {
		d, at := g.operands(columns)
		for l, held := range g.held {
			g.there(label, l, func() { g.turnLine(l, s%len(held), d, at) })
		}
		g.pass(columns)
	}
	if count%len(g.held[0]) > 0 {
		spare := g.v.Vec()
		for _, held := range g.held {
			VMOVAPS(held[0], spare)
			VMOVAPS(held[1], held[0])
			VMOVAPS(spare, held[1])
		}
	}
}

// turnLine adds the products of line l with the gradient d: first of the columns that are held, of which the oldest is in place
// first, then of the new ones at the given addresses; those that no address is given for are zero.
func (g *slideGen) turnLine(l, first int, d reg.VecVirtual, at []gp) {
	held, acc := g.held[l], g.acc[0][l*g.taps:]
	oldest := held[first]
	VFMADD231PS(oldest, d, acc[0])
	next := func(i int) {
		if i < len(at) {
			VMOVUPS(g.line(at[i], l), oldest)
		} else {
			g.v.Zero(oldest)
		}
	}
	next(0)
	for t := 1; t < len(held); t++ {
		VFMADD231PS(held[(first+t)%len(held)], d, acc[t])
	}
	VFMADD231PS(oldest, d, acc[len(held)])
	for i := 1; i < g.stride; i++ {
		next(i)
		VFMADD231PS(oldest, d, acc[len(held)+i])
	}
}
