package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets of InputArgs.
const (
	inX, inAt, inRowStep, inColStep = 0, 24, 32, 40
	inRows, inCols                  = 48, 56
	inTiles, inTileStep, inC        = 64, 72, 80
	inV, inElemStep, inTmp          = 88, 112, 120
	inTileRoom                      = 144
)

// transform takes tiles of in×in pixels to out×out elements.
type transform struct {
	size
	name    string
	in, out int
	apply   func(v isa, p points, d []reg.VecVirtual) []reg.VecVirtual // along an axis; it may overwrite d
}

// input is the input transform of a size.
func input(s size) transform { return transform{s, "input" + s.name, s.n, s.n, s.enter} }

// spread is the transpose of the output transform of a size.
func spread(s size, apply func(v isa, p points, d []reg.VecVirtual) []reg.VecVirtual) transform {
	return transform{s, "spread" + s.name, s.m, s.n, apply}
}

// emit emits the transform: first along each row of pixels, into the scratch memory, then along the columns.
func (s transform) emit(v isa) {
	TEXT(s.name+v.Name, NOSPLIT, "func(a *byte)")
	a := Load(Param("a"), GP64())
	p, none := s.points(v), v.Vec()
	v.Zero(none)
	x, at := Field(a, inX), Elements(a, inAt)
	ADDQ(at, x)
	rowStep := Elements(a, inRowStep)
	cols := newSteps(Elements(a, inColStep), s.in)
	dst, tmp := Field(a, inV), Field(a, inTmp)
	elem := Elements(a, inElemStep)
	elems := newSteps(times(elem, s.out), s.out) // from one row of elements to the next
	Label("tile")
	CMPQ(Mem{Base: a, Disp: inTiles}, U8(0))
	JE(LabelRef("done"))
	left := Elements(a, inC)
	v.channels("channels", left, func(label string, k reg.Register) {
		at := GP64()
		MOVQ(x, at)
		grid := newGrid(v, s.out, s.held(v), tmp)
		for i := range s.in {
			s.row(v, p, none, fmt.Sprintf("%s_%d", label, i), a, k, at, cols, grid, i)
			if i < s.in-1 {
				ADDQ(rowStep, at)
			}
		}
		MOVQ(dst, at)
		for j := range s.out {
			d := make([]reg.VecVirtual, s.in)
			for i := range d {
				d[i] = grid.take(i, j)
			}
			for i, r := range s.apply(v, p, d) {
				v.store(k, r, elems.at(at, i))
			}
			if j < s.out-1 {
				e := GP64()
				MOVQ(Mem{Base: a, Disp: inElemStep}, e)
				LEAQ(Mem{Base: at, Index: e, Scale: 4}, at)
			}
		}
		ADDQ(U32(uint32(v.Bytes())), x)
		ADDQ(U32(uint32(v.Bytes())), dst)
	})
	// x and dst stand behind the channels, or half a vector further.
	c := Elements(a, inC)
	over := GP64()
	MOVQ(c, over)
	ADDQ(U32(uint32(v.Bytes()-1)), over)
	ANDQ(I32(-v.Bytes()), over)
	SUBQ(over, x)
	SUBQ(over, dst)
	step := Elements(a, inTileStep)
	ADDQ(step, x)
	step = Elements(a, inTileRoom)
	ADDQ(step, dst)
	DECQ(Mem{Base: a, Disp: inTiles})
	JMP(LabelRef("tile"))
	Label("done")
	VZEROUPPER()
	RET()
}

// held is how many rows stay in registers between the passes.
func (s transform) held(v isa) int {
	switch {
	case v.Wide() && s.size == four:
		return 3
	case v.Wide() && s.size == two:
		return 4
	case v.Wide():
		return 3
	case s.size == two:
		return 2
	}
	return 0
}

// row transforms one row of pixels, or writes zeros for a row outside the image.
func (s transform) row(v isa, p points, none reg.VecVirtual, label string, a, k reg.Register, at reg.GPVirtual, cols steps, grid grid, i int) {
	BTQ(U8(uint8(i)), Mem{Base: a, Disp: inRows})
	JCS(LabelRef(label + "_inside"))
	for j := range s.out {
		grid.put(none, i, j)
	}
	JMP(LabelRef(label + "_end"))
	Label(label + "_inside")
	d := v.Vecs(s.in)
	for j := range d {
		skip := fmt.Sprintf("%s_%d", label, j)
		VMOVAPS(none, d[j])
		BTQ(U8(uint8(j)), Mem{Base: a, Disp: inCols})
		JCC(LabelRef(skip))
		v.load(k, cols.at(at, j), d[j])
		Label(skip)
	}
	for j, r := range s.apply(v, p, d) {
		grid.put(r, i, j)
	}
	Label(label + "_end")
}
