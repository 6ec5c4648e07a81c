package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An elementType is one whose lanes are not of 32 bits, or are integers.
type elementType struct {
	name     string
	size     int
	unsigned bool
	float    bool
}

var (
	i8  = elementType{"I8", 1, false, false}
	u8  = elementType{"U8", 1, true, false}
	i16 = elementType{"I16", 2, false, false}
	u16 = elementType{"U16", 2, true, false}
	i32 = elementType{"I32", 4, false, false}
	u32 = elementType{"U32", 4, true, false}
	i64 = elementType{"I64", 8, false, false}
	u64 = elementType{"U64", 8, true, false}
	f64 = elementType{"F64", 8, false, true}
)

// joinGroup is the number of bytes that join kernels take at once: two vectors of AVX-512.
const joinGroup = 128

// A joinKernel makes one element of two.
type joinKernel struct {
	name  string
	types []elementType
	body  func(g *isa, t elementType, a, b vec) vec
}

var joinKernels = []joinKernel{
	{"largest", []elementType{i8, u8, i16, u16, i32, u32, i64, u64, f64}, func(g *isa, t elementType, a, b vec) vec { return g.extreme(t, a, b, true) }},
	{"least", []elementType{i8, u8, i16, u16, i32, u32, i64, u64, f64}, func(g *isa, t elementType, a, b vec) vec { return g.extreme(t, a, b, false) }},
	{"sum", []elementType{i8, i16, i32, i64, f64}, func(g *isa, t elementType, a, b vec) vec {
		return g.join(t, []emit{VPADDB, VPADDW, VPADDD, VPADDQ}, VADDPD, b, a)
	}},
	{"difference", []elementType{i8, i16, i32, i64, f64}, func(g *isa, t elementType, a, b vec) vec {
		return g.join(t, []emit{VPSUBB, VPSUBW, VPSUBD, VPSUBQ}, VSUBPD, b, a)
	}},
	{"product", []elementType{i16, i32, i64, f64}, func(g *isa, t elementType, a, b vec) vec {
		if t == i64 {
			return g.product64(a, b)
		}
		return g.join(t, []emit{nil, VPMULLW, VPMULLD}, VMULPD, b, a)
	}},
	{"quotient", []elementType{i32, u32, f64}, func(g *isa, t elementType, a, b vec) vec {
		if t.float {
			return g.join(t, nil, VDIVPD, b, a)
		}
		return g.divide32(t, a, b, false)
	}},
	{"remainder", []elementType{i32, u32}, func(g *isa, t elementType, a, b vec) vec { return g.divide32(t, a, b, true) }},
	{"size", []elementType{i8, i16, i32, i64, f64}, func(g *isa, t elementType, a, _ vec) vec { return g.sizeOf(t, a) }},
	{"shiftLeft", []elementType{u32, u64}, func(g *isa, t elementType, a, b vec) vec { return g.shift(t, VPSLLVD, VPSLLVQ, b, a) }},
	{"shiftRight", []elementType{u32, u64}, func(g *isa, t elementType, a, b vec) vec { return g.shift(t, VPSRLVD, VPSRLVQ, b, a) }},
}

func (g *isa) join(t elementType, ints []emit, floats emit, b, a vec) vec {
	v := g.r()
	if t.float {
		floats(b, a, v)
	} else {
		ints[log2(t.size)](b, a, v)
	}
	return v
}

// sizeOf returns absolute values.
func (g *isa) sizeOf(t elementType, x vec) vec {
	v, m := g.r(), g.r()
	switch {
	case t.float:
		VPSRLQ(U8(1), g.load(bitsConst(math.MaxUint32)), m)
		VANDPD(m, x, v)
	case t.size < 8 || g.wide():
		[]emit{VPABSB, VPABSW, VPABSD, VPABSQ}[log2(t.size)](x, v)
	default:
		VPXOR(m, m, m)
		VPCMPGTQ(x, m, m)
		VPXOR(m, x, v)
		VPSUBQ(m, v, v)
	}
	return v
}

// product64 returns the lower 64 bits of products: AVX2 has those of halves.
func (g *isa) product64(a, b vec) vec {
	v := g.r()
	if g.wide() {
		VPMULLQ(b, a, v)
		return v
	}
	x, y := g.r(), g.r()
	VPSRLQ(U8(32), a, x)
	VPMULUDQ(b, x, x)
	VPSRLQ(U8(32), b, y)
	VPMULUDQ(a, y, y)
	VPADDQ(x, y, y)
	VPSLLQ(U8(32), y, y)
	VPMULUDQ(b, a, v)
	VPADDQ(y, v, v)
	return v
}

func (g *isa) shift(t elementType, words, quads emit, b, a vec) vec {
	v := g.r()
	if t.size == 4 {
		words(b, a, v)
	} else {
		quads(b, a, v)
	}
	return v
}

// extreme returns the larger or the smaller of a and b.
func (g *isa) extreme(t elementType, a, b vec, larger bool) vec {
	v := g.r()
	if t.float {
		return g.extremeFloat(a, b, larger)
	}
	if t.size == 8 && !g.wide() {
		m := g.less64(t, a, b)
		if larger {
			VBLENDVPD(m, b, a, v)
		} else {
			VBLENDVPD(m, a, b, v)
		}
		return v
	}
	signed, unsigned := []emit{VPMAXSB, VPMAXSW, VPMAXSD, VPMAXSQ}, []emit{VPMAXUB, VPMAXUW, VPMAXUD, VPMAXUQ}
	if !larger {
		signed, unsigned = []emit{VPMINSB, VPMINSW, VPMINSD, VPMINSQ}, []emit{VPMINUB, VPMINUW, VPMINUD, VPMINUQ}
	}
	if t.unsigned {
		signed = unsigned
	}
	signed[log2(t.size)](b, a, v)
	return v
}

func log2(n int) (e int) {
	for ; n > 1; n /= 2 {
		e++
	}
	return e
}

// extremeFloat keeps NaN of either side: the instructions return their second operand, here a, if one is NaN.
func (g *isa) extremeFloat(a, b vec, larger bool) vec {
	v, w := g.r(), g.r()
	if larger {
		VMAXPD(a, b, v)
	} else {
		VMINPD(a, b, v)
	}
	if g.wide() {
		m := K()
		VCMPPD(U8(cmpUnord), b, b, m)
		VBLENDMPD(b, v, m, w)
		return w
	}
	m := g.r()
	VCMPPD(U8(cmpUnord), b, b, m)
	VBLENDVPD(m, b, v, w)
	return w
}

// less64 returns all ones in the lanes of AVX2 where a < b.
func (g *isa) less64(t elementType, a, b vec) vec {
	m := g.r()
	if t.unsigned {
		a, b = g.flipped64(a), g.flipped64(b)
	}
	VPCMPGTQ(a, b, m)
	return m
}

// flipped64 turns the order of unsigned elements into that of signed ones.
func (g *isa) flipped64(x vec) vec {
	sign, v := g.r(), g.r()
	VPCMPEQQ(sign, sign, sign)
	VPSLLQ(U8(63), sign, sign)
	VPXOR(sign, x, v)
	return v
}

// element broadcasts the element at p.
func (g *isa) element(t elementType, p reg.GPVirtual) vec {
	v := g.r()
	[]emit{VPBROADCASTB, VPBROADCASTW, VPBROADCASTD, VPBROADCASTQ}[log2(t.size)](Mem{Base: p}, v)
	return v
}

// operands loads the parameters of a kernel of two inputs, either of which may be one element long, and emits for each case
// what body does; a nil pointer is the scalar.
func (g *isa) operands(t elementType, result string, body func(n, dst, a, b reg.GPVirtual, sa, sb vec)) {
	base := func(name string) reg.GPVirtual { return Load(Param(name).Base(), GP64()).(reg.GPVirtual) }
	length := func(name string) reg.GPVirtual { return Load(Param(name).Len(), GP64()).(reg.GPVirtual) }
	dst, a, b := base(result), base("a"), base("b")
	n, an, bn := length(result), length("a"), length("b")
	CMPQ(an, U8(uint8(t.size)))
	JE(LabelRef("scalarA"))
	CMPQ(bn, U8(uint8(t.size)))
	JE(LabelRef("scalarB"))
	body(n, dst, a, b, nil, nil)
	Label("scalarA")
	body(n, dst, nil, b, g.element(t, a), nil)
	Label("scalarB")
	body(n, dst, a, nil, nil, g.element(t, b))
}

// joins emits func(dst, a, b []uint8) for elements as bytes, of a length that is a multiple of joinGroup.
func (g *isa) joins(k joinKernel, t elementType) {
	g.begin(k.name+t.name, "func(dst, a, b []uint8)")
	g.operands(t, "dst", func(n, dst, a, b reg.GPVirtual, sa, sb vec) {
		g.groups(n, joinGroup, dst, joinGroup, a, b, joinGroup, func() {
			for i := range joinGroup / (4 * g.w) {
				x, y := g.inputs(a, b, sa, sb, i)
				VMOVUPS(k.body(g, t, x, y), g.at(dst, i))
			}
		})
	})
}

// inputs loads the i-th vectors of a and b, or returns the scalars.
func (g *isa) inputs(a, b reg.GPVirtual, sa, sb vec, i int) (x, y vec) {
	x, y = sa, sb
	if a != nil {
		x = g.load(g.at(a, i))
	}
	if b != nil {
		y = g.load(g.at(b, i))
	}
	return x, y
}

// groups emits a loop over n, counted down by step, and the return behind it.
func (g *isa) groups(n reg.GPVirtual, step int, dst reg.GPVirtual, out int, a, b reg.GPVirtual, in int, body func()) {
	id := labels
	labels++
	next, end := fmt.Sprintf("next%d", id), fmt.Sprintf("end%d", id)
	Label(next)
	TESTQ(n, n)
	JE(LabelRef(end))
	body()
	ADDQ(U32(uint32(out)), dst)
	for _, p := range []reg.GPVirtual{a, b} {
		if p != nil {
			ADDQ(U32(uint32(in)), p)
		}
	}
	SUBQ(U32(uint32(step)), n)
	JMP(LabelRef(next))
	Label(end)
	g.end()
}
