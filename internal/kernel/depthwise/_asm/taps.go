package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
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
	TEXT("taps"+v.Name, NOSPLIT, "func(a *byte)")
	Doc("taps" + v.Name + " is tapsGeneric.")
	g := &tapGen{v: v, a: Load(Param("a"), GP64())}
	g.tail = v.newMask(Field(g.a, argChannels))
	x0, y0, left := AllocLocal(8), AllocLocal(8), AllocLocal(8)
	first := Elements(g.a, argAt)
	ADDQ(Mem{Base: g.a, Disp: argX}, first)
	MOVQ(first, x0)
	MOVQ(Field(g.a, argY), y0)
	MOVQ(Field(g.a, argBlocks), left)
	for shift := 3; shift >= 0; shift-- {
		n := 1 << shift
		label := fmt.Sprintf("outputs%d", n)
		Label(label)
		CMPQ(left, U32(uint32(n)))
		JL(LabelRef(label + "_end"))
		g.groups(label, n, x0, y0)
		pixel, step, out := Elements(g.a, argPixel), Field(g.a, argStride), Elements(g.a, argYStep)
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
	g.w, g.b = Field(g.a, argW), Field(g.a, argBias)
	left := Field(g.a, argChannels)
	Loop(name+"_groups", left, g.v.Lanes, func() {
		g.group(name+"_full", n, nil)
		for _, p := range []gp{g.x, g.y, g.b} {
			ADDQ(U32(uint32(g.v.Bytes())), p)
		}
		step := Elements(g.a, argGroup)
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
		if acc[i] = v.Vec(); i == 0 {
			v.load(m, Mem{Base: g.b}, acc[0])
		} else {
			VMOVAPS(acc[0], acc[i])
		}
	}
	step := Elements(g.a, argPixel)
	IMULQ(Mem{Base: g.a, Disp: argStride}, step)
	span, left := Field(g.a, argSpans), Field(g.a, argSpansLen)
	Loop(name+"_spans", left, 1, func() {
		p, q, w := GP64(), GP64(), v.Vec()
		MOVQ(Mem{Base: span, Disp: spanW}, q)
		VMOVUPS(Mem{Base: g.w, Index: q, Scale: 4}, w)
		MOVQ(Mem{Base: span, Disp: spanX}, p)
		LEAQ(Mem{Base: g.x, Index: p, Scale: 4}, p)
		for o := range n {
			x := v.Vec()
			v.load(m, Mem{Base: p}, x)
			VFMADD231PS(w, x, acc[o])
			if o < n-1 {
				ADDQ(step, p)
			}
		}
		ADDQ(U8(spanSize), span)
	})
	lo, hi, p, out := v.Vec(), v.Vec(), GP64(), Elements(g.a, argYStep)
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
