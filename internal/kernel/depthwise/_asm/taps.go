package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tapGen is the state of a tap kernel while it is emitted.
type tapGen struct {
	v          isa
	a          reg.Register
	x, y, w, b gp // of the group of channels
	tail       *mask
}

// taps emits the kernel for single taps: blocks of eight outputs, then smaller ones; for every group of channels and every
// tap its weight is loaded and multiplied with an input of each output.
func taps(v isa) {
	TEXT("taps"+v.name, NOSPLIT, "func(a *byte)")
	Doc("taps" + v.name + " is tapsGeneric.")
	g := &tapGen{v: v, a: Load(Param("a"), GP64())}
	g.tail = v.newMask(field(g.a, argChannels))
	x0, y0, left := AllocLocal(8), AllocLocal(8), AllocLocal(8)
	first := elements(g.a, argAt)
	ADDQ(Mem{Base: g.a, Disp: argX}, first)
	MOVQ(first, x0)
	MOVQ(field(g.a, argY), y0)
	MOVQ(field(g.a, argBlocks), left)
	for shift := 3; shift >= 0; shift-- {
		n := 1 << shift
		label := fmt.Sprintf("outputs%d", n)
		Label(label)
		CMPQ(left, U32(uint32(n)))
		JL(LabelRef(label + "_end"))
		g.groups(label, n, x0, y0)
		pixel, step, out := elements(g.a, argPixel), field(g.a, argStride), elements(g.a, argYStep)
		SHLQ(U8(uint8(shift)), pixel)
		SHLQ(U8(uint8(shift)), out)
		ADDQ(out, y0)
		IMULQ(pixel, step)
		ADDQ(step, x0)
		SUBQ(U32(uint32(n)), left)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	VZEROUPPER()
	RET()
}

func (g *tapGen) groups(name string, n int, x0, y0 Mem) {
	g.x, g.y = GP64(), GP64()
	MOVQ(x0, g.x)
	MOVQ(y0, g.y)
	g.w, g.b = field(g.a, argW), field(g.a, argBias)
	left := field(g.a, argChannels)
	loop(name+"_groups", left, g.v.lanes, func() {
		g.group(name+"_full", n, nil)
		for _, p := range []gp{g.x, g.y, g.b} {
			ADDQ(U32(uint32(g.v.bytes())), p)
		}
		step := elements(g.a, argGroup)
		ADDQ(step, g.w)
	})
	TESTQ(left, left)
	JE(LabelRef(name + "_whole"))
	g.group(name+"_tail", n, g.tail)
	Label(name + "_whole")
}

func (g *tapGen) group(name string, n int, m *mask) {
	v := g.v
	acc := make([]reg.VecVirtual, n)
	for i := range acc {
		if acc[i] = v.vec(); i == 0 {
			v.load(m, Mem{Base: g.b}, acc[0])
		} else {
			VMOVAPS(acc[0], acc[i])
		}
	}
	step := elements(g.a, argPixel)
	IMULQ(Mem{Base: g.a, Disp: argStride}, step)
	span, left := field(g.a, argSpans), field(g.a, argSpansLen)
	loop(name+"_spans", left, 1, func() {
		p, q, w := GP64(), GP64(), v.vec()
		MOVQ(Mem{Base: span, Disp: spanW}, q)
		VMOVUPS(Mem{Base: g.w, Index: q, Scale: 4}, w)
		MOVQ(Mem{Base: span, Disp: spanX}, p)
		LEAQ(Mem{Base: g.x, Index: p, Scale: 4}, p)
		for o := range n {
			x := v.vec()
			v.load(m, Mem{Base: p}, x)
			VFMADD231PS(w, x, acc[o])
			if o < n-1 {
				ADDQ(step, p)
			}
		}
		ADDQ(U8(spanSize), span)
	})
	lo, hi, p, out := v.vec(), v.vec(), GP64(), elements(g.a, argYStep)
	next := GP64() // block, for whose room the last one asks
	if n == block {
		LEAQ(Mem{Base: g.y, Index: out, Scale: block}, next)
	}
	VBROADCASTSS(Mem{Base: g.a, Disp: argLo}, lo)
	VBROADCASTSS(Mem{Base: g.a, Disp: argHi}, hi)
	MOVQ(g.y, p)
	for o, x := range acc {
		VMAXPS(x, lo, x)
		VMINPS(x, hi, x)
		v.store(m, x, Mem{Base: p})
		if n == block {
			PREFETCHT1(Mem{Base: next})
		}
		if o < n-1 {
			ADDQ(out, p)
			if n == block {
				ADDQ(out, next)
			}
		}
	}
}
