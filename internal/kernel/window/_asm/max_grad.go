package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in MaxGradArgs.
const (
	gradSrc, gradDst, gradUp, gradOff, gradOffLen = 0, 24, 48, 72, 80
	gradNRows, gradNCols, gradSrcStep, gradUpStep = 96, 104, 112, 120
)

// gradGen is the state of maxTapsGrad while it is emitted.
type gradGen struct {
	v            isa
	a            reg.Register
	src, dst, up gp
	tail         mask
	ones, least  reg.VecVirtual
}

// maxTapsGrad emits the kernel: in each row blocks of four vectors, single ones and a masked tail. One loop over the taps finds the
// largest elements, a second one adds where a tap is equal to them. A lane that was served compares with NaN from then on.
func maxTapsGrad(v isa) {
	TEXT("maxTapsGrad"+v.Name, NOSPLIT, "func(a *byte)")
	Doc("maxTapsGrad" + v.Name + " is maxTapsGradGeneric.")
	a := Load(Param("a"), GP64())
	g := &gradGen{v: v, a: a, src: Field(a, gradSrc), dst: Field(a, gradDst), up: Field(a, gradUp), ones: v.Vec(), least: v.Vec()}
	rows, srcRow, upRow := Field(a, gradNRows), Field(a, gradSrcStep), Field(a, gradUpStep)
	done := Field(a, gradNCols)
	for _, step := range []gp{srcRow, upRow} { // what is left of a step behind the columns
		SUBQ(done, step)
		SHLQ(U8(2), step)
	}
	bits := GP32()
	MOVL(U32(math.Float32bits(float32(math.Inf(-1)))), bits)
	low := XMM()
	VMOVD(bits, low)
	VBROADCASTSS(low, g.least)
	if v.Wide() {
		VPTERNLOGD(U8(255), g.ones, g.ones, g.ones)
	}
	ANDQ(U32(uint32(v.Lanes-1)), done)
	g.tail = v.newMask()
	v.setCount(g.tail, done)
	Label("row")
	TESTQ(rows, rows)
	JE(LabelRef("row_end"))
	n := Field(a, gradNCols)
	for _, c := range []int{4, 1} {
		Loop(fmt.Sprintf("c%d", c), n, c*v.Lanes, func() {
			g.block(fmt.Sprintf("b%d", c), c, nil)
			for _, p := range []gp{g.src, g.dst, g.up} {
				ADDQ(U32(uint32(c*v.Bytes())), p)
			}
		})
	}
	TESTQ(n, n)
	JE(LabelRef("full"))
	g.block("t", 1, &g.tail)
	for _, p := range []gp{g.src, g.dst, g.up} {
		LEAQ(Mem{Base: p, Index: n, Scale: 4}, p)
	}
	Label("full")
	ADDQ(srcRow, g.src)
	ADDQ(srcRow, g.dst)
	ADDQ(upRow, g.up)
	DECQ(rows)
	JMP(LabelRef("row"))
	Label("row_end")
	VZEROUPPER()
	RET()
}

// block emits c vectors of a row.
func (g *gradGen) block(name string, c int, m *mask) {
	v := g.v
	best, up := make([]reg.VecVirtual, c), make([]reg.VecVirtual, c)
	for j := range c {
		best[j], up[j] = v.Vec(), v.Vec()
		VMOVAPS(g.least, best[j])
		v.load(m, Mem{Base: g.up, Disp: j * v.Bytes()}, up[j])
	}
	g.taps(name+"_find", func(at gp) {
		for j := range c { // the present best comes second: it stays where x is NaN
			x := v.Vec()
			v.load(m, Mem{Base: g.src, Index: at, Scale: 4, Disp: j * v.Bytes()}, x)
			VMAXPS(best[j], x, best[j])
		}
	})
	g.taps(name+"_add", func(at gp) {
		for j := range c {
			x, sum := v.Vec(), v.Vec()
			from, to := Mem{Base: g.src, Index: at, Scale: 4, Disp: j * v.Bytes()}, Mem{Base: g.dst, Index: at, Scale: 4, Disp: j * v.Bytes()}
			v.load(m, from, x)
			v.load(m, to, sum)
			g.add(x, best[j], up[j], sum)
			v.store(m, sum, to)
		}
	})
}

// add adds up to sum where x is the best, and makes the best NaN there.
func (g *gradGen) add(x, best, up, sum reg.VecVirtual) {
	const equal = 0
	if g.v.Wide() {
		k := K()
		VCMPPS(U8(equal), x, best, k)
		VADDPS(up, sum, k, sum)
		VMOVAPS(g.ones, k, best)
		return
	}
	same := YMM()
	VCMPPS(U8(equal), x, best, same)
	VORPS(same, best, best)
	VANDPS(up, same, same)
	VADDPS(same, sum, sum)
}

// taps emits body for each tap, whose offset in elements it gets.
func (g *gradGen) taps(name string, body func(at gp)) {
	off, count := Field(g.a, gradOff), Field(g.a, gradOffLen)
	Loop(name, count, 1, func() {
		at := GP64()
		MOVQ(Mem{Base: off}, at)
		body(at)
		ADDQ(U8(8), off)
	})
}
