package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets of OutputArgs.
const (
	outM, outElemStep, outC = 0, 24, 32
	outTiles, outTileStep   = 40, 48
	outY, outAt             = 56, 80
	outRowStep, outColStep  = 88, 96
	outRows, outCols        = 104, 112
	outBias, outResidual    = 120, 144
	outClip, outLo, outHi   = 168, 176, 180
	outTmp                  = 184
)

// output emits the output transform of a size: first along each row of elements, into the scratch memory, then along the
// columns, each of which is finished and stored.
func output(v isa, s size) {
	TEXT("output"+s.name+v.Name, NOSPLIT, "func(a *byte)")
	a := Load(Param("a"), GP64())
	p := s.points(v)
	m, tmp := Field(a, outM), Field(a, outTmp)
	elems := newSteps(Elements(a, outElemStep), s.n)
	at := Elements(a, outAt)
	rows := newSteps(Elements(a, outRowStep), s.m)
	Label("tile")
	CMPQ(Mem{Base: a, Disp: outTiles}, U8(0))
	JE(LabelRef("done"))
	left := Elements(a, outC)
	bias := Field(a, outBias)
	v.channels("channels", left, func(label string, k reg.Register) {
		src := GP64()
		MOVQ(m, src)
		grid := newGrid(v, s.m, outputHeld(v, s, k), tmp)
		for i := range s.n {
			d := v.Vecs(s.n - 2)
			for j := range d {
				v.load(k, elems.at(src, j+1), d[j])
			}
			first, last := v.edge(k, elems.at(src, 0)), v.edge(k, elems.at(src, s.n-1))
			for j, r := range s.leave(v, p, first, last, d) {
				grid.put(r, i, j)
			}
			if i < s.n-1 {
				switch s {
				case four:
					LEAQ(Mem{Base: src, Index: elems.three, Scale: 2}, src)
				case pair:
					ADDQ(elems.one, src)
					LEAQ(Mem{Base: src, Index: elems.one, Scale: 4}, src)
				default:
					LEAQ(Mem{Base: src, Index: elems.one, Scale: 4}, src)
				}
			}
		}
		outputColumns(v, s, p, label, a, k, at, bias, grid, rows)
		ADDQ(U32(uint32(v.Bytes())), m)
		ADDQ(U32(uint32(v.Bytes())), at)
		ADDQ(U32(uint32(v.Bytes())), bias)
	})
	c, over := Elements(a, outC), GP64()
	MOVQ(c, over)
	ADDQ(U32(uint32(v.Bytes()-1)), over)
	ANDQ(I32(-v.Bytes()), over)
	SUBQ(over, m)
	SUBQ(over, at)
	step := Elements(a, outTileStep)
	ADDQ(step, at)
	ADDQ(c, m)
	DECQ(Mem{Base: a, Disp: outTiles})
	JMP(LabelRef("tile"))
	Label("done")
	VZEROUPPER()
	RET()
}

// outputHeld is how many rows stay in registers between the passes.
func outputHeld(v isa, s size, k reg.Register) int {
	switch {
	case v.Wide() && s == pair:
		return 3
	case v.Wide() && (s == two || k == nil):
		return s.n
	case v.Wide():
		return 4
	case s == two:
		return s.n
	}
	return 0
}

// edge returns the operand of an element that is used once: its memory, unless it has to be masked.
func (v isa) edge(k reg.Register, m Mem) Op {
	if k == nil {
		return m
	}
	r := v.Vec()
	v.load(k, m, r)
	return r
}

// outputColumns computes the pixels from the rows of the grid, column by column.
func outputColumns(v isa, s size, p points, label string, a, k reg.Register, at, bias reg.GPVirtual, grid grid, rows steps) {
	place := GP64() // of the column's first pixel in Y and in Residual, in bytes
	MOVQ(at, place)
	for j := range s.m {
		col := fmt.Sprintf("%s_%d", label, j)
		CMPQ(Mem{Base: a, Disp: outCols}, U8(uint8(j)))
		JLE(LabelRef(label + "_end"))
		d := make([]reg.VecVirtual, s.n-2)
		for i := range d {
			d[i] = grid.take(i+1, j)
		}
		y := s.leave(v, p, grid.at(0, j), grid.at(s.n-1, j), d)
		b := v.Vec()
		v.load(k, Mem{Base: bias}, b)
		for _, r := range y {
			VADDPS(b, r, r)
		}
		addResidual(v, col, a, k, place, rows, y)
		clip(v, col, a, y)
		to := GP64()
		MOVQ(Mem{Base: a, Disp: outY}, to)
		ADDQ(place, to)
		for i, r := range y {
			if i > 0 {
				CMPQ(Mem{Base: a, Disp: outRows}, U8(uint8(i)))
				JLE(LabelRef(col + "_stored"))
			}
			v.store(k, r, rows.at(to, i))
		}
		Label(col + "_stored")
		if j < s.m-1 {
			step := GP64()
			MOVQ(Mem{Base: a, Disp: outColStep}, step)
			LEAQ(Mem{Base: place, Index: step, Scale: 4}, place)
		}
	}
	Label(label + "_end")
}

// addResidual adds the residual of the rows that exist, if there is one.
func addResidual(v isa, label string, a, k reg.Register, place reg.GPVirtual, rows steps, y []reg.VecVirtual) {
	from := GP64()
	MOVQ(Mem{Base: a, Disp: outResidual}, from)
	TESTQ(from, from)
	JZ(LabelRef(label + "_plain"))
	ADDQ(place, from)
	for i, r := range y {
		if i > 0 {
			CMPQ(Mem{Base: a, Disp: outRows}, U8(uint8(i)))
			JLE(LabelRef(label + "_plain"))
		}
		t := v.Vec()
		v.load(k, rows.at(from, i), t)
		VADDPS(t, r, r)
	}
	Label(label + "_plain")
}

// clip bounds the pixels if the arguments say so. A NaN, the second operand of the machine instruction, stays.
func clip(v isa, label string, a reg.Register, y []reg.VecVirtual) {
	CMPQ(Mem{Base: a, Disp: outClip}, U8(0))
	JE(LabelRef(label + "_clipped"))
	lo, hi := v.Vec(), v.Vec()
	VBROADCASTSS(Mem{Base: a, Disp: outLo}, lo)
	VBROADCASTSS(Mem{Base: a, Disp: outHi}, hi)
	for _, r := range y {
		VMAXPS(r, lo, r)
		VMINPS(r, hi, r)
	}
	Label(label + "_clipped")
}
