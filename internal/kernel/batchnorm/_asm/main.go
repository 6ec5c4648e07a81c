// Command _asm writes zbatchnorm_amd64.s and zstubs_amd64.go of package batchnorm. Run it through go generate in the
// package's folder.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

func main() {
	ConstraintExpr("amd64,!purego")
	lanes = GLOBL("lanes", RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(1<<i))
	}
	for _, g := range []isa{{AVX2}, {AVX512}} {
		g.moments()
		g.products("products", false)
		g.products("productsGated", true)
		g.combine("combine", false)
		g.combine("combineGated", true)
		g.normalize("normalize", false)
		g.normalize("normalizeAdd", true)
	}
	Generate()
}

// isa is an instruction set that kernels are emitted for.
type isa struct{ ISA }

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

// together is the number of rows that share what is read of the vectors.
const together = 4

// ahead is how many bytes before it is read memory is asked for.
const ahead = 4 << 10

// A walk goes through rows as they lie in memory, some of them at once: memory is what bounds it.
type walk struct {
	isa
	p         reg.GPVirtual
	ld, three reg.GPVirtual         // bytes between rows, and three times that
	at        reg.GPVirtual         // bytes in front of the columns at hand
	matrices  map[int]reg.GPVirtual // the first row at hand, at these columns
	vectors   map[int]reg.GPVirtual
	k         reg.Register // mask of the last columns, nil for whole registers
	y         reg.VecVirtual
}

// kernel emits a function that calls take for some rows and a register of columns, until all are done. prepare is called in front.
func (g isa) kernel(name string, matrices, vectors []int, prepare func(w *walk), take func(w *walk, rows int)) {
	TEXT(name+g.Name, NOSPLIT, "func(p *byte)")
	Pragma("noescape")
	w := &walk{isa: g, p: Load(Param("p"), GP64()).(reg.GPVirtual), matrices: map[int]reg.GPVirtual{}, vectors: map[int]reg.GPVirtual{}}
	rows, whole, rest, cols := AllocLocal(8), AllocLocal(8), AllocLocal(8), w.field(fieldCols)
	MOVQ(w.field(fieldRows), rows)
	left := GP64()
	MOVQ(cols, left)
	ANDQ(U32(uint32(g.Lanes-1)), left)
	MOVQ(left, rest)
	SUBQ(left, cols)
	SHLQ(U8(2), cols)
	MOVQ(cols, whole)
	k, y := w.masked(left)
	prepare(w)
	w.ld, w.three, w.at = w.field(fieldLD), GP64(), GP64()
	SHLQ(U8(2), w.ld)
	LEAQ(Mem{Base: w.ld, Index: w.ld, Scale: 2}, w.three)
	for _, f := range matrices {
		w.matrices[f] = w.field(f)
	}
	for _, f := range vectors {
		w.vectors[f] = w.field(f)
	}
	for _, n := range []int{together, 1} {
		label := fmt.Sprintf("%s%d", name, n)
		Label(label)
		CMPQ(rows, U32(uint32(n)))
		JLT(LabelRef(label + "End"))
		XORQ(w.at, w.at)
		Label(label + "Columns")
		CMPQ(w.at, whole)
		JGE(LabelRef(label + "Rest"))
		w.k, w.y = nil, nil
		w.ask(n, matrices)
		take(w, n)
		for _, p := range append([]reg.GPVirtual{w.at}, w.ordered(matrices)...) {
			ADDQ(U32(uint32(4*g.Lanes)), p)
		}
		JMP(LabelRef(label + "Columns"))
		Label(label + "Rest")
		CMPQ(rest, U8(0))
		JE(LabelRef(label + "Next"))
		w.k, w.y = k, y
		take(w, n)
		Label(label + "Next")
		for _, p := range w.ordered(matrices) {
			SUBQ(w.at, p)
			LEAQ(Mem{Base: p, Index: w.ld, Scale: uint8(n)}, p)
		}
		SUBQ(U32(uint32(n)), rows)
		JMP(LabelRef(label))
		Label(label + "End")
	}
	VZEROUPPER()
	RET()
}

// ask asks for what follows the rows at hand, a line of cache for each register, in the order in which they lie in memory: that of the registers
// is none that the processor foresees.
func (w *walk) ask(rows int, matrices []int) {
	shift := GP64()
	XORQ(shift, shift)
	if rows > 1 {
		LEAQ(Mem{Base: w.at, Index: w.at, Scale: uint8(rows - 2)}, shift)
	}
	for _, f := range matrices {
		for i := range max(1, rows*w.Lanes/16) {
			PREFETCHT0(Mem{Base: w.matrices[f], Index: shift, Scale: 1, Disp: ahead + 64*i})
		}
	}
}

// ordered returns the pointers of some matrices.
func (w *walk) ordered(matrices []int) (list []reg.GPVirtual) {
	for _, f := range matrices {
		list = append(list, w.matrices[f])
	}
	return list
}

func (w *walk) field(offset int) reg.GPVirtual { return Field(w.p, offset) }

// masked makes the mask of the columns that are left.
func (w *walk) masked(left reg.GPVirtual) (k reg.Register, y reg.VecVirtual) {
	bits, count := GP64(), reg.RCX
	MOVQ(left, count)
	MOVQ(U64(1), bits)
	SHLQ(reg.CL, bits)
	DECQ(bits)
	if w.Wide() {
		k = K()
		KMOVW(bits.As32(), k)
		return k, nil
	}
	x, l := XMM(), YMM()
	y = YMM()
	VMOVD(bits.As32(), x)
	VPBROADCASTD(x, y)
	VMOVDQU(lanes, l)
	VPAND(l, y, y)
	VPCMPEQD(l, y, y)
	return nil, y
}

func (w *walk) load(m Mem) reg.VecVirtual {
	v := w.Vec()
	switch {
	case w.k != nil:
		VMOVUPS_Z(m, w.k, v)
	case w.y != nil:
		VMASKMOVPS(m, w.y, v)
	default:
		VMOVUPS(m, v)
	}
	return v
}

// whole loads a sum: a masked load would wait for the store before.
func (w *walk) whole(m Mem) reg.VecVirtual {
	v := w.Vec()
	VMOVUPS(m, v)
	return v
}

func (w *walk) store(v reg.VecVirtual, m Mem) {
	switch {
	case w.k != nil:
		VMOVUPS(v, w.k, m)
	case w.y != nil:
		VMASKMOVPS(v, w.y, m)
	default:
		VMOVUPS(v, m)
	}
}

// element returns the columns at hand of row i of those at hand.
func (w *walk) element(matrix, i int) Mem {
	m := Mem{Base: w.matrices[matrix]}
	switch i {
	case 1, 2:
		m.Index, m.Scale = w.ld, uint8(i)
	case 3:
		m.Index, m.Scale = w.three, 1
	}
	return m
}

// vector returns the columns at hand of a vector.
func (w *walk) vector(field int) Mem { return Mem{Base: w.vectors[field], Index: w.at, Scale: 1} }

func (w *walk) broadcast(field int) reg.VecVirtual {
	v := w.Vec()
	VBROADCASTSS(Mem{Base: w.p, Disp: field}, v)
	return v
}

// moments adds up x-mean and its square.
func (g isa) moments() {
	g.kernel("moments", []int{fieldX}, []int{fieldMean, fieldSum, fieldDot}, func(*walk) {}, func(w *walk, rows int) {
		mean, sum, dot := w.load(w.vector(fieldMean)), w.whole(w.vector(fieldSum)), w.whole(w.vector(fieldDot))
		for i := range rows {
			x := w.load(w.element(fieldX, i))
			VSUBPS(mean, x, x)
			VADDPS(x, sum, sum)
			VFMADD231PS(x, x, dot)
		}
		VMOVUPS(sum, w.vector(fieldSum))
		VMOVUPS(dot, w.vector(fieldDot))
	})
}

// A gate makes of dy the gradient in front of the activation, at x-mean.
type gate struct{ low, high, slope, scale, bias reg.VecVirtual }

// open loads the bounds.
func (a *gate) open(w *walk) {
	a.low, a.high, a.slope = w.broadcast(fieldLow), w.broadcast(fieldHigh), w.broadcast(fieldSlope)
}

// reach loads what belongs to the columns at hand.
func (a *gate) reach(w *walk) {
	a.scale, a.bias = w.load(w.vector(fieldScale)), w.load(w.vector(fieldBias))
}

func (a *gate) pass(w *walk, dy, x reg.VecVirtual) reg.VecVirtual {
	v, out := w.Vec(), w.Vec()
	VMULPS(a.scale, x, v)
	VADDPS(a.bias, v, v)
	VMULPS(a.slope, dy, out)
	if w.Wide() {
		k := K()
		VCMPPS(U8(predicateGreater), a.low, v, k)
		VCMPPS(U8(predicateLess), a.high, v, k, k)
		VMOVAPS(dy, k, out)
		return out
	}
	m := w.Vec()
	VCMPPS(U8(predicateGreater), a.low, v, m)
	VCMPPS(U8(predicateLess), a.high, v, v)
	VANDPS(m, v, v)
	VBLENDVPS(v, dy, out, out)
	return out
}

// gated emits a kernel of gradients: take gets dy behind the gate, if there is one, and x-mean.
func (g isa) gated(name string, on bool, matrices, vectors []int, begin func(w *walk), take func(w *walk, i int, dy, x reg.VecVirtual), end func(w *walk)) {
	var a gate
	vectors = append([]int{fieldMean}, vectors...)
	prepare := func(*walk) {}
	if on {
		vectors, prepare = append(vectors, fieldScale, fieldBias), a.open
	}
	g.kernel(name, append([]int{fieldX, fieldDY}, matrices...), vectors, prepare, func(w *walk, rows int) {
		mean := w.load(w.vector(fieldMean))
		if on {
			a.reach(w)
		}
		begin(w)
		for i := range rows {
			x, dy := w.load(w.element(fieldX, i)), w.load(w.element(fieldDY, i))
			VSUBPS(mean, x, x)
			if on {
				dy = a.pass(w, dy, x)
			}
			take(w, i, dy, x)
		}
		end(w)
	})
}

// products adds up dy and its product with x-mean.
func (g isa) products(name string, on bool) {
	var sum, dot reg.VecVirtual
	g.gated(name, on, nil, []int{fieldSum, fieldDot}, func(w *walk) {
		sum, dot = w.whole(w.vector(fieldSum)), w.whole(w.vector(fieldDot))
	}, func(_ *walk, _ int, dy, x reg.VecVirtual) {
		VADDPS(dy, sum, sum)
		VFMADD231PS(x, dy, dot)
	}, func(w *walk) {
		VMOVUPS(sum, w.vector(fieldSum))
		VMOVUPS(dot, w.vector(fieldDot))
	})
}

// combine makes dx of dy and x-mean.
func (g isa) combine(name string, on bool) {
	var ofDY, ofX, fixed reg.VecVirtual
	g.gated(name, on, []int{fieldDX}, []int{fieldOfDY, fieldOfX, fieldConst}, func(w *walk) {
		ofDY, ofX, fixed = w.load(w.vector(fieldOfDY)), w.load(w.vector(fieldOfX)), w.load(w.vector(fieldConst))
	}, func(w *walk, i int, dy, x reg.VecVirtual) {
		VMULPS(ofDY, dy, dy)
		VFMADD231PS(ofX, x, dy)
		VADDPS(fixed, dy, dy)
		w.store(dy, w.element(fieldDX, i))
	}, func(*walk) {})
}

// normalize makes y, which stands in the place of dx, of x, and with add of another summand, in the place of dy.
func (g isa) normalize(name string, add bool) {
	var low, high reg.VecVirtual
	matrices := []int{fieldX, fieldDX}
	if add {
		matrices = append(matrices, fieldDY)
	}
	g.kernel(name, matrices, []int{fieldMean, fieldScale, fieldBias}, func(w *walk) {
		low, high = w.broadcast(fieldLow), w.broadcast(fieldHigh)
	}, func(w *walk, rows int) {
		mean, scale, bias := w.load(w.vector(fieldMean)), w.load(w.vector(fieldScale)), w.load(w.vector(fieldBias))
		for i := range rows {
			x := w.load(w.element(fieldX, i))
			VSUBPS(mean, x, x)
			VMULPS(scale, x, x)
			VADDPS(bias, x, x)
			if add {
				VADDPS(w.load(w.element(fieldDY, i)), x, x)
			}
			VMAXPS(x, low, x)
			VMINPS(x, high, x)
			w.store(x, w.element(fieldDX, i))
		}
	})
}
