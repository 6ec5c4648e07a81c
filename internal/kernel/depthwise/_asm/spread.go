package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in SpreadArgs.
const (
	spreadX, spreadY, spreadW, spreadBias = 0, 24, 48, 72
	spreadChannels, spreadPixel           = 96, 104
	spreadXRow, spreadYRow, spreadGroup   = 112, 120, 128
	spreadInputs, spreadRight, spreadHalf = 136, 144, 152
	spreadBelow, spreadRows               = 160, 168
	spreadXAhead, spreadYAhead            = 176, 184
	spreadStream                          = 192
)

// spreadGen is the state of a spread kernel while it is emitted.
type spreadGen struct {
	v              isa
	a              reg.Register
	pixel, xRow    gp
	xAhead, yAhead gp
	w              []reg.VecVirtual
	channel, b     gp               // bytes in front of the group, and its bias
	bias           reg.VecVirtual   // which AVX-512 has a register for
	p              gp               // the next input of the upper row
	q              [2]gp            // the first output of the input at hand in either row
	here           []reg.VecVirtual // the input at hand of either row
	m              *mask
}

// spread emits the kernel for windows of 3 by 3 that move by two positions: each input is read once and held for its neighbour's
// outputs, and all weights stay in registers.
func spread(v isa) {
	TEXT("spread"+v.Name, NOSPLIT, "func(a *byte)")
	Doc("spread" + v.Name + " is spreadGeneric.")
	g := &spreadGen{v: v, a: Load(Param("a"), GP64())}
	left := Field(g.a, spreadChannels)
	tail := v.newMask(left)
	g.pixel, g.xRow = Elements(g.a, spreadPixel), Elements(g.a, spreadXRow)
	g.xAhead, g.yAhead = Elements(g.a, spreadXAhead), Elements(g.a, spreadYAhead)
	g.channel = GP64()
	w, rest := AllocLocal(8), AllocLocal(8) // weights of the group, channels from it on
	XORQ(g.channel, g.channel)
	MOVQ(Field(g.a, spreadW), w)
	Loop("groups", left, v.Lanes, func() {
		MOVQ(left, rest)
		g.group("full", w)
		advance(g.a, spreadGroup, w)
		ADDQ(U32(uint32(v.Bytes())), g.channel)
		MOVQ(rest, left)
	})
	TESTQ(left, left)
	JE(LabelRef("done"))
	g.m = tail
	g.group("tail", w)
	Label("done")
	if v.Wide() {
		CMPQ(Mem{Base: g.a, Disp: spreadStream}, U8(0))
		JE(LabelRef("ordered"))
		SFENCE()
		Label("ordered")
	}
	VZEROUPPER()
	RET()
}

// group emits the outputs of a group of channels.
func (g *spreadGen) group(name string, w Mem) {
	v, from := g.v, GP64()
	MOVQ(w, from)
	g.w = nil
	for i := range 9 {
		g.w = append(g.w, v.Vec())
		VMOVUPS(Mem{Base: from, Disp: i * v.Bytes()}, g.w[i])
	}
	g.p, g.b = Field(g.a, spreadX), Field(g.a, spreadBias)
	g.q = [2]gp{Field(g.a, spreadY), Elements(g.a, spreadYRow)}
	ADDQ(g.channel, g.p)
	ADDQ(g.channel, g.b)
	ADDQ(g.channel, g.q[0])
	ADDQ(g.q[0], g.q[1])
	if v.Wide() {
		g.bias = v.Vec()
		v.load(g.m, Mem{Base: g.b}, g.bias)
	}
	g.here = g.inputs(name + "_first")
	n := Field(g.a, spreadInputs)
	DECQ(n)
	Loop(name+"_inputs", n, 1, func() { g.outputs(name+"_inner", true, true) })
	CMPQ(Mem{Base: g.a, Disp: spreadHalf}, U8(0))
	JNE(LabelRef(name + "_half"))
	CMPQ(Mem{Base: g.a, Disp: spreadRight}, U8(0))
	JE(LabelRef(name + "_last"))
	g.outputs(name+"_whole", true, true)
	JMP(LabelRef(name + "_end"))
	Label(name + "_last")
	g.outputs(name+"_lone", true, false)
	JMP(LabelRef(name + "_end"))
	Label(name + "_half")
	g.outputs(name+"_column", false, false)
	Label(name + "_end")
}

// inputs reads the next input of either row.
func (g *spreadGen) inputs(label string) []reg.VecVirtual {
	x := []reg.VecVirtual{g.v.Vec(), g.v.Vec()}
	g.v.load(g.m, Mem{Base: g.p}, x[0])
	g.v.Zero(x[1])
	CMPQ(Mem{Base: g.a, Disp: spreadBelow}, U8(0))
	JE(LabelRef(label + "_below"))
	g.v.load(g.m, Mem{Base: g.p, Index: g.xRow, Scale: 1}, x[1])
	PREFETCHT1(Mem{Base: g.p, Index: g.xAhead, Scale: 1})
	Label(label + "_below")
	ADDQ(g.pixel, g.p)
	return x
}

// outputs emits the outputs of the input at hand: one column or two, with its right neighbour or without; this is the one at hand
// then.
func (g *spreadGen) outputs(label string, both, neighbour bool) {
	var right []reg.VecVirtual
	if neighbour {
		right = g.inputs(label)
	}
	g.output(label, 0, 0, right)
	if both {
		g.output(label, 0, 1, right)
	}
	CMPQ(Mem{Base: g.a, Disp: spreadRows}, U8(2))
	JL(LabelRef(label + "_row"))
	g.output(label, 1, 0, right)
	if both {
		g.output(label, 1, 1, right)
	}
	Label(label + "_row")
	g.streaming(label+"_ask", func() {}, func() {
		for _, q := range g.q {
			later := GP64()
			LEAQ(Mem{Base: q, Index: g.yAhead, Scale: 1}, later)
			PREFETCHT1(Mem{Base: later})
			PREFETCHT1(Mem{Base: later, Index: g.pixel, Scale: 1})
		}
	})
	for _, q := range g.q {
		LEAQ(Mem{Base: q, Index: g.pixel, Scale: 2}, q)
	}
	for l, x := range right {
		VMOVAPS(x, g.here[l])
	}
}

// output emits one output in a row and column of the four at hand: those of number 0 see the input at hand through the middle of their
// window, those of number 1 through its end, and the next input through its beginning.
func (g *spreadGen) output(label string, row, column int, right []reg.VecVirtual) {
	v, acc := g.v, g.v.Vec()
	if g.bias != nil {
		VMOVAPS(g.bias, acc)
	} else {
		v.load(g.m, Mem{Base: g.b}, acc)
	}
	product := func(x reg.VecVirtual, line, tap int) { VFMADD231PS(g.w[line*3+tap], x, acc) }
	for l := range row + 1 {
		line := 1 + row - 2*l
		product(g.here[l], line, 1+column)
		if column > 0 && right != nil {
			product(right[l], line, 0)
		}
	}
	to := Mem{Base: g.q[row]}
	if column > 0 {
		to.Index, to.Scale = g.pixel, 1
	}
	g.streaming(fmt.Sprintf("%s_%d%d", label, row, column), func() { VMOVNTPS(acc, to) }, func() { v.store(g.m, acc, to) })
}

// streaming emits what is done where whole vectors are written around the caches, which only vectors of a line are, and what else.
func (g *spreadGen) streaming(label string, around, through func()) {
	if !g.v.Wide() || g.m != nil {
		through()
		return
	}
	CMPQ(Mem{Base: g.a, Disp: spreadStream}, U8(0))
	JE(LabelRef(label + "_through"))
	around()
	JMP(LabelRef(label + "_on"))
	Label(label + "_through")
	through()
	Label(label + "_on")
}
