package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// isa is what differs between vector widths.
type isa struct {
	ISA
	mr    int   // rows of the largest tile; its columns are two vectors
	pair  int   // rows of the largest tile of two panels,
	three int   // of a panel and a half,
	five  int   // and of two and a half
	wide  []int // panels of the wide kernels for 1, 2 ... rows
}

var (
	avx2   = isa{AVX2, 6, 0, 0, 0, []int{4, 2, 2}}
	avx512 = isa{AVX512, 12, 6, 9, 5, []int{4, 4, 4}}
)

// masks are the lanes of a row of vectors that exist.
type masks struct {
	k []reg.OpmaskVirtual // AVX-512
	y []reg.VecVirtual    // AVX2; nil: all lanes
}

// lanes returns the masks of the first n of v vectors' lanes (v <= 2). n is kept.
func (s isa) lanesOf(n reg.GPVirtual, v int) masks {
	if s.Wide() {
		return masks{k: s.opmasks(n, v)}
	}
	table, left := GP64(), GP64()
	LEAQ(NewDataAddr(Symbol{Name: "gemmMasks", Static: true}, 0), table)
	var m masks
	for i := range v {
		// The index 8-min(max(n-8i, 0), 8).
		zero, at := GP64(), GP64()
		XORQ(zero, zero)
		MOVQ(n, left)
		SUBQ(Imm(uint64(8*i)), left)
		CMOVQLT(zero, left)
		MOVQ(U32(8), at)
		CMPQ(left, at)
		CMOVQGT(at, left)
		SUBQ(left, at)
		y := YMM()
		VMOVUPS(Mem{Base: table, Index: at, Scale: 4}, y)
		m.y = append(m.y, y)
	}
	return m
}

// opmasks are masks of n lanes, of which a fifth vector has some.
func (s isa) opmasks(n reg.GPVirtual, v int) []reg.OpmaskVirtual {
	bits := GP64()
	var ks []reg.OpmaskVirtual
	if v > 4 {
		first := v - 1
		all := K()
		KXNORW(all, all, all)
		for range first {
			ks = append(ks, all)
		}
		rest := GP64()
		LEAQ(Mem{Base: n, Disp: -first * s.Lanes}, rest)
		n, v = rest, 1
	}
	MOVQ(I32(-1), bits)
	BZHIQ(n, bits, bits)
	for i := range v {
		if i > 0 {
			SHRQ(Imm(16), bits)
		}
		k := K()
		KMOVW(bits.As32(), k)
		ks = append(ks, k)
	}
	return ks
}

// load reads vector i of a row under its mask; lanes outside become zero.
func (s isa) load(m masks, i int, from Mem, to reg.VecVirtual) {
	switch {
	case m.k != nil:
		VMOVUPS_Z(from, m.k[i], to)
	case m.y != nil:
		VMASKMOVPS(from, m.y[i], to)
	default:
		VMOVUPS(from, to)
	}
}

func (s isa) store(m masks, i int, v reg.VecVirtual, to Mem) {
	switch {
	case m.k != nil:
		VMOVUPS(v, m.k[i], to)
	case m.y != nil:
		VMASKMOVPS(v, m.y[i], to)
	default:
		VMOVUPS(v, to)
	}
}

// rowsOf sets up pointers to n rows from base on; base is kept.
func rowsOf(base, stride reg.GPVirtual, n int) Rows {
	r := NewRows(stride, n)
	MOVQ(base, r.Base[0])
	r.Spread()
	return r
}

func (s isa) label(format string, args ...any) string { return fmt.Sprintf(format, args...) }
