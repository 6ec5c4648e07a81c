package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A holdKernel tells of pairs of elements whether something holds.
type holdKernel struct {
	name string
	ints uint8 // predicate of VPCMPB and its like
	pred uint8 // of VCMPPD
}

var holdKernels = []holdKernel{{"equal", 0, cmpEQ}, {"less", 1, cmpLT}, {"lessEqual", 2, 18}}

var holdTypes = []elementType{i8, u8, i16, u16, i64, u64, f64}

// holdGroup is the number of pairs that the kernels take at once.
const holdGroup = 64

// holds emits func(dst []bool, a, b []uint8) for elements as bytes, a multiple of holdGroup of them.
func (g *isa) holds(k holdKernel, t elementType) {
	g.begin(k.name+t.name, "func(dst []bool, a, b []uint8)")
	one := g.load(bitsConst(0x01010101))
	g.operands(t, "dst", func(n, dst, a, b reg.GPVirtual, sa, sb vec) {
		fetch := func(i int) (x, y vec) { return g.inputs(a, b, sa, sb, i) }
		g.groups(n, holdGroup, dst, holdGroup, a, b, holdGroup*t.size, func() {
			switch {
			case g.wide():
				g.holdMasks(k, t, dst, one, fetch)
			case t.size == 1:
				for i := range 2 {
					x, y := fetch(i)
					m := g.holdLanes(k, t, x, y)
					VPAND(one, m, m)
					VMOVDQU(m, g.at(dst, i))
				}
			case t.size == 2:
				for i := range 2 {
					m := g.holdLanesOf(k, t, fetch, 2*i, 2)
					VPACKSSWB(m[1], m[0], m[0])
					VPERMQ(U8(0xd8), m[0], m[0])
					VPAND(one, m[0], m[0])
					VMOVDQU(m[0], g.at(dst, i))
				}
			default:
				for i := range 2 {
					g.holdQuads(g.holdLanesOf(k, t, fetch, 8*i, 8), one, dst, 32*i)
				}
			}
		})
	})
}

// holdMasks compares 64 pairs into mask registers of AVX-512, and stores ones where they are set.
func (g *isa) holdMasks(k holdKernel, t elementType, dst reg.GPVirtual, one vec, fetch func(i int) (x, y vec)) {
	signed, unsigned := []emit{VPCMPB, VPCMPW, nil, VPCMPQ}, []emit{VPCMPUB, VPCMPUW, nil, VPCMPUQ}
	if t.unsigned {
		signed = unsigned
	}
	for i := range t.size {
		x, y := fetch(i)
		m := K()
		if t.float {
			VCMPPD(U8(k.pred), y, x, m)
		} else {
			signed[log2(t.size)](U8(k.ints), y, x, m)
		}
		at := Mem{Base: dst, Disp: i * 64 / t.size}
		switch t.size {
		case 1:
			v := ZMM()
			VMOVDQU8_Z(one, m, v)
			VMOVDQU8(v, at)
		case 2:
			v := YMM()
			VMOVDQU8_Z(one.AsY(), m, v)
			VMOVDQU8(v, at)
		default:
			v := XMM()
			VMOVDQU8_Z(one.AsX(), m, v)
			VMOVQ(v, at)
		}
	}
}

func (g *isa) holdLanesOf(k holdKernel, t elementType, fetch func(i int) (x, y vec), first, n int) (m []vec) {
	for i := range n {
		x, y := fetch(first + i)
		m = append(m, g.holdLanes(k, t, x, y))
	}
	return m
}

// holdLanes returns all ones in the lanes of AVX2 where the comparison holds.
func (g *isa) holdLanes(k holdKernel, t elementType, x, y vec) vec {
	m := g.r()
	equal := []emit{VPCMPEQB, VPCMPEQW, nil, VPCMPEQQ}[log2(t.size)]
	switch {
	case t.float:
		VCMPPD(U8(k.pred), y, x, m)
	case k.name == "equal":
		equal(y, x, m)
	case t.size == 8 && k.name == "less":
		return g.less64(t, x, y)
	case t.size == 8:
		g.invert(g.less64(t, y, x), m)
	case k.name == "lessEqual":
		equal(g.extreme(t, x, y, true), y, m)
	default:
		equal(g.extreme(t, x, y, true), x, m)
		g.invert(m, m)
	}
	return m
}

func (g *isa) invert(x, dst vec) {
	ones := g.r()
	VPCMPEQB(ones, ones, ones)
	VPXOR(ones, x, dst)
}

// holdQuads stores 32 truth values of the lanes of 64 bits of eight vectors. Packing takes the halves of vectors apart:
// pairs of neighbours lie in turns in the lower and the upper half until they are interleaved.
func (g *isa) holdQuads(m []vec, one vec, dst reg.GPVirtual, disp int) {
	for i := range 4 {
		VSHUFPS(U8(0x88), m[2*i+1], m[2*i], m[i])
	}
	VPACKSSDW(m[1], m[0], m[0])
	VPACKSSDW(m[3], m[2], m[2])
	VPACKSSWB(m[2], m[0], m[0])
	VPAND(one, m[0], m[0])
	high, low := XMM(), XMM()
	VEXTRACTI128(U8(1), m[0], high)
	VPUNPCKLWD(high, m[0].AsX(), low)
	VPUNPCKHWD(high, m[0].AsX(), high)
	VMOVDQU(low, Mem{Base: dst, Disp: disp})
	VMOVDQU(high, Mem{Base: dst, Disp: disp + 16})
}
