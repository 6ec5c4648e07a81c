// Command _asm writes zbatchnorm_amd64.s and zstubs_amd64.go of package batchnorm. Run it through go generate in the
// package's folder.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!purego")
	lanes = GLOBL("lanes", RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(1<<i))
	}
	for _, g := range []isa{{"AVX2", 8, 2, YMM}, {"AVX512", 16, 4, ZMM}} {
		g.kernel("moments", func(c *columns) body { return c.moments() })
		g.kernel("products", func(c *columns) body { return c.products(false) })
		g.kernel("productsGated", func(c *columns) body { return c.products(true) })
		g.kernel("combine", func(c *columns) body { return c.combine(false) })
		g.kernel("combineGated", func(c *columns) body { return c.combine(true) })
	}
	Generate()
}

// lanes holds a bit for each lane of AVX2.
var lanes Mem

// Offsets of the fields of panel, the argument of every kernel.
const (
	fieldX, fieldDY, fieldDX               = 0, 8, 16
	fieldLD, fieldRows, fieldCols          = 24, 32, 40
	fieldMean, fieldScale, fieldBias       = 48, 56, 64
	fieldSum, fieldDot                     = 72, 80
	fieldOfDY, fieldOfX, fieldConst        = 88, 96, 104
	fieldLow, fieldHigh, fieldSlope        = 112, 116, 120
	predicateGreater, predicateLess  uint8 = 0x1e, 0x11
)

// An isa is an instruction set with w lanes in a register, and the number of registers that a block of columns has.
type isa struct {
	name  string
	w     int
	count int
	vec   func() reg.VecVirtual
}

// A body is what a kernel does with a block of columns: before the rows, at each row, and after them.
type body struct{ begin, row, end func() }

// kernel emits a function that walks down the rows of one block of columns after the other: of count registers, of one, and
// of what is left.
func (g isa) kernel(name string, make func(*columns) body) {
	TEXT(name+g.name, NOSPLIT, "func(p *byte)")
	Pragma("noescape")
	c := &columns{isa: g, p: Load(Param("p"), GP64()).(reg.GPVirtual)}
	c.ld, c.left, c.column = c.field(fieldLD), c.field(fieldCols), GP64()
	SHLQ(U8(2), c.ld)
	XORQ(c.column, c.column)
	c.blocks(name+"Wide", g.count, make)
	c.blocks(name+"One", 1, make)
	done := name + "Done"
	TESTQ(c.left, c.left)
	JE(LabelRef(done))
	c.masked()
	c.rows(name+"Tail", 1, make)
	Label(done)
	VZEROUPPER()
	RET()
}

// columns are a block at work.
type columns struct {
	isa
	p            reg.GPVirtual
	ld           reg.GPVirtual // bytes between rows
	left, column reg.GPVirtual // columns that are left; bytes in front of the block
	n            int           // registers of the block
	at           reg.GPVirtual // bytes in front of the element: of the row and the block
	k            reg.Register  // mask of the tail, nil for whole registers
	y            reg.VecVirtual
	bases        map[int]reg.GPVirtual
}

func (c *columns) field(offset int) reg.GPVirtual {
	r := GP64()
	MOVQ(Mem{Base: c.p, Disp: offset}, r)
	return r
}

func (c *columns) blocks(label string, n int, make func(*columns) body) {
	Label(label)
	CMPQ(c.left, U32(uint32(n*c.w)))
	JLT(LabelRef(label + "End"))
	c.rows(label, n, make)
	ADDQ(U32(uint32(4*n*c.w)), c.column)
	SUBQ(U32(uint32(n*c.w)), c.left)
	JMP(LabelRef(label))
	Label(label + "End")
}

func (c *columns) rows(label string, n int, make func(*columns) body) {
	c.n, c.at, c.bases = n, GP64(), map[int]reg.GPVirtual{}
	for _, f := range []int{fieldX, fieldDY, fieldDX} {
		c.bases[f] = c.field(f)
	}
	b := make(c)
	b.begin()
	MOVQ(c.column, c.at)
	rows := c.field(fieldRows)
	Label(label + "Rows")
	b.row()
	ADDQ(c.ld, c.at)
	DECQ(rows)
	JNE(LabelRef(label + "Rows"))
	b.end()
}

// masked makes the mask of the columns that are left.
func (c *columns) masked() {
	bits, count := GP64(), reg.RCX
	MOVQ(c.left, count)
	MOVQ(U64(1), bits)
	SHLQ(reg.CL, bits)
	DECQ(bits)
	if c.w == 16 {
		c.k = K()
		KMOVW(bits.As32(), c.k)
		return
	}
	x, l := XMM(), YMM()
	c.y = YMM()
	VMOVD(bits.As32(), x)
	VPBROADCASTD(x, c.y)
	VMOVDQU(lanes, l)
	VPAND(l, c.y, c.y)
	VPCMPEQD(l, c.y, c.y)
}

func (c *columns) load(m Mem) reg.VecVirtual {
	v := c.vec()
	switch {
	case c.k != nil:
		VMOVUPS_Z(m, c.k, v)
	case c.y != nil:
		VMASKMOVPS(m, c.y, v)
	default:
		VMOVUPS(m, v)
	}
	return v
}

func (c *columns) store(v reg.VecVirtual, m Mem) {
	switch {
	case c.k != nil:
		VMOVUPS(v, c.k, m)
	case c.y != nil:
		VMASKMOVPS(v, c.y, m)
	default:
		VMOVUPS(v, m)
	}
}

func (c *columns) zero() reg.VecVirtual {
	v := c.vec()
	if c.w == 16 {
		VPXORD(v, v, v)
	} else {
		VXORPS(v, v, v)
	}
	return v
}

// element returns register i of the present row of a matrix.
func (c *columns) element(matrix, i int) Mem {
	return Mem{Base: c.bases[matrix], Index: c.at, Scale: 1, Disp: 4 * c.w * i}
}

// vector returns register i of a vector with an element for each column.
func (c *columns) vector(field, i int) Mem {
	return Mem{Base: c.field(field), Index: c.column, Scale: 1, Disp: 4 * c.w * i}
}

// constants loads the block's part of a vector. Where the block is wide it stays in memory.
func (c *columns) constants(field int) []Op {
	base, out := c.field(field), make([]Op, c.n)
	for i := range out {
		m := Mem{Base: base, Index: c.column, Scale: 1, Disp: 4 * c.w * i}
		if out[i] = m; c.n == 1 {
			out[i] = c.load(m)
		}
	}
	return out
}

func (c *columns) zeros() []reg.VecVirtual {
	out := make([]reg.VecVirtual, c.n)
	for i := range out {
		out[i] = c.zero()
	}
	return out
}

func (c *columns) broadcast(field int) reg.VecVirtual {
	v := c.vec()
	VBROADCASTSS(Mem{Base: c.p, Disp: field}, v)
	return v
}

// moments sums x-mean and its square.
func (c *columns) moments() body {
	mean, sum, dot := c.constants(fieldMean), c.zeros(), c.zeros()
	return body{begin: func() {}, end: func() { c.results(sum, dot) }, row: func() {
		for i := range c.n {
			x := c.load(c.element(fieldX, i))
			VSUBPS(mean[i], x, x)
			VADDPS(x, sum[i], sum[i])
			VFMADD231PS(x, x, dot[i])
		}
	}}
}

func (c *columns) results(sum, dot []reg.VecVirtual) {
	for i := range c.n {
		c.store(sum[i], c.vector(fieldSum, i))
		c.store(dot[i], c.vector(fieldDot, i))
	}
}

// gate emits what makes of dy the gradient in front of the activation, at x-mean.
func (c *columns) gate() func(i int, dy, x reg.VecVirtual) reg.VecVirtual {
	scale, bias := c.constants(fieldScale), c.constants(fieldBias)
	low, high, slope := c.broadcast(fieldLow), c.broadcast(fieldHigh), c.broadcast(fieldSlope)
	return func(i int, dy, x reg.VecVirtual) reg.VecVirtual {
		v := c.vec()
		VMULPS(scale[i], x, v)
		VADDPS(bias[i], v, v)
		out := c.vec()
		VMULPS(slope, dy, out)
		if c.w == 16 {
			k := K()
			VCMPPS(U8(predicateGreater), low, v, k)
			VCMPPS(U8(predicateLess), high, v, k, k)
			VMOVAPS(dy, k, out)
			return out
		}
		m := c.vec()
		VCMPPS(U8(predicateGreater), low, v, m)
		VCMPPS(U8(predicateLess), high, v, v)
		VANDPS(m, v, v)
		VBLENDVPS(v, dy, out, out)
		return out
	}
}

func (c *columns) gated(on bool) func(i int, dy, x reg.VecVirtual) reg.VecVirtual {
	if on {
		return c.gate()
	}
	return func(_ int, dy, _ reg.VecVirtual) reg.VecVirtual { return dy }
}

// products sums dy and its product with x-mean.
func (c *columns) products(on bool) body {
	mean, gate, sum, dot := c.constants(fieldMean), c.gated(on), c.zeros(), c.zeros()
	return body{begin: func() {}, end: func() { c.results(sum, dot) }, row: func() {
		for i := range c.n {
			x, dy := c.load(c.element(fieldX, i)), c.load(c.element(fieldDY, i))
			VSUBPS(mean[i], x, x)
			dy = gate(i, dy, x)
			VADDPS(dy, sum[i], sum[i])
			VFMADD231PS(x, dy, dot[i])
		}
	}}
}

// combine makes dx of dy and x-mean.
func (c *columns) combine(on bool) body {
	mean, gate := c.constants(fieldMean), c.gated(on)
	ofDY, ofX, fixed := c.constants(fieldOfDY), c.constants(fieldOfX), c.constants(fieldConst)
	return body{begin: func() {}, end: func() {}, row: func() {
		for i := range c.n {
			x, dy := c.load(c.element(fieldX, i)), c.load(c.element(fieldDY, i))
			VSUBPS(mean[i], x, x)
			dy = gate(i, dy, x)
			VMULPS(ofDY[i], dy, dy)
			VFMADD231PS(ofX[i], x, dy)
			VADDPS(fixed[i], dy, dy)
			c.store(dy, c.element(fieldDX, i))
		}
	}}
}
