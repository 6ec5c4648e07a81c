// Command _asm writes znms_amd64.s and zstubs_amd64.go of package nms. Run it through go generate in
// the package's folder.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

func main() {
	ConstraintExpr("amd64,!purego")
	for _, g := range []isa{{AVX2}, {AVX512}} {
		g.overlap()
	}
	Generate()
}

// isa is an instruction set that kernels are emitted for.
type isa struct{ ISA }

// greater is a predicate of VCMPPS, false where a side is NaN.
const greater = 0x1e

// overlap emits the search for the first box that shares enough with another.
func (g isa) overlap() {
	TEXT("overlap"+g.Name, NOSPLIT, "func(columns *float32, stride, n int, b *float32) int")
	Pragma("noescape")
	p := Load(Param("columns"), GP64()).(reg.GPVirtual)
	stride := Load(Param("stride"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	b := Load(Param("b"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), stride)
	stride3 := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	column := []Mem{{Base: p}, {Base: p, Index: stride, Scale: 1}, {Base: p, Index: stride, Scale: 2},
		{Base: p, Index: stride3, Scale: 1}, {Base: p, Index: stride, Scale: 4}}
	var of [6]reg.VecVirtual // y0, x0, y1, x1, area, bound
	for i := range of {
		of[i] = g.Vec()
		VBROADCASTSS(Mem{Base: b, Disp: 4 * i}, of[i])
	}
	zero := g.Vec()
	g.Zero(zero)
	at := GP64()
	XORQ(at, at)
	Label("round")
	CMPQ(at, n)
	JGE(LabelRef("none"))
	side := func(axis int) reg.VecVirtual {
		lo, hi := g.Vec(), g.Vec()
		VMAXPS(column[axis], of[axis], lo)
		VMINPS(column[axis+2], of[axis+2], hi)
		VSUBPS(lo, hi, hi)
		return hi
	}
	h, w, union := side(0), side(1), g.Vec()
	VMAXPS(zero, w, w)
	VMULPS(w, h, h)
	VADDPS(column[4], of[4], union)
	VSUBPS(h, union, union)
	VMULPS(of[5], union, union)
	hit := g.Compare(greater, union, h)
	TESTL(hit.As32(), hit.As32())
	JNE(LabelRef("found"))
	ADDQ(U8(4*g.Lanes), p)
	ADDQ(U8(g.Lanes), at)
	JMP(LabelRef("round"))
	Label("found")
	BSFL(hit.As32(), hit.As32())
	ADDQ(hit, at)
	CMPQ(at, n)
	CMOVQGT(n, at)
	Store(at, ReturnIndex(0))
	VZEROUPPER()
	RET()
	Label("none")
	Store(n, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
