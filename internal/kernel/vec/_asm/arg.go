package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An argKernel looks for the extreme elements of columns. An element replaces the best one if better holds of the two, and the
// best one is a number; or, among the last of equals, if it is NaN.
type argKernel struct {
	name   string
	better uint8
	last   bool
	plain  bool // better alone decides: NaN counts only in the first place
}

var argKernels = []argKernel{
	{"argMax", 22, false, false}, // not less or equal, so true for NaN
	{"argMin", cmpNGE, false, false},
	{"argMaxLast", 29, true, false}, // greater or equal
	{"argMinLast", 18, true, false}, // less or equal
	{"argMaxPlain", cmpGT, false, true},
}

const cmpOrd = 7

// argColumns emits func(best []float32, at []int32, x []float32, rows, ld, from int): where a row of x, at least one, has what
// beats best, it becomes best, and at the row's number, which counts from from. There are whole groups of 16 columns.
func (g *isa) argColumns(k argKernel) {
	g.begin(k.name+"Columns", "func(best []float32, at []int32, x []float32, rows, ld, from int)")
	best := Load(Param("best").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("best").Len(), GP64()).(reg.GPVirtual)
	at := Load(Param("at").Base(), GP64()).(reg.GPVirtual)
	x := Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	rows := Load(Param("rows"), GP64()).(reg.GPVirtual)
	ld := Load(Param("ld"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), ld)
	from, _ := Param("from").Resolve()
	first, one := g.r(), g.load(bitsConst(1))
	VPBROADCASTD(from.Addr, first)
	count := 16 / g.w
	p, left := GP64(), GP64()
	Label("column")
	CMPQ(n, U32(16))
	JLT(LabelRef("columnsEnd"))
	high, where := make([]vec, count), make([]vec, count)
	for i := range count {
		high[i], where[i] = g.load(g.at(best, i)), g.load(g.at(at, i))
	}
	row := g.copy(first)
	MOVQ(x, p)
	MOVQ(rows, left)
	Label("row")
	for i := range count {
		g.argStep(k, g.load(g.at(p, i)), row, high[i], where[i])
	}
	VPADDD(one, row, row)
	ADDQ(ld, p)
	DECQ(left)
	JNE(LabelRef("row"))
	for i := range count {
		VMOVUPS(high[i], g.at(best, i))
		VMOVUPS(where[i], g.at(at, i))
	}
	for _, p := range []reg.GPVirtual{best, at, x} {
		ADDQ(U32(64), p)
	}
	SUBQ(U32(16), n)
	JMP(LabelRef("column"))
	Label("columnsEnd")
	g.end()
}

// argStep takes v, of a row, for high where it is better.
func (g *isa) argStep(k argKernel, v, row, high, where vec) {
	if g.wide() {
		m, odd := K(), K()
		VCMPPS(U8(k.better), high, v, m)
		if k.last {
			VCMPPS(U8(cmpUnord), v, v, odd)
			KORW(odd, m, m)
		} else if !k.plain {
			VCMPPS(U8(cmpOrd), high, high, odd)
			KANDW(odd, m, m)
		}
		VMOVAPS(v, m, high)
		VMOVDQA32(row, m, where)
		return
	}
	m, odd := g.r(), g.r()
	VCMPPS(U8(k.better), high, v, m)
	if k.last {
		VCMPPS(U8(cmpUnord), v, v, odd)
		VORPS(odd, m, m)
	} else if !k.plain {
		VCMPPS(U8(cmpOrd), high, high, odd)
		VANDPS(odd, m, m)
	}
	VBLENDVPS(m, v, high, high)
	VBLENDVPS(m, row, where, where)
}
