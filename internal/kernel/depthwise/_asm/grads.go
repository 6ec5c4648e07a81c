package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in GradsArgs.
const (
	gradX, gradDx, gradY, gradW, gradSums     = 0, 24, 48, 72, 96
	gradAt, gradChannels                      = 120, 128
	gradPixel, gradXRow, gradYRow             = 136, 144, 152
	gradCount                                 = 160
	gradLeft, gradRight, gradAbove, gradBelow = 168, 176, 184, 192
	gradHalf, gradRows                        = 200, 208
	gradXAhead, gradYAhead                    = 216, 224
	gradTaps                                  = 9
)

// gradGen is the state of a kernel of both gradients while it is emitted.
type gradGen struct {
	v           isa
	a           reg.Register
	pixel       gp
	triple      gp   // stride 1: three pixels
	p, d, q     []gp // inputs, their gradients, and those of outputs, by lines
	w           gp
	xask, dask  gp // what will be read and written soon
	yask        gp
	channel     Mem // bytes in front of the vector
	acc         []reg.VecVirtual
	here, right []reg.VecVirtual // stride 2: gradients of the output at hand and its right neighbour, in either line
}

// gradsBegin emits the beginning of a kernel of both gradients.
func gradsBegin(v isa, name, doc string) *gradGen {
	TEXT(name+v.Name, NOSPLIT, "func(a *byte)")
	Doc(name + v.Name + doc)
	g := &gradGen{v: v, a: Load(Param("a"), GP64()), channel: AllocLocal(8)}
	MOVQ(U32(0), g.channel)
	g.pixel, g.w = Elements(g.a, gradPixel), Field(g.a, gradW)
	g.xask, g.dask, g.yask = Elements(g.a, gradXAhead), GP64(), Elements(g.a, gradYAhead)
	MOVQ(g.xask, g.dask)
	ADDQ(Mem{Base: g.a, Disp: gradX}, g.xask)
	ADDQ(Mem{Base: g.a, Disp: gradDx}, g.dask)
	ADDQ(Mem{Base: g.a, Disp: gradY}, g.yask)
	return g
}

// vectors emits body for each vector of channels, whose sums stay in registers meanwhile.
func (g *gradGen) vectors(body func()) {
	v, sums := g.v, AllocLocal(8)
	MOVQ(Field(g.a, gradSums), sums)
	Label("vectors")
	at := GP64()
	MOVQ(sums, at)
	g.acc = v.Vecs(gradTaps)
	for t, r := range g.acc {
		VMOVUPS(Mem{Base: at, Disp: t * v.Bytes()}, r)
	}
	body()
	at = GP64()
	MOVQ(sums, at)
	for t, r := range g.acc {
		VMOVUPS(r, Mem{Base: at, Disp: t * v.Bytes()})
	}
	ADDQ(U32(uint32(gradTaps*v.Bytes())), at)
	MOVQ(at, sums)
	ADDQ(U32(uint32(gradTaps*v.Bytes())), g.w)
	next := GP64()
	MOVQ(g.channel, next)
	ADDQ(U32(uint32(v.Bytes())), next)
	MOVQ(next, g.channel)
	left := Elements(g.a, gradChannels)
	CMPQ(next, left)
	JL(LabelRef("vectors"))
	VZEROUPPER()
	RET()
}

// start returns where the vector begins in what a field points to.
func (g *gradGen) start(off int) gp {
	p := Field(g.a, off)
	ADDQ(g.channel, p)
	return p
}

// start2 does so for two lines, of inputs.
func (g *gradGen) start2(off int) []gp {
	first, second := g.start(off), Elements(g.a, gradXRow)
	ADDQ(first, second)
	return []gp{first, second}
}

// absent jumps to label where a field is zero.
func (g *gradGen) absent(off int, label string) {
	CMPQ(Mem{Base: g.a, Disp: off}, U8(0))
	JE(LabelRef(label))
}

// pass goes on by some inputs of a row.
func (g *gradGen) pass(row, n int) {
	LEAQ(g.column(g.p[row], n), g.p[row])
	LEAQ(g.column(g.d[row], n), g.d[row])
}

// weight is that of a tap.
func (g *gradGen) weight(tap int) Mem { return Mem{Base: g.w, Disp: tap * g.v.Bytes()} }

// gradsBeside is how many inputs beside each other the kernel for windows that move by one position takes: with the sums of the weights
// they fill the registers of AVX2, and what is added to each of them waits for the one before less than with two.
const gradsBeside = 3

// lineBytes is what a processor reads from memory at once.
const lineBytes = 64

// grads emits the kernel for windows of 3 by 3 that move by one position: inputs beside each other share the gradients of outputs.
// Weights are in reverse order.
func grads(v isa) {
	g := gradsBegin(v, "grads", " is gradsGeneric.")
	g.triple = GP64()
	LEAQ(Mem{Base: g.pixel, Index: g.pixel, Scale: 2}, g.triple)
	g.vectors(func() {
		g.p, g.d = []gp{g.start(gradX)}, []gp{g.start(gradDx)}
		g.q = []gp{Elements(g.a, gradAt), GP64(), GP64()}
		ADDQ(Mem{Base: g.a, Disp: gradY}, g.q[0])
		ADDQ(g.channel, g.q[0])
		row := Elements(g.a, gradYRow)
		LEAQ(Mem{Base: g.q[0], Index: row, Scale: 1}, g.q[1])
		LEAQ(Mem{Base: g.q[0], Index: row, Scale: 2}, g.q[2])
		g.absent(gradAbove, "outer")
		g.absent(gradBelow, "outer")
		g.row("inner", false)
		JMP(LabelRef("end"))
		Label("outer")
		g.row("outer", true)
		Label("end")
	})
}

// row emits the inputs of a row for a vector of channels. The input at either edge goes with those beside it.
func (g *gradGen) row(name string, outer bool) {
	n := Field(g.a, gradCount) // of inputs that have both neighbours
	SUBQ(U8(2), n)
	ADDQ(Mem{Base: g.a, Disp: gradLeft}, n)
	ADDQ(Mem{Base: g.a, Disp: gradRight}, n)
	CMPQ(Mem{Base: g.a, Disp: gradLeft}, U8(0))
	JNE(LabelRef(name + "_middle"))
	CMPQ(n, U8(1))
	JGE(LabelRef(name + "_left"))
	g.inputs(name+"_left1", 1, 1, 2, outer)
	JMP(LabelRef(name + "_middle"))
	Label(name + "_left")
	g.inputs(name+"_left2", 2, 1, 3, outer)
	DECQ(n)
	Label(name + "_middle")
	Loop(name+"_several", n, gradsBeside, func() { g.inputs(fmt.Sprintf("%s_inner%d", name, gradsBeside), gradsBeside, 0, gradsBeside+1, outer) })
	CMPQ(Mem{Base: g.a, Disp: gradRight}, U8(0))
	JE(LabelRef(name + "_right"))
	g.rest(name+"_inner", n, gradsBeside-1, func(count int) { g.inputs(fmt.Sprintf("%s_inner%d", name, count), count, 0, count+1, outer) })
	JMP(LabelRef(name + "_done"))
	Label(name + "_right")
	INCQ(n)
	g.rest(name+"_right", n, gradsBeside, func(count int) { g.inputs(fmt.Sprintf("%s_right%d", name, count), count, 0, count, outer) })
	Label(name + "_done")
}

// rest emits body for each count up to most, of which it takes the one that is in n, if any.
func (g *gradGen) rest(name string, n gp, most int, body func(count int)) {
	for count := most; count > 0; count-- {
		next := fmt.Sprintf("%s_below%d", name, count)
		CMPQ(n, U8(uint8(count)))
		JNE(LabelRef(next))
		body(count)
		if count > 1 {
			JMP(LabelRef(name + "_end"))
		}
		Label(next)
	}
	Label(name + "_end")
}

// column is the address of a pixel behind the one at hand.
func (g *gradGen) column(base gp, i int) Mem {
	m := Mem{Base: base}
	switch i {
	case 0:
	case 3:
		m.Index, m.Scale = g.triple, 1
	default:
		m.Index, m.Scale = g.pixel, uint8(i)
	}
	return m
}

// inputs emits n inputs beside each other, of which columns from first to last of the outputs exist.
func (g *gradGen) inputs(label string, n, first, last int, outer bool) {
	v := g.v
	x, dx := v.Vecs(n), v.Vecs(n)
	for i := range n {
		VMOVUPS(g.column(g.p[0], i), x[i])
		v.Zero(dx[i])
	}
	for l, q := range g.q {
		skip := fmt.Sprintf("%s_%d", label, l)
		if outer && l != 1 {
			g.absent([]int{gradAbove, 0, gradBelow}[l], skip)
		}
		for c := first; c <= last; c++ {
			dy := v.Vec()
			VMOVUPS(g.column(q, c), dy)
			for i := range n {
				if k := c - i; k >= 0 && k < 3 {
					VFMADD231PS(g.weight(3*l+k), dy, dx[i])
					VFMADD231PS(x[i], dy, g.acc[gradTaps-1-3*l-k])
				}
			}
		}
		if outer && l != 1 {
			Label(skip)
		}
	}
	for i, r := range dx {
		VMOVUPS(r, g.column(g.d[0], i))
	}
	for _, p := range []gp{g.xask, g.dask, g.yask} {
		for at := 0; at < n*v.Bytes(); at += lineBytes {
			PREFETCHT1(Mem{Base: p, Disp: at})
		}
		ADDQ(U32(uint32(n*v.Bytes())), p)
	}
	g.pass(0, n)
	for _, p := range g.q {
		LEAQ(g.column(p, n), p)
	}
}

// grads2 emits the kernel for windows of 3 by 3 that move by two positions.
func grads2(v isa) {
	g := gradsBegin(v, "grads2", " is grads2Generic.")
	xrow, yrow := Elements(g.a, gradXRow), Elements(g.a, gradYRow)
	g.vectors(func() {
		g.p, g.d = g.start2(gradX), g.start2(gradDx)
		g.q = []gp{g.start(gradY)}
		CMPQ(Mem{Base: g.a, Disp: gradRows}, U8(1))
		JE(LabelRef("upper"))
		g.absent(gradBelow, "last")
		g.squares("inner", 2, true, xrow, yrow)
		JMP(LabelRef("end"))
		Label("last")
		g.squares("last", 2, false, xrow, yrow)
		JMP(LabelRef("end"))
		Label("upper")
		g.squares("upper", 1, false, xrow, yrow)
		Label("end")
	})
}

// squares emits the squares of inputs of a row of outputs for a vector of channels.
func (g *gradGen) squares(name string, rows int, below bool, xrow, yrow gp) {
	square := func(both, neighbour bool) { g.square(rows, below, both, neighbour, xrow, yrow) }
	g.here = g.outputs(below, yrow)
	n := Field(g.a, gradCount)
	DECQ(n)
	Loop(name+"_squares", n, 1, func() { square(true, true) })
	CMPQ(Mem{Base: g.a, Disp: gradHalf}, U8(0))
	JNE(LabelRef(name + "_half"))
	g.absent(gradRight, name+"_lone")
	square(true, true)
	JMP(LabelRef(name + "_end"))
	Label(name + "_lone")
	square(true, false)
	JMP(LabelRef(name + "_end"))
	Label(name + "_half")
	square(false, false)
	Label(name + "_end")
}

// outputs reads the gradients of the next output, and the one below it.
func (g *gradGen) outputs(below bool, yrow gp) []reg.VecVirtual {
	dy := []reg.VecVirtual{g.v.Vec()}
	VMOVUPS(Mem{Base: g.q[0]}, dy[0])
	if below {
		dy = append(dy, g.v.Vec())
		VMOVUPS(Mem{Base: g.q[0], Index: yrow, Scale: 1}, dy[1])
	}
	ADDQ(g.pixel, g.q[0])
	return dy
}

// square emits the inputs that the output at hand reaches through the middle of its window and the end.
func (g *gradGen) square(rows int, below, both, neighbour bool, xrow, yrow gp) {
	g.right = nil
	if neighbour {
		g.right = g.outputs(below, yrow)
	}
	for r := range rows {
		g.input(r, 0)
		if both {
			g.input(r, 1)
		}
		g.pass(r, 2)
	}
	for _, p := range []gp{g.xask, g.dask} {
		PREFETCHT1(Mem{Base: p})
		PREFETCHT1(Mem{Base: p, Index: xrow, Scale: 1})
		ADDQ(U32(uint32(2*g.v.Bytes())), p)
	}
	PREFETCHT1(Mem{Base: g.yask})
	ADDQ(U32(uint32(g.v.Bytes())), g.yask)
	for l, dy := range g.right {
		VMOVAPS(dy, g.here[l])
	}
}

// input emits the input in a row and column of the square at hand.
func (g *gradGen) input(row, column int) {
	x, dx := g.v.Vec(), g.v.Vec()
	VMOVUPS(g.column(g.p[row], column), x)
	first := true
	product := func(dy reg.VecVirtual, line, tap int) {
		if t := line*3 + tap; first {
			VMULPS(g.weight(t), dy, dx)
			first = false
		} else {
			VFMADD231PS(g.weight(t), dy, dx)
		}
		VFMADD231PS(x, dy, g.acc[line*3+tap])
	}
	for l := range min(row+1, len(g.here)) {
		line := 1 + row - 2*l
		product(g.here[l], line, 1+column)
		if column > 0 && g.right != nil {
			product(g.right[l], line, 0)
		}
	}
	VMOVUPS(dx, g.column(g.d[row], column))
}
