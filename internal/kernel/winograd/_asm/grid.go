package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// grid is what the first pass of a transform leaves to the second: rows of vectors, the first ones in registers, the others
// in scratch memory.
type grid struct {
	v    isa
	cols int
	held [][]reg.VecVirtual
	tmp  reg.GPVirtual
}

func newGrid(v isa, cols, held int, tmp reg.GPVirtual) grid {
	g := grid{v: v, cols: cols, tmp: tmp}
	for range held {
		g.held = append(g.held, v.Vecs(cols))
	}
	return g
}

// at returns the operand of a vector.
func (g grid) at(i, j int) Op {
	if i < len(g.held) {
		return g.held[i][j]
	}
	return Mem{Base: g.tmp, Disp: (i*g.cols + j) * g.v.Bytes()}
}

func (g grid) put(r reg.VecVirtual, i, j int) { VMOVAPS(r, g.at(i, j)) }

// take returns a register that holds a vector, and may be overwritten.
func (g grid) take(i, j int) reg.VecVirtual {
	if i < len(g.held) {
		return g.held[i][j]
	}
	r := g.v.Vec()
	VMOVAPS(g.at(i, j), r)
	return r
}
