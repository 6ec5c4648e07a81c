// Command _asm writes zfind_amd64.s and zstubs_amd64.go of package find. Run it through go generate in
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
		g.words("above", "func(words []uint64, x []float32, bound float32)", 4, g.bounded(notGreater))
		g.words("below", "func(words []uint64, x []float32, bound float32)", 4, g.bounded(notLess))
		g.words("filled", "func(words []uint64, x []float32)", 4, g.notZero)
		g.words("marked", "func(words []uint64, x []uint8)", 1, g.notZeroByte)
	}
	Generate()
}

// isa is an instruction set that kernels are emitted for.
type isa struct{ ISA }

// Predicates of VCMPPS, true where a side is NaN.
const (
	notEqual   = 0x04
	notLess    = 0x15
	notGreater = 0x1a
)

// words emits a loop over words, each of whose bits says something about one of 64 elements of some bytes. start
// returns what puts the bits of a register's elements into the low bits of another.
func (g isa) words(name, signature string, bytes int, start func() func(at Mem) reg.GPVirtual) {
	TEXT(name+g.Name, NOSPLIT, signature)
	Pragma("noescape")
	words := Load(Param("words").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("words").Len(), GP64()).(reg.GPVirtual)
	x := Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	test := start()
	Label("round")
	TESTQ(n, n)
	JE(LabelRef("done"))
	var word reg.GPVirtual
	lanes := 4 * g.Lanes / bytes
	for lane := 64 - lanes; lane >= 0; lane -= lanes {
		b := test(Mem{Base: x, Disp: bytes * lane})
		if word == nil {
			word = b
			continue
		}
		SHLQ(U8(lanes), word)
		ORQ(b, word)
	}
	MOVQ(word, Mem{Base: words})
	ADDQ(U8(8), words)
	ADDQ(U32(64*bytes), x)
	DECQ(n)
	JMP(LabelRef("round"))
	Label("done")
	VZEROUPPER()
	RET()
}

// bounded compares the bound with elements.
func (g isa) bounded(predicate uint8) func() func(at Mem) reg.GPVirtual {
	return func() func(at Mem) reg.GPVirtual {
		bound := g.Vec()
		m, _ := Param("bound").Resolve()
		VBROADCASTSS(m.Addr, bound)
		return func(at Mem) reg.GPVirtual { return g.Compare(predicate, at, bound) }
	}
}

func (g isa) notZero() func(at Mem) reg.GPVirtual {
	zero := g.zero()
	return func(at Mem) reg.GPVirtual { return g.Compare(notEqual, at, zero) }
}

func (g isa) zero() reg.VecVirtual {
	zero := g.Vec()
	if g.Wide() {
		VPXORD(zero, zero, zero)
	} else {
		VPXOR(zero, zero, zero)
	}
	return zero
}

func (g isa) notZeroByte() func(at Mem) reg.GPVirtual {
	zero := g.zero()
	return func(at Mem) reg.GPVirtual {
		out := GP64()
		if g.Wide() {
			k := K()
			VPCMPUB(U8(4), at, zero, k)
			KMOVQ(k, out)
			return out
		}
		m := YMM()
		VPCMPEQB(at, zero, m)
		VPMOVMSKB(m, out.As32())
		NOTL(out.As32())
		return out
	}
}
