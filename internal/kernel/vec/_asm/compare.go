package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A compareKernel tells of pairs of 32-bit lanes whether something holds.
type compareKernel struct {
	name string
	// float predicate of VCMPPS, or integer one: 0 equal, 1 less, 2 less or equal
	pred uint8
	ints bool
	abs  bool // compares |a|
}

var compareKernels = []compareKernel{
	{"equal", cmpEQ, false, false},
	{"less", cmpLT, false, false},
	{"lessEqual", 18, false, false},
	{"notEqual", 4, false, false},
	{"unordered", cmpUnord, false, false},
	{"absEqual", cmpEQ, false, true},
	{"equalInt", 0, true, false},
	{"lessInt", 1, true, false},
	{"lessEqualInt", 2, true, false},
}

// compare emits func(dst []bool, a, b []float32) for a length that is a multiple of 32. a and b may have
// length 1.
func (g *isa) compare(k compareKernel) {
	g.begin(k.name, "func(dst []bool, a, b []float32)")
	base := func(name string) reg.GPVirtual { return Load(Param(name).Base(), GP64()).(reg.GPVirtual) }
	length := func(name string) reg.GPVirtual { return Load(Param(name).Len(), GP64()).(reg.GPVirtual) }
	dst, a, b := base("dst"), base("a"), base("b")
	n, an, bn := length("dst"), length("a"), length("b")
	sa, sb := g.broadcast(Mem{Base: a}), g.broadcast(Mem{Base: b})
	if k.abs {
		sa = g.abs(sa)
	}
	one := YMM()
	VMOVUPS(bitsConst(0x01010101), one)
	var order reg.VecVirtual
	if !g.wide() {
		order = YMM()
		VMOVUPS(NewDataAddr(NewStaticSymbol("unpack"), 0), order)
	}
	CMPQ(an, U8(1))
	JE(LabelRef("scalarA"))
	CMPQ(bn, U8(1))
	JE(LabelRef("onlyB"))
	g.compareLoop(k, n, dst, a, b, nil, nil, one, order)
	Label("onlyB")
	g.compareLoop(k, n, dst, a, nil, nil, sb, one, order)
	Label("scalarA")
	CMPQ(bn, U8(1))
	JE(LabelRef("both"))
	g.compareLoop(k, n, dst, nil, b, sa, nil, one, order)
	Label("both")
	g.compareLoop(k, n, dst, nil, nil, sa, sb, one, order)
}

// compareLoop emits one loop over 32 elements at a time, and the return behind it.
func (g *isa) compareLoop(k compareKernel, n, dst, a, b reg.GPVirtual, sa, sb, one, order vec) {
	id := labels
	labels++
	next, end := fmt.Sprintf("next%d", id), fmt.Sprintf("end%d", id)
	Label(next)
	TESTQ(n, n)
	JE(LabelRef(end))
	fetch := func(i int) (x, y vec) {
		x, y = sa, sb
		if a != nil {
			x = g.load(g.at(a, i))
			if k.abs {
				x = g.abs(x)
			}
		}
		if b != nil {
			y = g.load(g.at(b, i))
		}
		return x, y
	}
	v := YMM()
	if g.wide() {
		low, high := K(), K()
		for i, m := range []reg.OpmaskVirtual{low, high} {
			x, y := fetch(i)
			if k.ints {
				VPCMPD(U8(k.pred), y, x, m)
			} else {
				VCMPPS(U8(k.pred), y, x, m)
			}
		}
		KUNPCKWD(low, high, high)
		VMOVDQU8_Z(one, high, v)
	} else {
		var m [4]vec
		for i := range m {
			x, y := fetch(i)
			m[i] = g.lanesHold(k, x, y)
		}
		VPACKSSDW(m[1], m[0], m[0])
		VPACKSSDW(m[3], m[2], m[2])
		VPACKSSWB(m[2], m[0], v)
		VPERMD(v, order, v)
		if k.ints && k.pred == 2 {
			VPANDN(one, v, v)
		} else {
			VPAND(one, v, v)
		}
	}
	VMOVDQU(v, Mem{Base: dst})
	ADDQ(U8(32), dst)
	for _, p := range []reg.GPVirtual{a, b} {
		if p != nil {
			ADDQ(U32(4*32), p)
		}
	}
	SUBQ(U8(32), n)
	JMP(LabelRef(next))
	Label(end)
	g.end()
}

// lanesHold returns all ones in the lanes of AVX2 where the comparison holds; for less or equal on integers,
// where it does not.
func (g *isa) lanesHold(k compareKernel, x, y vec) vec {
	m := YMM()
	switch {
	case !k.ints:
		VCMPPS(U8(k.pred), y, x, m)
	case k.pred == 0:
		VPCMPEQD(y, x, m)
	case k.pred == 1:
		VPCMPGTD(x, y, m)
	default:
		VPCMPGTD(y, x, m)
	}
	return m
}

// emitUnpack writes the order that undoes the interleaving of packed halves.
func emitUnpack() {
	GLOBL("unpack", RODATA|NOPTR)
	for i, v := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
		DATA(i*4, U32(v))
	}
}
