package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in TapArgs.
const (
	tapSrc, tapDst, tapOff, tapOffLen, tapW    = 0, 24, 48, 56, 72
	tapRowScale, tapColScale                   = 96, 120
	tapNRows, tapNCols, tapSrcStep, tapDstStep = 144, 152, 160, 168
	tapBias, tapLo, tapHi                      = 176, 180, 184
)

type tapOp int

const (
	opFMA tapOp = iota
	opMax
	opSum
)

var tapNames = [...]string{"fmaTaps", "maxTaps", "sumTaps"}

// tapGen is the state of one tap kernel while it is emitted.
type tapGen struct {
	v                        isa
	op                       tapOp
	a                        reg.Register
	src, dst, ss, ds, scaleR gp
	bias, lo, hi             reg.VecVirtual
	tail                     mask
}

// tapRows emits the kernel: blocks of four rows, then single rows; in each, pairs of vectors, single vectors and a masked tail.
func tapRows(v isa, op tapOp) {
	TEXT(tapNames[op]+v.Name, NOSPLIT, "func(a *byte)")
	Doc(tapNames[op] + v.Name + " is " + tapNames[op] + "Generic.")
	a := Load(Param("a"), GP64())
	g := &tapGen{v: v, op: op, a: a}
	g.src, g.dst, g.ss, g.ds = Field(a, tapSrc), Field(a, tapDst), Field(a, tapSrcStep), Field(a, tapDstStep)
	rows := AllocLocal(8)
	MOVQ(Field(a, tapNRows), rows)
	SHLQ(U8(2), g.ss)
	SHLQ(U8(2), g.ds)
	g.bias, g.lo, g.hi = v.Vec(), v.Vec(), v.Vec()
	VBROADCASTSS(Mem{Base: a, Disp: tapBias}, g.bias)
	if op == opFMA {
		VBROADCASTSS(Mem{Base: a, Disp: tapLo}, g.lo)
		VBROADCASTSS(Mem{Base: a, Disp: tapHi}, g.hi)
	}
	if op == opSum {
		g.scaleR = Field(a, tapRowScale)
	}
	left := Field(a, tapNCols)
	ANDQ(U32(uint32(v.Lanes-1)), left)
	g.tail = v.newMask()
	v.setCount(g.tail, left)
	for _, r := range []int{4, 1} {
		label := fmt.Sprintf("rows%d", r)
		Label(label)
		CMPQ(rows, U32(uint32(r)))
		JL(LabelRef(label + "_end"))
		g.rowBlock(r)
		SUBQ(U32(uint32(r)), rows)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	VZEROUPPER()
	RET()
}

// rowBlock emits the column loops of r rows and steps src and dst to the next block.
func (g *tapGen) rowBlock(r int) {
	name := fmt.Sprintf("r%d", r)
	n, sc := Field(g.a, tapNCols), GP64()
	if g.op == opSum {
		MOVQ(Mem{Base: g.a, Disp: tapColScale}, sc)
	}
	wide := 2
	if r == 1 {
		wide = 4
	}
	for _, c := range []int{wide, 1} {
		Loop(fmt.Sprintf("%sc%d", name, c), n, c*g.v.Lanes, func() {
			g.block(name, r, c, nil, sc)
			ADDQ(U32(uint32(c*g.v.Bytes())), g.src)
			ADDQ(U32(uint32(c*g.v.Bytes())), g.dst)
			if g.op == opSum {
				ADDQ(U32(uint32(c*g.v.Bytes())), sc)
			}
		})
	}
	TESTQ(n, n)
	JE(LabelRef(name + "full"))
	g.block(name+"t", r, 1, &g.tail, sc)
	Label(name + "full")
	t, done := GP64(), Field(g.a, tapNCols)
	SUBQ(n, done)
	SHLQ(U8(2), done)
	for _, x := range [][2]gp{{g.ss, g.src}, {g.ds, g.dst}} {
		MOVQ(x[0], t)
		if r == 4 {
			SHLQ(U8(2), t)
		}
		SUBQ(done, t)
		ADDQ(t, x[1])
	}
	if g.op == opSum {
		ADDQ(U32(uint32(4*r)), g.scaleR)
	}
}

// rowMem is row i of a block at base, for steps s and 3*s.
func rowMem(base, s, s3 gp, i, disp int) Mem {
	switch i {
	case 1:
		return Mem{Base: base, Index: s, Scale: 1, Disp: disp}
	case 2:
		return Mem{Base: base, Index: s, Scale: 2, Disp: disp}
	case 3:
		return Mem{Base: base, Index: s3, Scale: 1, Disp: disp}
	}
	return Mem{Base: base, Disp: disp}
}

// block emits r rows by c vectors: accumulate all taps, finish, store.
func (g *tapGen) block(name string, r, c int, m *mask, sc gp) {
	v := g.v
	name = fmt.Sprintf("%s_%d", name, c)
	acc := make([]reg.VecVirtual, r*c)
	for i := range acc {
		acc[i] = v.Vec()
		VMOVAPS(g.bias, acc[i])
	}
	off, taps, w, s3 := Field(g.a, tapOff), Field(g.a, tapOffLen), GP64(), GP64()
	if g.op == opFMA {
		MOVQ(Mem{Base: g.a, Disp: tapW}, w)
	}
	if r == 4 {
		LEAQ(Mem{Base: g.ss, Index: g.ss, Scale: 2}, s3)
	}
	Loop(name+"taps", taps, 1, func() {
		o, wv := GP64(), v.Vec()
		MOVQ(Mem{Base: off}, o)
		LEAQ(Mem{Base: g.src, Index: o, Scale: 4}, o)
		if g.op == opFMA {
			VBROADCASTSS(Mem{Base: w}, wv)
			ADDQ(U8(4), w)
		}
		for i := range r {
			for j := range c {
				x := rowMem(o, g.ss, s3, i, j*v.Bytes())
				switch g.op {
				case opFMA:
					VFMADD231PS(x, wv, acc[i*c+j])
				case opMax: // the accumulator comes second: it stays where x is NaN
					t := v.Vec()
					VMOVUPS(x, t)
					VMAXPS(acc[i*c+j], t, acc[i*c+j])
				case opSum:
					VADDPS(x, acc[i*c+j], acc[i*c+j])
				}
			}
		}
		ADDQ(U8(8), off)
	})
	if r == 4 {
		LEAQ(Mem{Base: g.ds, Index: g.ds, Scale: 2}, s3)
	}
	g.finish(acc, r, c, m, sc)
	for i := range r {
		for j := range c {
			v.store(m, acc[i*c+j], rowMem(g.dst, g.ds, s3, i, j*v.Bytes()))
		}
	}
}

// finish clamps or scales the accumulators.
func (g *tapGen) finish(acc []reg.VecVirtual, r, c int, m *mask, sc gp) {
	v := g.v
	switch g.op {
	case opFMA:
		for _, x := range acc {
			VMAXPS(x, g.lo, x)
			VMINPS(x, g.hi, x)
		}
	case opSum:
		for j := range c {
			col := v.Vec()
			v.load(m, Mem{Base: sc, Disp: j * v.Bytes()}, col)
			for i := range r {
				row := v.Vec()
				VBROADCASTSS(Mem{Base: g.scaleR, Disp: 4 * i}, row)
				VMULPS(col, row, row)
				VMULPS(row, acc[i*c+j], acc[i*c+j])
			}
		}
	}
}
