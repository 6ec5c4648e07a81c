package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in PairArgs.
const (
	pairX, pairY, pairW, pairBias     = 0, 24, 48, 72
	pairAt, pairChannels              = 96, 104
	pairXPixel, pairXRow, pairYPixel  = 112, 120, 128
	pairYRow, pairGroup, pairOutputs  = 136, 144, 152
	pairLeft, pairRight, pairAbove    = 160, 168, 176
	pairBelow, pairXAhead, pairYAhead = 184, 192, 200
	pairLo, pairHi                    = 208, 212
	pairStream                        = 216
	pairRows, pairLines, pairTaps     = 2, 4, 3
)

// pairGen is the state of a pair kernel while it is emitted.
type pairGen struct {
	v                   isa
	a                   reg.Register
	pixel, yPixel, yRow gp
	xAhead, yAhead      gp
	line                func(p gp, i int) Mem
	w                   []reg.VecVirtual
	bias, lo, hi        reg.VecVirtual
	p, q                gp // the column of inputs at hand, and the next output of the upper row
	m                   *mask
}

// pairs emits the kernel for two rows of outputs of windows of 3 by 3: all weights stay in registers, and of each column of inputs each
// of the four lines is read once, for up to six outputs.
func pairs(v isa) {
	TEXT("pairs"+v.Name, NOSPLIT, "func(a *byte)")
	Doc("pairs" + v.Name + " is pairsGeneric.")
	g := &pairGen{v: v, a: Load(Param("a"), GP64())}
	left := Field(g.a, pairChannels)
	tail := v.newMask(left)
	g.pixel, g.yPixel, g.yRow = Elements(g.a, pairXPixel), Elements(g.a, pairYPixel), Elements(g.a, pairYRow)
	g.xAhead, g.yAhead = Elements(g.a, pairXAhead), Elements(g.a, pairYAhead)
	g.line = lineAddresses(pairLines, Elements(g.a, pairXRow))
	g.lo, g.hi = v.Vec(), v.Vec()
	VBROADCASTSS(Mem{Base: g.a, Disp: pairLo}, g.lo)
	VBROADCASTSS(Mem{Base: g.a, Disp: pairHi}, g.hi)
	channel, w, rest := GP64(), AllocLocal(8), AllocLocal(8) // bytes in front of the group, its weights, channels from it on
	XORQ(channel, channel)
	MOVQ(Field(g.a, pairW), w)
	Loop("groups", left, v.Lanes, func() {
		MOVQ(left, rest)
		g.group("full", channel, w)
		advance(g.a, pairGroup, w)
		ADDQ(U32(uint32(v.Bytes())), channel)
		MOVQ(rest, left)
	})
	TESTQ(left, left)
	JE(LabelRef("done"))
	g.m = tail
	g.group("tail", channel, w)
	Label("done")
	CMPQ(Mem{Base: g.a, Disp: pairStream}, U8(0))
	JE(LabelRef("ordered"))
	SFENCE()
	Label("ordered")
	VZEROUPPER()
	RET()
}

// group emits the outputs of a group of channels.
func (g *pairGen) group(name string, channel gp, w Mem) {
	v, from := g.v, GP64()
	MOVQ(w, from)
	g.w = nil
	for i := range pairTaps * pairTaps {
		g.w = append(g.w, v.Vec())
		VMOVUPS(Mem{Base: from, Disp: i * v.Bytes()}, g.w[i])
	}
	b := Field(g.a, pairBias)
	g.bias = v.Vec()
	v.load(g.m, Mem{Base: b, Index: channel, Scale: 1}, g.bias)
	g.p, g.q = Elements(g.a, pairAt), Field(g.a, pairY)
	ADDQ(Mem{Base: g.a, Disp: pairX}, g.p)
	ADDQ(channel, g.p)
	ADDQ(channel, g.q)
	now, next := g.begin(), g.begin()
	CMPQ(Mem{Base: g.a, Disp: pairLeft}, U8(0))
	JE(LabelRef(name + "_first"))
	g.column(name+"_left", now, nil, nil)
	Label(name + "_first")
	ADDQ(g.pixel, g.p)
	g.column(name+"_begin", next, now, nil)
	ADDQ(g.pixel, g.p)
	n := Field(g.a, pairOutputs)
	DECQ(n)
	Loop(name+"_outputs", n, 1, func() {
		later := g.begin()
		g.column(name+"_inner", later, next, now)
		ADDQ(g.pixel, g.p)
		g.finish(name+"_inner", now)
		for r := range pairRows {
			VMOVAPS(next[r], now[r])
			VMOVAPS(later[r], next[r])
		}
	})
	CMPQ(Mem{Base: g.a, Disp: pairRight}, U8(0))
	JE(LabelRef(name + "_last"))
	g.column(name+"_right", nil, nil, now)
	Label(name + "_last")
	g.finish(name+"_last", now)
}

// begin returns an output of each row before the first product.
func (g *pairGen) begin() []reg.VecVirtual {
	acc := make([]reg.VecVirtual, pairRows)
	for r := range acc {
		acc[r] = g.v.Vec()
		VMOVAPS(g.bias, acc[r])
	}
	return acc
}

// column adds the products of the column at hand to the outputs of which it is the first, second and third one.
func (g *pairGen) column(label string, first, second, third []reg.VecVirtual) {
	for l := range pairLines {
		skip := label + []string{"_above", "", "", "_below"}[l]
		if off := []int{pairAbove, 0, 0, pairBelow}[l]; off > 0 {
			CMPQ(Mem{Base: g.a, Disp: off}, U8(0))
			JE(LabelRef(skip))
		}
		x := g.v.Vec()
		g.v.load(g.m, g.line(g.p, l), x)
		for k, acc := range [][]reg.VecVirtual{first, second, third} {
			for r := range acc {
				if l >= r && l-r < pairTaps {
					VFMADD231PS(g.w[(l-r)*pairTaps+k], x, acc[r])
				}
			}
		}
		if l == 0 || l == pairLines-1 {
			Label(skip)
		}
	}
	later := GP64()
	LEAQ(Mem{Base: g.p, Index: g.xAhead, Scale: 1}, later)
	for l := range pairRows {
		PREFETCHT1(g.line(later, l))
	}
}

// finish bounds and stores an output of each row.
func (g *pairGen) finish(label string, acc []reg.VecVirtual) {
	for _, y := range acc {
		VMAXPS(y, g.lo, y)
		VMINPS(y, g.hi, y)
	}
	at := []Mem{{Base: g.q}, {Base: g.q, Index: g.yRow, Scale: 1}}
	if g.m == nil {
		CMPQ(Mem{Base: g.a, Disp: pairStream}, U8(0))
		JE(LabelRef(label + "_store"))
		for r, y := range acc {
			VMOVNTPS(y, at[r])
		}
		JMP(LabelRef(label + "_stored"))
		Label(label + "_store")
	}
	for r, y := range acc {
		g.v.store(g.m, y, at[r])
	}
	ahead := GP64()
	LEAQ(Mem{Base: g.q, Index: g.yAhead, Scale: 1}, ahead)
	PREFETCHT1(Mem{Base: ahead})
	PREFETCHT1(Mem{Base: ahead, Index: g.yRow, Scale: 1})
	if g.m == nil {
		Label(label + "_stored")
	}
	ADDQ(g.yPixel, g.q)
}
