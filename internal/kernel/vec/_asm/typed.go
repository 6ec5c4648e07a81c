package main

import (
	"fmt"

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
	{"sum", []elementType{i64, f64}, func(g *isa, t elementType, a, b vec) vec { return g.join(t, VPADDQ, VADDPD, b, a) }},
	{"difference", []elementType{i64, f64}, func(g *isa, t elementType, a, b vec) vec { return g.join(t, VPSUBQ, VSUBPD, b, a) }},
	{"product", []elementType{f64}, func(g *isa, t elementType, a, b vec) vec { return g.join(t, nil, VMULPD, b, a) }},
	{"quotient", []elementType{f64}, func(g *isa, t elementType, a, b vec) vec { return g.join(t, nil, VDIVPD, b, a) }},
	{"shiftLeft", []elementType{u32, u64}, func(g *isa, t elementType, a, b vec) vec { return g.shift(t, VPSLLVD, VPSLLVQ, b, a) }},
	{"shiftRight", []elementType{u32, u64}, func(g *isa, t elementType, a, b vec) vec { return g.shift(t, VPSRLVD, VPSRLVQ, b, a) }},
}

func (g *isa) join(t elementType, ints, floats emit, b, a vec) vec {
	v := g.r()
	if t.float {
		floats(b, a, v)
	} else {
		ints(b, a, v)
	}
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

// lanesOf emits func(acc, x []uint8): the elements of x, as bytes, a multiple of joinGroup that is not zero, are joined to
// one group, acc.
func (g *isa) lanesOf(k joinKernel, t elementType) {
	g.begin(k.name+"Lanes"+t.name, "func(acc, x []uint8)")
	dst := Load(Param("acc").Base(), GP64()).(reg.GPVirtual)
	x := Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("x").Len(), GP64()).(reg.GPVirtual)
	acc := make([]vec, joinGroup/(4*g.w))
	for i := range acc {
		acc[i] = g.load(g.at(x, i))
	}
	Label("next")
	ADDQ(U32(joinGroup), x)
	SUBQ(U32(joinGroup), n)
	JE(LabelRef("stored"))
	for i, a := range acc {
		VMOVAPS(k.body(g, t, a, g.load(g.at(x, i))), a)
	}
	JMP(LabelRef("next"))
	Label("stored")
	for i, a := range acc {
		VMOVUPS(a, g.at(dst, i))
	}
	g.end()
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
