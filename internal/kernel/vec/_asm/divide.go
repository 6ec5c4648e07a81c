package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Integers divide in float64. Below 2**52 the quotient of two of them lies further from the next whole number than it is
// rounded, so cutting it off, or rounding it down, gives what division of integers would.

// double returns a register with a float64 whose lower 32 bits are zero.
func (g *isa) double(v float64) vec {
	u := math.Float64bits(v)
	if u<<32 != 0 {
		panic(fmt.Sprint("a constant with more than 32 bits: ", v))
	}
	r := g.load(bitsConst(uint32(u >> 32)))
	VPSLLQ(U8(32), r, r)
	return r
}

// divided returns the quotients of whole numbers in float64, cut off, or the remainders of quotients rounded down.
func (g *isa) divided(a, b vec, remainder bool) vec {
	mode := U8(11)
	if remainder {
		mode = U8(9)
	}
	q := g.r()
	VDIVPD(b, a, q)
	if g.wide() {
		VRNDSCALEPD(mode, q, q)
	} else {
		VROUNDPD(mode, q, q)
	}
	if !remainder {
		return q
	}
	r := g.copy(a)
	VFNMADD231PD(q, b, r)
	return r
}

// divide32 divides lanes of 32 bits, half of them at a time. By zero comes zero.
func (g *isa) divide32(t elementType, a, b vec, remainder bool) vec {
	var half [2]vec
	for i := range half {
		half[i] = g.fromDouble32(t, g.divided(g.toDouble32(t, a, i), g.toDouble32(t, b, i), remainder))
	}
	v, m := g.r(), g.r()
	if g.wide() {
		VINSERTI64X4(U8(1), half[1].AsY(), half[0].AsZ(), v)
		k := K()
		VPTESTMD(b, b, k)
		VMOVDQA32_Z(v, k, v)
		return v
	}
	VINSERTI128(U8(1), half[1].AsX(), half[0].AsY(), v)
	VPXOR(m, m, m)
	VPCMPEQD(b, m, m)
	VPANDN(v, m, v)
	return v
}

// toDouble32 widens one half of the lanes of x. AVX2 moves unsigned ones into the range of signed ones and back.
func (g *isa) toDouble32(t elementType, x vec, half int) vec {
	v := g.r()
	if g.wide() {
		part := x.AsY()
		if half == 1 {
			part = YMM()
			VEXTRACTI64X4(U8(1), x, part)
		}
		if t.unsigned {
			VCVTUDQ2PD(part, v)
		} else {
			VCVTDQ2PD(part, v)
		}
		return v
	}
	part := XMM()
	VEXTRACTI128(U8(uint8(half)), x, part)
	if t.unsigned {
		VPXOR(bitsConst(sign), part, part)
	}
	VCVTDQ2PD(part, v)
	if t.unsigned {
		VADDPD(g.double(1<<31), v, v)
	}
	return v
}

// fromDouble32 narrows whole numbers to half a vector.
func (g *isa) fromDouble32(t elementType, x vec) vec {
	if g.wide() {
		v := YMM()
		if t.unsigned {
			VCVTTPD2UDQ(x, v)
		} else {
			VCVTTPD2DQ(x, v)
		}
		return v
	}
	v := XMM()
	if t.unsigned {
		VSUBPD(g.double(1<<31), x, x)
	}
	VCVTTPD2DQY(x, v)
	if t.unsigned {
		VPXOR(bitsConst(sign), v, v)
	}
	return v
}

// divides64 emits func(dst, a, b []uint8) int for int64 as bytes, a multiple of joinGroup of them. It stops where numbers
// are not between -2**51 and 2**51, and returns the bytes done. By zero comes zero.
func (g *isa) divides64(name string, remainder bool) {
	g.begin(name+"I64", "func(dst, a, b []uint8) int")
	magic, bias := g.double(3<<51), g.r()          // 2**52 + 2**51: integers added to its bits are in its last places
	VPSLLQ(U8(32), g.load(bitsConst(1<<19)), bias) // 2**51
	g.operands(i64, "dst", func(n, dst, a, b reg.GPVirtual, sa, sb vec) {
		id := labels
		labels++
		next, end := fmt.Sprintf("next%d", id), fmt.Sprintf("end%d", id)
		done := GP64()
		XORQ(done, done)
		Label(next)
		CMPQ(done, n)
		JGE(LabelRef(end))
		x, y := sa, sb
		if a != nil {
			x = g.load(Mem{Base: a, Index: done, Scale: 1})
		}
		if b != nil {
			y = g.load(Mem{Base: b, Index: done, Scale: 1})
		}
		g.ifLarge(x, y, bias, end)
		v := g.fromDouble64(g.divided(g.toDouble64(x, magic), g.toDouble64(y, magic), remainder), magic)
		VMOVUPS(g.zeroWhere(y, v), Mem{Base: dst, Index: done, Scale: 1})
		ADDQ(U32(uint32(4*g.w)), done)
		JMP(LabelRef(next))
		Label(end)
		Store(done, ReturnIndex(0))
		g.end()
	})
}

// ifLarge jumps where a lane of x or y is not in [-bias, bias).
func (g *isa) ifLarge(x, y, bias vec, label string) {
	s, t := g.r(), g.r()
	VPADDQ(bias, x, s)
	VPADDQ(bias, y, t)
	if g.wide() {
		VPORQ(s, t, t)
	} else {
		VPOR(s, t, t)
	}
	VPSRLQ(U8(52), t, t)
	if g.wide() {
		k, bits := K(), GP32()
		VPTESTMQ(t, t, k)
		KMOVW(k, bits)
		TESTL(bits, bits)
	} else {
		VPTEST(t, t)
	}
	JNE(LabelRef(label))
}

func (g *isa) toDouble64(x, magic vec) vec {
	v := g.r()
	if g.wide() {
		VCVTQQ2PD(x, v)
		return v
	}
	VPADDQ(magic, x, v)
	VSUBPD(magic, v, v)
	return v
}

func (g *isa) fromDouble64(x, magic vec) vec {
	v := g.r()
	if g.wide() {
		VCVTTPD2QQ(x, v)
		return v
	}
	VADDPD(magic, x, v)
	VPSUBQ(magic, v, v)
	return v
}

// zeroWhere returns v with zero in the lanes of 64 bits where y is zero.
func (g *isa) zeroWhere(y, v vec) vec {
	out, m := g.r(), g.r()
	if g.wide() {
		k := K()
		VPTESTMQ(y, y, k)
		VMOVDQA64_Z(v, k, out)
		return out
	}
	VPXOR(m, m, m)
	VPCMPEQQ(y, m, m)
	VPANDN(v, m, out)
	return out
}
