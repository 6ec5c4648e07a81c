package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// block is the number of outputs at once: each has an accumulator, beside the weights of a row of up to seven taps and one
// vector of inputs: sixteen registers.
const block = 8

// rowGen is the state of one row kernel while it is emitted.
type rowGen struct {
	v            isa
	taps, stride int
	a            reg.Register
	pixel, three gp // bytes from one pixel to the next, and three times that
	x, y, w, b   gp // of the group of channels
	tail         *mask
}

// rows emits a kernel for spans of some taps: for every block of outputs and group of channels, and every span, its weights
// are loaded, then column by column the inputs, each used by all outputs that it is a tap of. In an edge block each column
// is tested.
func rows(v isa, taps, stride int) {
	name := fmt.Sprintf("rows%d", taps)
	if stride > 1 {
		name += fmt.Sprintf("s%d", stride)
	}
	TEXT(name+v.Name, NOSPLIT, "func(a *byte)")
	Doc(fmt.Sprintf("%s%s is rowsGeneric for %d taps and stride %d.", name, v.Name, taps, stride))
	g := &rowGen{v: v, taps: taps, stride: stride, a: Load(Param("a"), GP64())}
	channels := Field(g.a, argChannels)
	g.tail = v.newMask(channels)
	g.pixel, g.three = Elements(g.a, argPixel), GP64()
	LEAQ(Mem{Base: g.pixel, Index: g.pixel, Scale: 2}, g.three)
	x0, y0, blocks := AllocLocal(8), AllocLocal(8), AllocLocal(8)
	first := Elements(g.a, argAt)
	ADDQ(Mem{Base: g.a, Disp: argX}, first)
	MOVQ(first, x0)
	MOVQ(Field(g.a, argY), y0)
	columns := Field(g.a, argEdge)
	TESTQ(columns, columns)
	JNE(LabelRef("single"))
	MOVQ(Field(g.a, argBlocks), blocks)
	Label("blocks")
	g.groups("in", x0, y0, nil)
	step := GP64()
	MOVQ(g.pixel, step)
	SHLQ(U8(3), step)
	ADDQ(step, y0)
	if stride == 2 {
		SHLQ(U8(1), step)
	}
	ADDQ(step, x0)
	DECQ(blocks)
	JNE(LabelRef("blocks"))
	VZEROUPPER()
	RET()
	Label("single")
	MOVQ(Mem{Base: g.a, Disp: argColumns}, columns)
	g.groups("edge", x0, y0, &columns)
	VZEROUPPER()
	RET()
}

// groups emits one block of outputs for all groups of channels.
func (g *rowGen) groups(name string, x0, y0 Mem, columns *gp) {
	g.x, g.y = GP64(), GP64()
	MOVQ(x0, g.x)
	MOVQ(y0, g.y)
	g.w, g.b = Field(g.a, argW), Field(g.a, argBias)
	left := Field(g.a, argChannels)
	Loop(name, left, g.v.Lanes, func() {
		g.group(name+"_full", nil, columns)
		for _, p := range []gp{g.x, g.y, g.b} {
			ADDQ(U32(uint32(g.v.Bytes())), p)
		}
		step := Elements(g.a, argGroup)
		ADDQ(step, g.w)
	})
	TESTQ(left, left)
	JE(LabelRef(name + "_whole"))
	g.group(name+"_tail", g.tail, columns)
	Label(name + "_whole")
}

// group emits one block of outputs for one group of channels.
func (g *rowGen) group(name string, m *mask, columns *gp) {
	v := g.v
	acc := make([]reg.VecVirtual, block)
	for i := range acc {
		if acc[i] = v.Vec(); i == 0 {
			v.load(m, Mem{Base: g.b}, acc[0])
		} else {
			VMOVAPS(acc[0], acc[i])
		}
	}
	span, left := Field(g.a, argSpans), Field(g.a, argSpansLen)
	Loop(name+"_spans", left, 1, func() {
		p, q := GP64(), GP64()
		MOVQ(Mem{Base: span, Disp: spanW}, q)
		LEAQ(Mem{Base: g.w, Index: q, Scale: 4}, q)
		ws := make([]reg.VecVirtual, g.taps)
		for i := range ws {
			ws[i] = v.Vec()
			VMOVUPS(Mem{Base: q, Disp: i * v.Bytes()}, ws[i])
		}
		MOVQ(Mem{Base: span, Disp: spanX}, p)
		LEAQ(Mem{Base: g.x, Index: p, Scale: 4}, p)
		for c := range (block-1)*g.stride + g.taps {
			g.column(fmt.Sprintf("%s_c%d", name, c), c, p, ws, acc, m, columns)
		}
		ADDQ(U8(spanSize), span)
	})
	if columns == nil {
		g.ask(span)
	}
	g.finish(name, acc, m, columns)
}

// ask asks for what a later row of outputs reads behind the last span, and for the room of the next block.
func (g *rowGen) ask(span gp) {
	x, ahead, y := GP64(), Elements(g.a, argAhead), GP64()
	MOVQ(Mem{Base: span, Disp: spanX - spanSize}, x)
	LEAQ(Mem{Base: g.x, Index: x, Scale: 4}, x)
	ADDQ(ahead, x)
	g.prefetch(x, block*g.stride)
	LEAQ(Mem{Base: g.y, Index: g.pixel, Scale: 8}, y)
	g.prefetch(y, block)
}

// prefetch asks for n pixels from p on.
func (g *rowGen) prefetch(p gp, n int) {
	for c := range n {
		if c > 0 && c%4 == 0 {
			LEAQ(Mem{Base: p, Index: g.pixel, Scale: 4}, p)
		}
		PREFETCHT1(g.at(p, c%4))
	}
}

// column emits the products of column c of the inputs; p is where the column c - c%4 begins.
func (g *rowGen) column(label string, c int, p gp, ws, acc []reg.VecVirtual, m *mask, columns *gp) {
	if c > 0 && c%4 == 0 {
		LEAQ(Mem{Base: p, Index: g.pixel, Scale: 4}, p)
	}
	if columns != nil {
		BTQ(U8(uint8(c)), *columns)
		JCC(LabelRef(label))
	}
	x := g.v.Vec()
	g.v.load(m, g.at(p, c%4), x)
	for o := range block {
		if k := c - o*g.stride; k >= 0 && k < g.taps {
			VFMADD231PS(ws[k], x, acc[o])
		}
	}
	if columns != nil {
		Label(label)
	}
}

// at is pixel i of four at p.
func (g *rowGen) at(p gp, i int) Mem {
	switch i {
	case 1:
		return Mem{Base: p, Index: g.pixel, Scale: 1}
	case 2:
		return Mem{Base: p, Index: g.pixel, Scale: 2}
	case 3:
		return Mem{Base: p, Index: g.three, Scale: 1}
	}
	return Mem{Base: p}
}

// finish bounds and stores the outputs, as many as there are.
func (g *rowGen) finish(name string, acc []reg.VecVirtual, m *mask, columns *gp) {
	v := g.v
	lo, hi, p := v.Vec(), v.Vec(), GP64()
	VBROADCASTSS(Mem{Base: g.a, Disp: argLo}, lo)
	VBROADCASTSS(Mem{Base: g.a, Disp: argHi}, hi)
	MOVQ(g.y, p)
	for o, x := range acc {
		if columns != nil && o > 0 {
			CMPQ(Mem{Base: g.a, Disp: argEdge}, U8(uint8(o)))
			JLE(LabelRef(name + "_stored"))
		}
		VMAXPS(x, lo, x)
		VMINPS(x, hi, x)
		if o == 4 {
			LEAQ(Mem{Base: p, Index: g.pixel, Scale: 4}, p)
		}
		v.store(m, x, g.at(p, o%4))
	}
	if columns != nil {
		Label(name + "_stored")
	}
}
