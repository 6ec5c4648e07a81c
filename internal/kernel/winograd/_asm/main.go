// Command _asm generates the amd64 kernels of package winograd: run `go run . -out ../zkernels_amd64.s -pkg winograd`.
package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

func main() {
	ConstraintExpr("amd64,!purego")
	tables()
	for _, v := range []isa{{AVX2}, {AVX512}} {
		for _, s := range []size{four, two, pair} {
			input(s).emit(v)
			output(v, s)
		}
		filter(v, four, "A")
		filter(v, four, "B")
		filter(v, two, "")
		filterPair(v, "A", 0, 3)
		filterPair(v, "B", 3, 5)
		spread(four, spreadFour).emit(v)
		spread(pair, spreadPair).emit(v)
		window(v, four, v.windowFour)
		window(v, pair, v.windowPair)
	}
	Generate()
}

// isa is an instruction set that kernels are emitted for.
type isa struct{ ISA }

// load and store take all lanes, or those of the opmask k.
func (v isa) load(k reg.Register, src Mem, dst reg.VecVirtual) {
	if k == nil {
		VMOVUPS(src, dst)
	} else {
		VMOVUPS_Z(src, k, dst)
	}
}

func (v isa) store(k reg.Register, src reg.VecVirtual, dst Mem) {
	if k == nil {
		VMOVUPS(src, dst)
	} else {
		VMOVUPS(src, k, dst)
	}
}

// times returns r*n for n = 3 to 6.
func times(r reg.GPVirtual, n int) reg.GPVirtual {
	t := GP64()
	switch n {
	case 4:
		MOVQ(r, t)
		SHLQ(U8(2), t)
	case 3:
		LEAQ(Mem{Base: r, Index: r, Scale: 2}, t)
	case 5:
		LEAQ(Mem{Base: r, Index: r, Scale: 4}, t)
	default:
		LEAQ(Mem{Base: r, Index: r, Scale: 2}, t)
		ADDQ(t, t)
	}
	return t
}

// steps addresses up to six places at equal distances.
type steps struct{ one, three, five reg.GPVirtual }

func newSteps(one reg.GPVirtual, n int) steps {
	s := steps{one: one}
	if n > 3 {
		s.three = times(one, 3)
	}
	if n > 5 {
		s.five = times(one, 5)
	}
	return s
}

func (s steps) at(base reg.Register, i int) Mem {
	switch i {
	case 0:
		return Mem{Base: base}
	case 3:
		return Mem{Base: base, Index: s.three, Scale: 1}
	case 5:
		return Mem{Base: base, Index: s.five, Scale: 1}
	}
	return Mem{Base: base, Index: s.one, Scale: uint8(i)}
}

// channels emits body for every vector of channels: left, in bytes, counts down to zero. On AVX-512 the last vector may
// be half; on AVX2 there is no such one, since channels are multiples of 8.
func (v isa) channels(label string, left reg.GPVirtual, body func(label string, k reg.Register)) {
	Label(label)
	CMPQ(left, U32(uint32(v.Bytes())))
	JL(LabelRef(label + "_tail"))
	body(label, nil)
	SUBQ(U32(uint32(v.Bytes())), left)
	JMP(LabelRef(label))
	Label(label + "_tail")
	if v.Wide() {
		TESTQ(left, left)
		JZ(LabelRef(label + "_done"))
		bits, k := GP32(), K()
		MOVL(U32(0xff), bits)
		KMOVW(bits, k)
		body(label+"_half", k)
	}
	Label(label + "_done")
}

// constants names the table entries.
var constants = map[string]Mem{}

func tables() {
	for _, c := range []struct {
		name  string
		value float32
	}{{"pointA", pointA}, {"pointB", pointB}, {"squareA", squareA}, {"squareB", squareB}, {"even", 0.5}, {"odd", 0.5}, {"far", 0.5}, {"scale0", scale0},
		{"evenA", scaleA}, {"oddA", scaleA * pointA}, {"farA", scaleA * squareA},
		{"evenB", scaleB}, {"oddB", scaleB * pointB}, {"farB", scaleB * squareB},
		{"pointC", pointC}, {"pointD", pointD}, {"squareC", squareC}, {"squareD", squareD}, {"cubeD", cubeD},
		{"pair0", pair0}, {"pair1", pair1}, {"pair2", pair2}, {"pair3", pair3},
		{"pair1C", pair1 * pointC}, {"pair2C", -pair2 * pointC}, {"pair3D", pair3 * pointD}} {
		m := GLOBL(c.name, RODATA|NOPTR)
		DATA(0, U32(math.Float32bits(c.value)))
		constants[c.name] = m
	}
}

// constant loads a number into every lane.
func (v isa) constant(name string) reg.VecVirtual {
	r := v.Vec()
	VBROADCASTSS(constants[name], r)
	return r
}
