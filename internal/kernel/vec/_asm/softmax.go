package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// softmaxShort emits func(dst, x []float32, cols int): the softmax, or its logarithm, of rows that fit in one
// vector. The length is a multiple of cols.
func (g *isa) softmaxShort(name string, log bool) {
	g.begin(name, "func(dst, x []float32, cols int)")
	dst := Load(Param("dst").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("dst").Len(), GP64()).(reg.GPVirtual)
	x := Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	cols := Load(Param("cols"), GP64()).(reg.GPVirtual)
	m := g.tailMask(cols)
	low := g.load(c(negInf))
	Label("next")
	CMPQ(n, cols)
	JLT(LabelRef("end"))
	v := g.loadTail(m, Mem{Base: x}, low)
	d := g.sub(v, g.spread(g.across(g.copy(v), VMAXPS)))
	e := g.expSoftmax(d)
	sum := g.spread(g.across(g.copy(e), VADDPS))
	if log {
		g.storeTail(m, g.sub(d, g.log(sum)), Mem{Base: dst})
	} else {
		g.storeTail(m, g.mul(e, g.div(g.load(c(1)), sum)), Mem{Base: dst})
	}
	LEAQ(Mem{Base: x, Index: cols, Scale: 4}, x)
	LEAQ(Mem{Base: dst, Index: cols, Scale: 4}, dst)
	SUBQ(cols, n)
	JMP(LabelRef("next"))
	Label("end")
	g.end()
}

// spread copies the first lane to all.
func (g *isa) spread(s reg.VecVirtual) vec {
	v := g.r()
	VBROADCASTSS(s, v)
	return v
}
