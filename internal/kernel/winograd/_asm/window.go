package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets of WindowArgs.
const (
	windowU, windowPlane, windowWidth, windowC = 0, 24, 32, 40
	windowW, windowRowStep, windowColStep      = 48, 72, 80
	windowStep, windowRows, windowCols         = 88, 96, 104
	windowAdd                                  = 112
)

// window emits the transform of gradients of elements to those of windows of a size: Gᵀ·u·G, which sums returns for one vector.
func window(v isa, s size, sums func(k reg.Register, planes steps, u reg.GPVirtual) []reg.VecVirtual) {
	TEXT("window"+s.name+v.Name, NOSPLIT, "func(a *byte)")
	a := Load(Param("a"), GP64())
	u, w := Field(a, windowU), Field(a, windowW)
	planes := newSteps(Elements(a, windowPlane), s.n)
	Label("loop")
	CMPQ(Mem{Base: a, Disp: windowC}, U8(0))
	JE(LabelRef("done"))
	left, to := Elements(a, windowWidth), GP64()
	MOVQ(w, to)
	v.channels("width", left, func(label string, k reg.Register) {
		v.putWindow(label, a, k, to, sums(k, planes, u), s.n-s.m+1)
		ADDQ(U32(uint32(v.Bytes())), u)
		ADDQ(U32(uint32(v.Bytes())), to)
	})
	c, over := Elements(a, windowWidth), GP64()
	MOVQ(c, over)
	ADDQ(U32(uint32(v.Bytes()-1)), over)
	ANDQ(I32(-v.Bytes()), over)
	SUBQ(over, u)
	ADDQ(c, u)
	step := Elements(a, windowStep)
	ADDQ(step, w)
	DECQ(Mem{Base: a, Disp: windowC})
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// putWindow stores the elements of a window of so many taps along each axis that exist, or adds to what is there.
func (v isa) putWindow(label string, a, k reg.Register, to reg.GPVirtual, sums []reg.VecVirtual, taps int) {
	rowStep, colStep := Elements(a, windowRowStep), Elements(a, windowColStep)
	at := GP64()
	MOVQ(to, at)
	for i := range taps {
		next := fmt.Sprintf("%s_row%d", label, i+1)
		if i > 0 {
			ADDQ(rowStep, at)
			CMPQ(Mem{Base: a, Disp: windowRows}, U8(uint8(i+1)))
			JL(LabelRef(label + "_stored"))
		}
		for j := range taps {
			s, m := sums[i*taps+j], Mem{Base: at}
			if j > 0 {
				m = Mem{Base: at, Index: colStep, Scale: uint8(j)}
				CMPQ(Mem{Base: a, Disp: windowCols}, U8(uint8(j+1)))
				JL(LabelRef(next))
			}
			set := fmt.Sprintf("%s_set%d%d", label, i, j)
			CMPQ(Mem{Base: a, Disp: windowAdd}, U8(0))
			JE(LabelRef(set))
			old := v.Vec()
			v.load(k, m, old)
			VADDPS(old, s, s)
			Label(set)
			v.store(k, s, m)
		}
		Label(next)
	}
	Label(label + "_stored")
}

// spreadFour multiplies d by A: what leave is the transpose of.
func spreadFour(v isa, p points, d []reg.VecVirtual) []reg.VecVirtual {
	evenA, evenB, odd, minus, plus := v.Vec(), v.Vec(), v.Vec(), v.Vec(), v.Vec()
	VMOVAPS(d[0], evenA)
	VFMADD231PS(d[2], p.a2, evenA) // y0 + a²y2
	VMOVAPS(d[0], evenB)
	VFMADD231PS(d[2], p.b2, evenB) // y0 + b²y2
	VMOVAPS(d[1], odd)
	VFMADD231PS(d[3], p.a2, odd)  // y1 + a²y3
	VFMADD231PS(d[3], p.b2, d[1]) // y1 + b²y3
	VMOVAPS(evenA, minus)
	VFNMADD231PS(odd, p.a, minus)
	VFMADD231PS(odd, p.a, evenA)
	VMOVAPS(evenB, plus)
	VFMADD231PS(d[1], p.b, plus)
	VFNMADD231PS(d[1], p.b, evenB)
	return []reg.VecVirtual{d[0], evenA, minus, plus, evenB, d[3]}
}

// windowFour returns the elements of a window of 3×3, Gᵀ·u·G. Where there are registers for it, all columns are made at once.
func (v isa) windowFour(k reg.Register, planes steps, u reg.GPVirtual) []reg.VecVirtual {
	groups := [][]int{{0}, {1}, {2}}
	if v.Wide() {
		groups = [][]int{{0, 1, 2}}
	}
	sums := make([]reg.VecVirtual, 9)
	for _, cols := range groups {
		at, rows := GP64(), make([][]reg.VecVirtual, four.n)
		MOVQ(u, at)
		for i := range rows {
			rows[i] = v.fold(cols, func(j int) reg.VecVirtual {
				d := v.Vec()
				v.load(k, planes.at(at, j), d)
				return d
			})
			if i < four.n-1 {
				LEAQ(Mem{Base: at, Index: planes.three, Scale: 2}, at)
			}
		}
		for c, j := range cols {
			column := v.fold([]int{0, 1, 2}, func(i int) reg.VecVirtual { return rows[i][c] })
			for i, s := range column {
				sums[3*i+j] = s
			}
		}
	}
	return sums
}

// fold returns the numbers of Gᵀ·d that are asked for; it overwrites what d returns.
func (v isa) fold(want []int, d func(i int) reg.VecVirtual) []reg.VecVirtual {
	list := make([]reg.VecVirtual, len(want))
	for pair, point := range []string{"A", "B"} {
		x, y := d(1+2*pair), d(2+2*pair)
		sum, diff := x, y
		if len(want) > 1 {
			diff = v.Vec()
		}
		if len(want) > 1 || want[0] == 1 {
			VSUBPS(y, x, diff)
		}
		if len(want) > 1 || want[0] != 1 {
			VADDPS(y, x, sum)
		}
		for i, w := range want {
			c, part := v.constant([]string{"even", "odd", "far"}[w]+point), []reg.VecVirtual{sum, diff, sum}[w]
			if pair == 0 {
				list[i] = v.Vec()
				VMULPS(part, c, list[i])
			} else {
				VFMADD231PS(part, c, list[i])
			}
		}
	}
	for i, w := range want {
		switch w {
		case 0:
			c := v.constant("scale0")
			VFMADD231PS(d(0), c, list[i])
		case 2:
			VADDPS(d(5), list[i], list[i])
		}
	}
	return list
}
