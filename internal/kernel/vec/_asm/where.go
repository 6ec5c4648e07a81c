package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// where emits func(dst []uint32, cond []bool, a, b []uint32) for whole vectors: the length is a multiple
// of the lanes. a and b may have length 1.
func (g *isa) where() {
	g.begin("where", "func(dst []uint32, cond []bool, a, b []uint32)")
	base := func(name string) reg.GPVirtual { return Load(Param(name).Base(), GP64()).(reg.GPVirtual) }
	length := func(name string) reg.GPVirtual { return Load(Param(name).Len(), GP64()).(reg.GPVirtual) }
	dst, cond, a, b := base("dst"), base("cond"), base("a"), base("b")
	n, an, bn := length("dst"), length("a"), length("b")
	zero := g.load(bitsConst(0))
	sa, sb := g.broadcast(Mem{Base: a}), g.broadcast(Mem{Base: b})
	CMPQ(an, U8(1))
	JE(LabelRef("scalarA"))
	CMPQ(bn, U8(1))
	JE(LabelRef("onlyB"))
	g.pick(n, dst, cond, a, b, sa, sb, zero, false, false)
	Label("onlyB")
	g.pick(n, dst, cond, a, b, sa, sb, zero, false, true)
	Label("scalarA")
	CMPQ(bn, U8(1))
	JE(LabelRef("both"))
	g.pick(n, dst, cond, a, b, sa, sb, zero, true, false)
	Label("both")
	g.pick(n, dst, cond, a, b, sa, sb, zero, true, true)
}

// pick emits one loop and the return behind it.
func (g *isa) pick(n, dst, cond, a, b reg.GPVirtual, sa, sb, zero vec, scalarA, scalarB bool) {
	id := labels
	labels++
	next, end := fmt.Sprintf("next%d", id), fmt.Sprintf("end%d", id)
	Label(next)
	CMPQ(n, U32(uint32(g.w)))
	JLT(LabelRef(end))
	va, vb := sa, sb
	if !scalarA {
		va = g.load(Mem{Base: a})
		ADDQ(U32(uint32(4*g.w)), a)
	}
	if !scalarB {
		vb = g.load(Mem{Base: b})
		ADDQ(U32(uint32(4*g.w)), b)
	}
	c, v := g.r(), g.r()
	VPMOVZXBD(Mem{Base: cond}, c)
	if g.wide() {
		m := K()
		VPTESTMD(c, c, m)
		VBLENDMPS(va, vb, m, v)
	} else {
		VPCMPEQD(zero, c, c)
		VBLENDVPS(c, vb, va, v)
	}
	VMOVUPS(v, Mem{Base: dst})
	ADDQ(U32(uint32(4*g.w)), dst)
	ADDQ(U32(uint32(g.w)), cond)
	SUBQ(U32(uint32(g.w)), n)
	JMP(LabelRef(next))
	Label(end)
	g.end()
}
