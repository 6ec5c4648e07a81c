package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An isa emits the same kernel body for 8 lanes of AVX2 or 16 lanes of AVX-512.
type isa struct {
	name string
	w    int

	hoisted map[uint32]reg.VecVirtual // constants kept in registers by the function at hand
}

func (g *isa) wide() bool { return g.w == 16 }

// r returns a new vector register.
func (g *isa) r() reg.VecVirtual {
	if g.wide() {
		return ZMM()
	}
	return YMM()
}

// begin starts a function.
func (g *isa) begin(name, signature string) {
	TEXT(name+g.name, NOSPLIT, signature)
	Pragma("noescape")
	g.hoisted = map[uint32]reg.VecVirtual{}
}

// end leaves the upper halves of the registers clean, as Go code expects.
func (g *isa) end() {
	VZEROUPPER()
	RET()
}

// The constant table has one row of 32 bytes per value, the same value in all lanes of AVX2. AVX-512
// instructions broadcast the first lane: the linker aligns no symbol to 64 bytes.
var (
	rows     = map[uint32]int{}
	rowOrder []uint32
)

const tableName = "lanes"

func bitsConst(u uint32) Mem {
	at, ok := rows[u]
	if !ok {
		at = len(rowOrder) * 32
		rows[u] = at
		rowOrder = append(rowOrder, u)
	}
	return NewDataAddr(NewStaticSymbol(tableName), at)
}

func f32(v float64) uint32 { return math.Float32bits(float32(v)) }

// c returns the memory row of a constant.
func c(v float64) Mem { return bitsConst(f32(v)) }

// hoist loads a constant into a register before the loop.
func (g *isa) hoist(u uint32) reg.VecVirtual {
	if v, ok := g.hoisted[u]; ok {
		return v
	}
	v := g.r()
	g.op("VMOVUPS", bitsConst(u), v)
	g.hoisted[u] = v
	return v
}

// k returns a register with a constant: the one that hoist has loaded, or a new one.
func (g *isa) k(v float64) reg.VecVirtual {
	if r, ok := g.hoisted[f32(v)]; ok {
		return r
	}
	return g.load(c(v))
}

// emitTable writes the constants, and the mask table for AVX2 tails: eight ones, then eight zeros.
func emitTable() {
	GLOBL(tableName, RODATA|NOPTR)
	for i, u := range rowOrder {
		for lane := range 8 {
			DATA(i*32+lane*4, U32(u))
		}
	}
	GLOBL("tail", RODATA|NOPTR)
	for i := range 16 {
		v := uint32(0)
		if i < 8 {
			v = math.MaxUint32
		}
		DATA(i*4, U32(v))
	}
}

// A mask selects lanes: a vector for AVX2, a mask register for AVX-512.
type mask struct {
	v reg.VecVirtual
	k reg.OpmaskVirtual
}

// tailMask makes the mask of the first n lanes, 0 < n < w.
func (g *isa) tailMask(n reg.GPVirtual) mask {
	if g.wide() {
		t, one := GP64(), GP64()
		MOVQ(U32(1), one)
		SHLXQ(n, one, t)
		DECQ(t)
		m := K()
		KMOVW(t.As32(), m)
		return mask{k: m}
	}
	base, off := GP64(), GP64()
	LEAQ(NewDataAddr(NewStaticSymbol("tail"), 32), base)
	MOVQ(n, off)
	NEGQ(off)
	m := YMM()
	VMOVUPS(Mem{Base: base, Index: off, Scale: 4}, m)
	return mask{v: m}
}

// loadTail loads the lanes of m and zeroes the others, or fills them with other.
func (g *isa) loadTail(m mask, p Mem, other reg.VecVirtual) reg.VecVirtual {
	v := g.r()
	switch {
	case g.wide() && other == nil:
		VMOVUPS_Z(p, m.k, v)
	case g.wide():
		VMOVAPS(other, v)
		VMOVUPS(p, m.k, v)
	default:
		VMASKMOVPS(p, m.v, v)
		if other != nil {
			VBLENDVPS(m.v, v, other, v)
		}
	}
	return v
}

func (g *isa) storeTail(m mask, v reg.VecVirtual, p Mem) {
	if g.wide() {
		VMOVUPS(v, m.k, p)
		return
	}
	VMASKMOVPS(v, m.v, p)
}

func (g *isa) load(p Op) reg.VecVirtual {
	v := g.r()
	g.op("VMOVUPS", p, v)
	return v
}

func (g *isa) copy(x reg.VecVirtual) reg.VecVirtual {
	v := g.r()
	VMOVAPS(x, v)
	return v
}

// broadcast fills a register with the float32 at p.
func (g *isa) broadcast(p Op) reg.VecVirtual {
	v := g.r()
	VBROADCASTSS(p, v)
	return v
}

type emit func(ops ...Op)

// ops are the instructions that take constants, with the form that broadcasts them.
var ops = map[string]struct{ plain, broadcast emit }{
	"VADDPS":       {VADDPS, VADDPS_BCST},
	"VSUBPS":       {VSUBPS, VSUBPS_BCST},
	"VMULPS":       {VMULPS, VMULPS_BCST},
	"VDIVPS":       {VDIVPS, VDIVPS_BCST},
	"VMAXPS":       {VMAXPS, VMAXPS_BCST},
	"VMINPS":       {VMINPS, VMINPS_BCST},
	"VANDPS":       {VANDPS, VANDPS_BCST},
	"VORPS":        {VORPS, VORPS_BCST},
	"VXORPS":       {VXORPS, VXORPS_BCST},
	"VCMPPS":       {VCMPPS, VCMPPS_BCST},
	"VPADDD":       {VPADDD, VPADDD_BCST},
	"VPSUBD":       {VPSUBD, VPSUBD_BCST},
	"VFMADD132PS":  {VFMADD132PS, VFMADD132PS_BCST},
	"VFMADD213PS":  {VFMADD213PS, VFMADD213PS_BCST},
	"VFMADD231PS":  {VFMADD231PS, VFMADD231PS_BCST},
	"VFNMADD231PS": {VFNMADD231PS, VFNMADD231PS_BCST},
	"VFNMSUB231PS": {VFNMSUB231PS, VFNMSUB231PS_BCST},
	"VMOVUPS":      {VMOVUPS, VBROADCASTSS},
}

// op emits an instruction, one of whose operands may be a constant, which comes from a register if it is in one.
func (g *isa) op(name string, operands ...Op) {
	f := ops[name]
	for i, o := range operands {
		m, ok := o.(Mem)
		if !ok || m.Symbol.Name != tableName {
			continue
		}
		switch r, ok := g.hoisted[rowOrder[m.Disp/32]]; {
		case ok && name != "VMOVUPS":
			operands[i] = r
		case g.wide():
			f.broadcast(operands...)
			return
		}
	}
	f.plain(operands...)
}

// two emits a two-input instruction on a and b, a register or memory, into a new register.
func (g *isa) two(name string, a reg.VecVirtual, b Op) reg.VecVirtual {
	v := g.r()
	g.op(name, b, a, v)
	return v
}

func (g *isa) add(a reg.VecVirtual, b Op) reg.VecVirtual { return g.two("VADDPS", a, b) }
func (g *isa) sub(a reg.VecVirtual, b Op) reg.VecVirtual { return g.two("VSUBPS", a, b) }
func (g *isa) mul(a reg.VecVirtual, b Op) reg.VecVirtual { return g.two("VMULPS", a, b) }
func (g *isa) div(a reg.VecVirtual, b Op) reg.VecVirtual { return g.two("VDIVPS", a, b) }
func (g *isa) and(a reg.VecVirtual, b Op) reg.VecVirtual { return g.two("VANDPS", a, b) }
func (g *isa) xor(a reg.VecVirtual, b Op) reg.VecVirtual { return g.two("VXORPS", a, b) }

// atLeast returns max(x, lo) and atMost min(x, hi); both return x where x is NaN.
func (g *isa) atLeast(x, lo reg.VecVirtual) reg.VecVirtual { return g.two("VMAXPS", lo, x) }
func (g *isa) atMost(x, hi reg.VecVirtual) reg.VecVirtual  { return g.two("VMINPS", hi, x) }

// horner evaluates the polynomial with the given coefficients, lowest first, at z.
func (g *isa) horner(z reg.VecVirtual, coef ...float64) reg.VecVirtual {
	n := len(coef) - 1
	p := g.load(c(coef[n]))
	for i := n - 1; i >= 0; i-- {
		g.op("VFMADD213PS", c(coef[i]), z, p)
	}
	return p
}

// ifNegative returns a where the sign bit of x is set and b elsewhere.
func (g *isa) ifNegative(x, a, b reg.VecVirtual) reg.VecVirtual {
	v := g.r()
	if g.wide() {
		m := K()
		VPMOVD2M(x, m)
		VBLENDMPS(a, b, m, v)
		return v
	}
	VBLENDVPS(x, a, b, v)
	return v
}

// Predicates of compare.
const (
	cmpEQ    = 0
	cmpLT    = 17
	cmpGT    = 30
	cmpUnord = 3
	cmpNGT   = 26 // not greater, so true for NaN
	cmpNLT   = 21 // not less than, so true for NaN
)

// lanesOf returns the lanes where x pred y holds.
func (g *isa) lanesOf(pred uint8, x reg.VecVirtual, y Op) mask {
	if g.wide() {
		m := K()
		g.op("VCMPPS", U8(pred), y, x, m)
		return mask{k: m}
	}
	m := g.r()
	VCMPPS(U8(pred), y, x, m)
	return mask{v: m}
}

// ifCompare returns a where x pred y holds and b elsewhere.
func (g *isa) ifCompare(pred uint8, x reg.VecVirtual, y Op, a, b reg.VecVirtual) reg.VecVirtual {
	v := g.r()
	m := g.lanesOf(pred, x, y)
	if g.wide() {
		VBLENDMPS(a, b, m.k, v)
	} else {
		VBLENDVPS(m.v, a, b, v)
	}
	return v
}

// round rounds by the mode of VROUNDPS.
func (g *isa) round(mode uint8, x reg.VecVirtual) reg.VecVirtual {
	v := g.r()
	if g.wide() {
		VRNDSCALEPS(U8(mode), x, v)
	} else {
		VROUNDPS(U8(mode), x, v)
	}
	return v
}

// loop emits a loop over n elements: unroll vectors at a time, then single vectors, then the tail. Each
// pointer advances with the elements.
func (g *isa) loop(n reg.GPVirtual, unroll int, ptrs []reg.GPVirtual, body func(i int), tail func(m mask)) {
	g.loops(n, []int{unroll}, oneByOne, ptrs, body, tail)
}

// loopBeside is loop of vectors side by side: as many as count says at a time, then two, then one.
func (g *isa) loopBeside(n reg.GPVirtual, count int, ptrs []reg.GPVirtual, body func(i int), tail func(m mask)) {
	counts := []int{count}
	if count > 2 {
		counts = append(counts, 2)
	}
	g.loops(n, counts, beside, ptrs, body, tail)
}

// loopFilled is loopBeside of count vectors with AVX2, and loop with AVX-512.
func (g *isa) loopFilled(n reg.GPVirtual, count, unroll int, ptrs []reg.GPVirtual, body func(i int), tail func(m mask)) {
	if g.wide() {
		g.loop(n, unroll, ptrs, body, tail)
	} else {
		g.loopBeside(n, count, ptrs, body, tail)
	}
}

func oneByOne(count int, body func(i int)) {
	for i := range count {
		body(i)
	}
}

// loops emits loops over n elements, of as many vectors at a time as counts has, arranged by arrange; then single vectors, then the tail.
func (g *isa) loops(n reg.GPVirtual, counts []int, arrange func(count int, body func(i int)), ptrs []reg.GPVirtual, body func(i int), tail func(m mask)) {
	id := labels
	labels++
	step := func(name string, count int) {
		here, out := fmt.Sprintf("%s%d", name, id), fmt.Sprintf("%sEnd%d", name, id)
		Label(here)
		CMPQ(n, U32(uint32(g.w*count)))
		JLT(LabelRef(out))
		arrange(count, body)
		for _, p := range ptrs {
			ADDQ(U32(uint32(4*g.w*count)), p)
		}
		SUBQ(U32(uint32(g.w*count)), n)
		JMP(LabelRef(here))
		Label(out)
	}
	names := []string{"many", "few"}
	for i, count := range counts {
		if count > 1 {
			step(names[i], count)
		}
	}
	step("one", 1)
	TESTQ(n, n)
	JE(LabelRef(fmt.Sprintf("done%d", id)))
	tail(g.tailMask(n))
	Label(fmt.Sprintf("done%d", id))
}

var labels int

// at returns the i-th vector behind a pointer.
func (g *isa) at(p reg.GPVirtual, i int) Mem { return Mem{Base: p, Disp: 4 * g.w * i} }

// scalar is where a float32 parameter or result of the function lies. avo's Load and Store take instructions of SSE, which cost about
// 100 cycles each on Zen 3 where the upper halves of registers hold something.
func scalar(component gotypes.Component) Mem {
	b, err := component.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// result sets float32 result i of the function.
func result(s reg.VecVirtual, i int) { VMOVSS(s.AsX(), scalar(ReturnIndex(i))) }
