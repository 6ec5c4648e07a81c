package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets of dotArgs and axpyArgs.
const (
	dotRows, dotVecs, dotRS, dotVS = 0, 8, 16, 24
	dotK, dotNR, dotOut            = 32, 40, 56
	axpyY, axpyRows, axpyRS        = 0, 8, 16
	axpyN, axpyX                   = 24, 40
	prefetch                       = 512
)

// dot generates the products of four rows with nv vectors along K. Rows beyond the
// number given repeat the last one.
func dot(s isa, nv int) {
	name := fmt.Sprintf("dot4x%d%s", nv, s.Name)
	t := begin(name, "dotArgs", fmt.Sprintf("%s computes the products of up to 4 rows and %d vectors as dotArgs describes.", name, nv))
	parts := 1 // accumulators for each product
	if nv == 1 {
		parts = 2
	}
	var acc [4][]reg.VecVirtual
	for i := range acc {
		acc[i] = s.Vecs(nv * parts)
		for _, v := range acc[i] {
			s.Zero(v)
		}
	}
	rs, vs, k := Field(t, dotRS), Field(t, dotVS), Field(t, dotK)
	row, vec := rowPointers(t, rs), []reg.GPVirtual{Field(t, dotVecs)}
	next := GP64() // from a row to that of the next call, which the processor does not foresee
	MOVQ(rs, next)
	SHLQ(Imm(2), next)
	for i := 1; i < nv; i++ {
		p := GP64()
		LEAQ(Mem{Base: vec[i-1], Index: vs, Scale: 1}, p)
		vec = append(vec, p)
	}
	step := func(m masks, part int) {
		x := s.Vecs(nv)
		for j := range x {
			s.load(m, 0, Mem{Base: vec[j], Disp: part * s.Bytes()}, x[j])
		}
		for i := range acc {
			y := s.Vec()
			s.load(m, 0, Mem{Base: row[i], Disp: part * s.Bytes()}, y)
			for j := range x {
				VFMADD231PS(y, x[j], acc[i][j*parts+part])
			}
		}
	}
	advance := func(n int) {
		for _, p := range append(row[:len(row):len(row)], vec...) {
			ADDQ(Imm(uint64(n*s.Bytes())), p)
		}
		SUBQ(Imm(uint64(n*s.Lanes)), k)
	}
	Label("loop")
	CMPQ(k, Imm(uint64(parts*s.Lanes)))
	JLT(LabelRef("rest"))
	for _, p := range row {
		PREFETCHT0(Mem{Base: p, Disp: prefetch})
		for at := 0; at < parts*s.Bytes(); at += line {
			PREFETCHT1(Mem{Base: p, Index: next, Scale: 1, Disp: at})
		}
	}
	for part := range parts {
		step(masks{}, part)
	}
	advance(parts)
	JMP(LabelRef("loop"))
	Label("rest")
	if parts > 1 {
		CMPQ(k, Imm(uint64(s.Lanes)))
		JLT(LabelRef("tail"))
		step(masks{}, 0)
		advance(1)
		Label("tail")
	}
	TESTQ(k, k)
	JZ(LabelRef("done"))
	for i := range acc { // registers are short: the tail goes row by row
		m := s.lanesOf(k, 1)
		for j := range nv {
			x, y := s.Vec(), s.Vec()
			s.load(m, 0, Mem{Base: vec[j]}, x)
			s.load(m, 0, Mem{Base: row[i]}, y)
			VFMADD231PS(y, x, acc[i][j*parts])
		}
	}
	Label("done")
	for i := range acc {
		for j := range nv {
			sum := acc[i][j*parts]
			if parts > 1 {
				VADDPS(acc[i][j*parts+1], sum, sum)
			}
			s.reduce(sum, Mem{Base: t, Disp: dotOut + 4*(4*i+j)})
		}
	}
	End()
}

// rowPointers points at four rows; those beyond the number given repeat the last one.
func rowPointers(t, rs reg.GPVirtual) []reg.GPVirtual {
	n := Field(t, dotNR)
	row := []reg.GPVirtual{Field(t, dotRows)}
	for i := 1; i < 4; i++ {
		p, next := GP64(), GP64()
		MOVQ(row[i-1], p)
		LEAQ(Mem{Base: p, Index: rs, Scale: 1}, next)
		CMPQ(n, Imm(uint64(i)))
		CMOVQGT(next, p)
		row = append(row, p)
	}
	return row
}

// reduce stores the sum of a vector's lanes; v is spoiled.
func (s isa) reduce(v reg.VecVirtual, to Mem) {
	if s.Wide() {
		h := ZMM()
		VEXTRACTF64X4(Imm(1), v, h.AsY())
		VADDPS(h.AsY(), v.AsY(), v.AsY())
	}
	h := YMM()
	VEXTRACTF128(Imm(1), v.AsY(), h.AsX())
	VADDPS(h.AsX(), v.AsX(), v.AsX())
	VMOVHLPS(v.AsX(), v.AsX(), h.AsX())
	VADDPS(h.AsX(), v.AsX(), v.AsX())
	VMOVSHDUP(v.AsX(), h.AsX())
	VADDSS(h.AsX(), v.AsX(), v.AsX())
	VMOVSS(v.AsX(), to)
}

// axpy generates y += sum of np scaled rows, in ascending order, two vectors at a time.
func axpy(s isa, np int) {
	name := fmt.Sprintf("axpy%d%s", np, s.Name)
	t := begin(name, "axpyArgs", fmt.Sprintf("%s adds %d scaled rows to y as axpyArgs describes.", name, np))
	x := s.Vecs(np)
	for i := range x {
		VBROADCASTSS(Mem{Base: t, Disp: axpyX + 4*i}, x[i])
	}
	y, n := Field(t, axpyY), Field(t, axpyN)
	r := rowsOf(Field(t, axpyRows), Field(t, axpyRS), np)
	const two = 2
	body := func(m masks, v int) {
		acc := s.Vecs(v)
		for j := range acc {
			s.load(m, j, Mem{Base: y, Disp: j * s.Bytes()}, acc[j])
		}
		for i := range x {
			for j := range acc {
				from := r.At(i, j*s.Bytes())
				if m.k == nil && m.y == nil {
					VFMADD231PS(from, x[i], acc[j])
					continue
				}
				b := s.Vec()
				s.load(m, j, from, b)
				VFMADD231PS(b, x[i], acc[j])
			}
		}
		for j := range acc {
			s.store(m, j, acc[j], Mem{Base: y, Disp: j * s.Bytes()})
		}
	}
	advance := func(v int) {
		ADDQ(Imm(uint64(v*s.Bytes())), y)
		r.Advance(Imm(uint64(v * s.Bytes())))
		SUBQ(Imm(uint64(v*s.Lanes)), n)
	}
	Label("loop")
	CMPQ(n, Imm(uint64(two*s.Lanes)))
	JLT(LabelRef("rest"))
	body(masks{}, two)
	advance(two)
	JMP(LabelRef("loop"))
	Label("rest")
	CMPQ(n, Imm(uint64(s.Lanes)))
	JLT(LabelRef("tail"))
	body(masks{}, 1)
	advance(1)
	Label("tail")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	body(s.lanesOf(n, 1), 1)
	Label("done")
	End()
}

// peak generates the loop that measures the FMA rate: 12 independent chains.
func peak(s isa) {
	const chains = 12
	name := "peak" + s.Name
	t := begin(name, "int", fmt.Sprintf("%s runs *t rounds of %d independent multiply-adds of %d lanes.", name, chains, s.Lanes))
	n := Field(t, 0)
	acc, x := s.Vecs(chains), s.Vec()
	s.Zero(x)
	for _, v := range acc {
		s.Zero(v)
	}
	Label("loop")
	for _, v := range acc {
		VFMADD231PS(x, x, v)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	End()
}
