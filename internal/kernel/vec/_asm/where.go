package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// where emits func(dst []E, cond []bool, a, b []E) for whole vectors of elements of size bytes: the number of conditions is a
// multiple of the lanes. a and b may have one element.
func (g *isa) where(name, element string, size int) {
	g.begin(name, fmt.Sprintf("func(dst []%s, cond []bool, a, b []%[1]s)", element))
	base := func(name string) reg.GPVirtual { return Load(Param(name).Base(), GP64()).(reg.GPVirtual) }
	length := func(name string) reg.GPVirtual { return Load(Param(name).Len(), GP64()).(reg.GPVirtual) }
	dst, cond, a, b := base("dst"), base("cond"), base("a"), base("b")
	n, an, bn := length("cond"), length("a"), length("b")
	one := uint8(1)
	if element == "uint8" {
		one = uint8(size)
	}
	zero := g.load(bitsConst(0))
	sa, sb := g.r(), g.r()
	spread := []emit{VPBROADCASTB, VPBROADCASTW, VPBROADCASTD, VPBROADCASTQ}[log2(size)]
	spread(Mem{Base: a}, sa)
	spread(Mem{Base: b}, sb)
	pick := func(scalarA, scalarB bool) { g.pick(size, n, dst, cond, a, b, sa, sb, zero, scalarA, scalarB) }
	CMPQ(an, U8(one))
	JE(LabelRef("scalarA"))
	CMPQ(bn, U8(one))
	JE(LabelRef("onlyB"))
	pick(false, false)
	Label("onlyB")
	pick(false, true)
	Label("scalarA")
	CMPQ(bn, U8(one))
	JE(LabelRef("both"))
	pick(true, false)
	Label("both")
	pick(true, true)
}

// pick emits one loop and the return behind it.
func (g *isa) pick(size int, n, dst, cond, a, b reg.GPVirtual, sa, sb, zero vec, scalarA, scalarB bool) {
	id, lanes, e := labels, 4*g.w/size, log2(size)
	labels++
	next, end := fmt.Sprintf("next%d", id), fmt.Sprintf("end%d", id)
	Label(next)
	CMPQ(n, U32(uint32(lanes)))
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
	[]emit{VMOVUPS, VPMOVZXBW, VPMOVZXBD, VPMOVZXBQ}[e](Mem{Base: cond}, c)
	if g.wide() {
		m := K()
		[]emit{VPTESTMB, VPTESTMW, VPTESTMD, VPTESTMQ}[e](c, c, m)
		[]emit{VPBLENDMB, VPBLENDMW, VBLENDMPS, VBLENDMPD}[e](va, vb, m, v)
	} else {
		[]emit{VPCMPEQB, VPCMPEQW, VPCMPEQD, VPCMPEQQ}[e](zero, c, c)
		VPBLENDVB(c, vb, va, v)
	}
	VMOVUPS(v, Mem{Base: dst})
	ADDQ(U32(uint32(4*g.w)), dst)
	ADDQ(U32(uint32(lanes)), cond)
	SUBQ(U32(uint32(lanes)), n)
	JMP(LabelRef(next))
	Label(end)
	g.end()
}
