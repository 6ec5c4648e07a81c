package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of InputArgs.
const (
	inX, inAt, inRowStep, inColStep = 0, 24, 32, 40
	inRows, inCols                  = 48, 56
	inTiles, inTileStep, inC        = 64, 72, 80
	inV, inElemStep, inTmp          = 88, 112, 120
)

// input emits the input transform of a size: first along each row of pixels, into the scratch memory, then along the
// columns.
func input(v isa, s size) {
	TEXT("input"+s.name+v.name, NOSPLIT, "func(a *byte)")
	a := Load(Param("a"), GP64())
	p, none := s.points(v), v.vec()
	v.zero(none)
	x, at := field(a, inX), elements(a, inAt)
	ADDQ(at, x)
	rowStep := elements(a, inRowStep)
	cols := newSteps(elements(a, inColStep), s.n)
	dst, tmp := field(a, inV), field(a, inTmp)
	elem := elements(a, inElemStep)
	var elems steps // from one row of elements to the next
	if s == four {
		elems = newSteps(times(elem, 6), s.n)
	} else {
		e4 := GP64()
		MOVQ(elem, e4)
		SHLQ(U8(2), e4)
		elems = newSteps(e4, s.n)
	}
	Label("tile")
	CMPQ(Mem{Base: a, Disp: inTiles}, U8(0))
	JE(LabelRef("done"))
	left := elements(a, inC)
	v.channels("channels", left, func(label string, k reg.Register) {
		at := GP64()
		MOVQ(x, at)
		grid := newGrid(v, s.n, inputHeld(v, s), tmp)
		for i := range s.n {
			inputRow(v, s, p, none, fmt.Sprintf("%s_%d", label, i), a, k, at, cols, grid, i)
			if i < s.n-1 {
				ADDQ(rowStep, at)
			}
		}
		MOVQ(dst, at)
		for j := range s.n {
			d := make([]reg.VecVirtual, s.n)
			for i := range d {
				d[i] = grid.take(i, j)
			}
			for i, r := range s.enter(v, p, d) {
				v.store(k, r, elems.at(at, i))
			}
			if j < s.n-1 {
				e := GP64()
				MOVQ(Mem{Base: a, Disp: inElemStep}, e)
				LEAQ(Mem{Base: at, Index: e, Scale: 4}, at)
			}
		}
		ADDQ(U32(uint32(v.bytes())), x)
		ADDQ(U32(uint32(v.bytes())), dst)
	})
	// x and dst stand behind the channels, or half a vector further.
	c := elements(a, inC)
	over := GP64()
	MOVQ(c, over)
	ADDQ(U32(uint32(v.bytes()-1)), over)
	ANDQ(I32(-v.bytes()), over)
	SUBQ(over, x)
	SUBQ(over, dst)
	step := elements(a, inTileStep)
	ADDQ(step, x)
	ADDQ(c, dst)
	DECQ(Mem{Base: a, Disp: inTiles})
	JMP(LabelRef("tile"))
	Label("done")
	VZEROUPPER()
	RET()
}

// inputHeld is how many rows stay in registers between the passes.
func inputHeld(v isa, s size) int {
	switch {
	case v.lanes == 16 && s == two:
		return 4
	case v.lanes == 16:
		return 3
	case s == two:
		return 2
	}
	return 0
}

// inputRow transforms one row of pixels, or writes zeros for a row outside the image.
func inputRow(v isa, s size, p points, none reg.VecVirtual, label string, a, k reg.Register, at reg.GPVirtual, cols steps, grid grid, i int) {
	BTQ(U8(uint8(i)), Mem{Base: a, Disp: inRows})
	JCS(LabelRef(label + "_inside"))
	for j := range s.n {
		grid.put(none, i, j)
	}
	JMP(LabelRef(label + "_end"))
	Label(label + "_inside")
	d := v.vecs(s.n)
	for j := range d {
		skip := fmt.Sprintf("%s_%d", label, j)
		VMOVAPS(none, d[j])
		BTQ(U8(uint8(j)), Mem{Base: a, Disp: inCols})
		JCC(LabelRef(skip))
		v.load(k, cols.at(at, j), d[j])
		Label(skip)
	}
	for j, r := range s.enter(v, p, d) {
		grid.put(r, i, j)
	}
	Label(label + "_end")
}
