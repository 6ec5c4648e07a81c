package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// sums is the loop of a tile kernel over the segments of K. Where rows or columns of A are contiguous, four steps differ by
// constants and share what moves the registers, in pairs of panels eight: a core that two threads share has only two or three
// instructions in a cycle for each. Vectors of 256 bits share it over sixteen where B is packed.
type sums struct {
	*tileKernel
	a              Rows
	b              []reg.GPVirtual // panels
	bstep, bstep3  reg.GPVirtual
	n              reg.GPVirtual // steps left in the segment
	ahead, aheadBy reg.GPVirtual
	fast           reg.GPVirtual // how many lines of a panel are asked for in a round: 0 for one, 1 for two, 2 for four, 3 for eight
	name           string        // of the round at hand
}

// panels returns pointers to the panels of B.
func (k *tileKernel) panels() []reg.GPVirtual {
	b := []reg.GPVirtual{Field(k.t, argB)}
	if k.p > 1 {
		panel := Field(k.t, argPanel)
		for i := 1; i < k.p; i++ {
			q := GP64()
			LEAQ(Mem{Base: b[i-1], Index: panel, Scale: 1}, q)
			b = append(b, q)
		}
	}
	return b
}

// loop accumulates over the segments of K.
func (k *tileKernel) loop() {
	s := sums{tileKernel: k, a: NewRows(Field(k.t, argARS), k.r), b: k.panels(), bstep: Field(k.t, argBStep), n: GP64(), ahead: Field(k.t, argAhead), fast: Field(k.t, argAheadFast)}
	if k.p > 1 {
		s.aheadBy = Field(k.t, argOther)
	}
	s.bstep3 = GP64()
	LEAQ(Mem{Base: s.bstep, Index: s.bstep, Scale: 2}, s.bstep3)
	seg := Field(k.t, argSegs)
	MOVQ(seg, Mem{Base: k.t, Disp: argSeg})
	left := Field(k.t, argNSegs)
	MOVQ(left, Mem{Base: k.t, Disp: argLeft})
	Label("segment")
	MOVQ(Mem{Base: k.t, Disp: argA}, s.a.Base[0])
	ADDQ(Mem{Base: k.t, Disp: argDownA}, s.a.Base[0])
	ADDQ(Mem{Base: seg, Disp: segOff}, s.a.Base[0])
	MOVQ(Mem{Base: seg, Disp: segK}, s.n)
	CMPQ(Mem{Base: k.t, Disp: argACS}, Imm(4))
	JNE(LabelRef("columns"))
	s.a.Spread()
	switch {
	case s.p > 1:
		s.octs()
	case !s.Wide():
		s.packed()
	}
	s.quads("by_rows", s.byRows)
	Label("columns")
	CMPQ(s.a.Stride, Imm(4))
	JNE(LabelRef("singles"))
	s.quads("by_columns", s.byColumns)
	Label("singles")
	s.singles()
	MOVQ(Mem{Base: k.t, Disp: argSeg}, seg)
	ADDQ(Imm(segSize), seg)
	MOVQ(seg, Mem{Base: k.t, Disp: argSeg})
	DECQ(Mem{Base: k.t, Disp: argLeft})
	JNZ(LabelRef("segment"))
	MOVQ(s.ahead, Mem{Base: k.t, Disp: argAhead})
}

// quads emits a loop that takes four steps in a round, and leaves in n how many steps are left.
func (s *sums) quads(name string, round func()) {
	s.Name = name
	SUBQ(Imm(unroll), s.n)
	JLT(LabelRef(name + "_end"))
	Label(name)
	round()
	for _, b := range s.b {
		LEAQ(Mem{Base: b, Index: s.bstep, Scale: 4}, b)
	}
	s.prefetchB()
	SUBQ(Imm(unroll), s.n)
	JGE(LabelRef(name))
	Label(name + "_end")
	ADDQ(Imm(unroll), s.n)
	JMP(LabelRef("singles"))
}

// octs is quads of which two share what moves the registers, and leaves fewer than eight steps.
func (s *sums) octs() {
	s.Name = "octs"
	SUBQ(Imm(2*unroll), s.n)
	JLT(LabelRef("octs_end"))
	Label("octs")
	for h := range 2 {
		for p := range unroll {
			s.step(p, func(i int) Mem { return s.a.At(i, 4*(h*unroll+p)) })
		}
		for _, b := range s.b {
			LEAQ(Mem{Base: b, Index: s.bstep, Scale: 4}, b)
		}
		if h == 0 { // not all requests at once
			CMPQ(s.fast, Imm(2))
			JNE(LabelRef("octs_half"))
			s.prefetchLines(2 * line)
			s.prefetchLines(3 * line)
			Label("octs_half")
		}
	}
	s.a.Advance(Imm(4 * 2 * unroll))
	s.prefetchB()
	SUBQ(Imm(2*unroll), s.n)
	JGE(LabelRef("octs"))
	Label("octs_end")
	ADDQ(Imm(2*unroll), s.n)
}

// packed takes sixteen steps in a round where rows of B are a panel of two vectors apart, so that they differ by constants, and
// leaves fewer. Short segments are left whole: a loop of few rounds costs what it spares.
func (s *sums) packed() {
	s.Name = "packed"
	row := 2 * s.Bytes()
	CMPQ(s.bstep, Imm(uint64(row)))
	JNE(LabelRef("packed_none"))
	CMPQ(s.n, U32(longFrom))
	JLT(LabelRef("packed_none"))
	SUBQ(Imm(long), s.n)
	Label("packed")
	for p := range long {
		v := s.Vecs(s.v)
		for j := range v {
			VMOVUPS(Mem{Base: s.b[0], Disp: p*row + j*s.Bytes()}, v[j])
		}
		s.add(v, func(i int) Mem { return s.a.At(i, 4*p) })
		if at := (p + 1) / unroll; (p+1)%unroll == 0 && at < long/unroll { // not all requests at once
			CMPQ(s.fast, Imm(uint64(min(at+1, 3))))
			JLT(LabelRef(s.label("packed_few%d", at)))
			s.prefetchLines(2 * at * line)
			s.prefetchLines((2*at + 1) * line)
			Label(s.label("packed_few%d", at))
		}
	}
	s.a.Advance(Imm(4 * long))
	ADDQ(I32(long*row), s.b[0])
	s.prefetchB()
	SUBQ(Imm(long), s.n)
	JGE(LabelRef("packed"))
	ADDQ(Imm(long), s.n)
	Label("packed_none")
}

// byRows is four steps along contiguous rows.
func (s *sums) byRows() {
	for p := range unroll {
		s.step(p, func(i int) Mem { return s.a.At(i, 4*p) })
	}
	s.a.Advance(Imm(4 * unroll))
}

// byColumns is four steps down contiguous columns.
func (s *sums) byColumns() {
	acs := Mem{Base: s.t, Disp: argACS}
	for p := range unroll {
		s.step(p, func(i int) Mem { return Mem{Base: s.a.Base[0], Disp: 4 * i} })
		ADDQ(acs, s.a.Base[0])
	}
}

// singles takes the steps that are left one by one, with any strides.
func (s *sums) singles() {
	TESTQ(s.n, s.n)
	JZ(LabelRef("done"))
	s.a.Spread()
	acs := Field(s.t, argACS)
	Label("single")
	s.step(0, func(i int) Mem { return s.a.At(i, 0) })
	s.a.Advance(acs)
	for _, b := range s.b {
		ADDQ(s.bstep, b)
	}
	DECQ(s.n)
	JNZ(LabelRef("single"))
	Label("done")
}

// step is the rank-1 update with the row of B that is p steps ahead.
func (s *sums) step(p int, a func(i int) Mem) {
	v := s.Vecs(s.v)
	for j := range v {
		m := Mem{Base: s.b[j/2], Disp: j % 2 * s.Bytes()}
		switch p {
		case 1, 2:
			m.Index, m.Scale = s.bstep, uint8(p)
		case 3:
			m.Index, m.Scale = s.bstep3, 1
		}
		VMOVUPS(m, v[j])
	}
	s.add(v, a)
}

// add is the rank-1 update with a row of B and a column of A.
func (s *sums) add(v []reg.VecVirtual, a func(i int) Mem) {
	for i, acc := range s.acc {
		x := s.Vec()
		VBROADCASTSS(a(i), x)
		for j := range v {
			VFMADD231PS(v[j], x, acc[j])
		}
	}
}

// line is the size of a line of the caches.
const line = 64

// prefetchB asks for a line of each panel that comes next, or two, and goes on by as many bytes as the argument says.
func (s *sums) prefetchB() {
	s.prefetchLines(0)
	TESTQ(s.fast, s.fast)
	JZ(LabelRef(s.Name + "_slow"))
	s.prefetchLines(line)
	Label(s.Name + "_slow")
	ADDQ(Mem{Base: s.t, Disp: argAheadStep}, s.ahead)
	limit := Mem{Base: s.t, Disp: argAheadEnd}
	CMPQ(s.ahead, limit)
	CMOVQHI(limit, s.ahead)
}

// prefetchLines asks for a line of each panel.
func (s *sums) prefetchLines(at int) {
	PREFETCHT1(Mem{Base: s.ahead, Disp: at})
	if s.p > 1 {
		PREFETCHT1(Mem{Base: s.ahead, Index: s.aheadBy, Scale: 1, Disp: at})
	}
}
