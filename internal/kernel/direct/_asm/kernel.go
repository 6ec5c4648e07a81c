package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// kernel computes cols neighbouring outputs of every row, vectors of output channels of each. With a width, groups of that many channels lie in the quarters
// of a vector of inputs, and shuffles bring one channel of each group to all its lanes; without, the single channels that
// all lanes read are broadcast.
type kernel struct {
	isa
	cols, vectors, width int
	acc                  [][]reg.VecVirtual // by output
}

func (k kernel) emit(name string) {
	TEXT(name, NOSPLIT, "func(a *byte)")
	what := "broadcastGeneric"
	if k.width > 0 {
		what = "shuffleGeneric"
	}
	Doc(name + " is " + what + ".")
	a := Load(Param("a"), GP64())
	for range k.cols {
		var acc []reg.VecVirtual
		for range k.vectors {
			acc = append(acc, k.Vec())
		}
		k.acc = append(k.acc, acc)
	}
	x, y, rows := Field(a, argX), Field(a, argY), Field(a, argRows)
	Label("rows")
	k.row(a, x)
	k.finish(a, y)
	step := Elements(a, argXRow)
	ADDQ(step, x)
	step = Elements(a, argYRow)
	ADDQ(step, y)
	DECQ(rows)
	JNZ(LabelRef("rows"))
	VZEROUPPER()
	RET()
}

// row sums over all taps, beginning with the bias.
func (k kernel) row(a reg.Register, x reg.GPVirtual) {
	bias := Field(a, argBias)
	for v, first := range k.acc[0] {
		VMOVUPS(Mem{Base: bias, Disp: v * k.Bytes()}, first)
		for _, acc := range k.acc[1:] {
			VMOVAPS(first, acc[v])
		}
	}
	in := NewRows(Elements(a, argXCol), k.cols)
	w, off, taps := Field(a, argW), Field(a, argOff), Field(a, argOffLen)
	Label("taps")
	first := in.Base[0]
	MOVQ(Mem{Base: off}, first)
	LEAQ(Mem{Base: x, Index: first, Scale: 4}, first)
	in.Spread()
	if k.width > 0 {
		k.shuffles(in, w)
	} else {
		k.broadcasts(a, in, w)
	}
	ADDQ(U8(8), off)
	DECQ(taps)
	JNZ(LabelRef("taps"))
}

// broadcasts multiplies with the channels of one tap.
func (k kernel) broadcasts(a reg.Register, in Rows, w reg.GPVirtual) {
	const unroll = 4
	n := Field(a, argChannels)
	step := func(channels int) {
		for c := range channels {
			k.channel(in, 4*c, Mem{Base: w, Disp: c * k.vectors * k.Bytes()})
		}
		for _, p := range in.Base {
			ADDQ(U8(uint8(4*channels)), p)
		}
		ADDQ(U32(uint32(channels*k.vectors*k.Bytes())), w)
		SUBQ(U8(uint8(channels)), n)
	}
	SUBQ(U8(unroll), n)
	JL(LabelRef("few"))
	Label("fours")
	step(unroll)
	JGE(LabelRef("fours"))
	Label("few")
	ADDQ(U8(unroll), n)
	JZ(LabelRef("channels_end"))
	Label("ones")
	step(1)
	JNZ(LabelRef("ones"))
	Label("channels_end")
}

// channel multiplies one channel, disp bytes behind the pointers.
func (k kernel) channel(in Rows, disp int, weights Mem) {
	var w []reg.VecVirtual
	for v := range k.vectors {
		w = append(w, k.Vec())
		VMOVUPS(weights.Offset(v*k.Bytes()), w[v])
	}
	for i, acc := range k.acc {
		if k.Wide() && k.vectors == 1 {
			VFMADD231PS_BCST(in.At(i, disp), w[0], acc[0])
			continue
		}
		x := k.Vec()
		VBROADCASTSS(in.At(i, disp), x)
		for v := range w {
			VFMADD231PS(w[v], x, acc[v])
		}
	}
}

// shuffles multiplies with the channels of one tap.
func (k kernel) shuffles(in Rows, w reg.GPVirtual) {
	weights := make([]reg.VecVirtual, k.width)
	for c := range weights {
		weights[c] = k.Vec()
		VMOVUPS(Mem{Base: w, Disp: c * k.Bytes()}, weights[c])
	}
	ADDQ(U32(uint32(k.width*k.Bytes())), w)
	for i, acc := range k.acc {
		for c, weight := range weights {
			x := k.Vec()
			VPERMILPS(U8(pattern(k.width, c)), in.At(i, 0), x)
			VFMADD231PS(weight, x, acc[0])
		}
	}
}

// pattern is the operand of VPERMILPS that brings channel c of every group to all its lanes.
func pattern(width, c int) uint8 {
	var p uint8
	for lane := range 4 {
		p |= uint8(lane/width*width+c) << (2 * lane)
	}
	return p
}

// finish bounds and stores a row; MAX and MIN return their last source when one is NaN.
func (k kernel) finish(a reg.Register, y reg.GPVirtual) {
	bound := k.Vec()
	VBROADCASTSS(Mem{Base: a, Disp: argLo}, bound)
	k.each(func(_, _ int, acc reg.VecVirtual) { VMAXPS(acc, bound, acc) })
	VBROADCASTSS(Mem{Base: a, Disp: argHi}, bound)
	k.each(func(_, _ int, acc reg.VecVirtual) { VMINPS(acc, bound, acc) })
	out := NewRows(Elements(a, argYCol), k.cols)
	MOVQ(y, out.Base[0])
	out.Spread()
	k.each(func(i, v int, acc reg.VecVirtual) { VMOVUPS(acc, out.At(i, v*k.Bytes())) })
}

func (k kernel) each(f func(i, v int, acc reg.VecVirtual)) {
	for i, list := range k.acc {
		for v, acc := range list {
			f(i, v, acc)
		}
	}
}
