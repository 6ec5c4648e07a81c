package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is what differs between vector widths.
type isa struct {
	name  string
	zmm   bool
	lanes int
	mr    int   // rows of the largest tile; its columns are two vectors
	pair  int   // rows of the largest tile of two panels,
	three int   // of a panel and a half,
	five  int   // and of two and a half
	wide  []int // panels of the wide kernels for 1, 2 ... rows
}

var (
	avx2   = isa{"AVX2", false, 8, 6, 0, 0, 0, []int{4, 2, 2}}
	avx512 = isa{"AVX512", true, 16, 12, 6, 9, 5, []int{4, 4, 4}}
)

func (s isa) bytes() int { return 4 * s.lanes }

func (s isa) vec() reg.VecVirtual {
	if s.zmm {
		return ZMM()
	}
	return YMM()
}

func (s isa) vecs(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = s.vec()
	}
	return v
}

// zero clears a register; for AVX-512 the upper part is cleared with the lower.
func (s isa) zero(v reg.VecVirtual) {
	if s.zmm {
		VPXORD(v, v, v)
		return
	}
	VXORPS(v, v, v)
}

// maskTable holds eight words of ones and eight of zeros: read from word 8-n on, it
// is a mask of n lanes.
func maskTable() {
	GLOBL("gemmMasks", 24) // RODATA|NOPTR
	for i := range 8 {
		DATA(4*i, U32(0xffffffff))
	}
	for i := range 8 {
		DATA(32+4*i, U32(0))
	}
}

// masks are the lanes of a row of vectors that exist.
type masks struct {
	k []reg.OpmaskVirtual // AVX-512
	y []reg.VecVirtual    // AVX2; nil: all lanes
}

// lanes returns the masks of the first n of v vectors' lanes (v <= 2). n is kept.
func (s isa) lanesOf(n reg.GPVirtual, v int) masks {
	if s.zmm {
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
		LEAQ(Mem{Base: n, Disp: -first * s.lanes}, rest)
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

// rows addresses rows of a matrix by one pointer for every four rows.
type rows struct {
	base            []reg.GPVirtual
	stride, stride3 reg.GPVirtual
}

// rowsOf sets up pointers to n rows from base on; base is kept.
func rowsOf(base, stride reg.GPVirtual, n int) rows {
	r := newRows(stride, n)
	MOVQ(base, r.base[0])
	r.spread()
	return r
}

// newRows returns the registers for n rows. The first pointer is still to be set, the
// others then by spread.
func newRows(stride reg.GPVirtual, n int) rows {
	r := rows{stride: stride}
	if n > 3 {
		r.stride3 = GP64()
		LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, r.stride3)
	}
	for i := 0; i < n; i += 4 {
		r.base = append(r.base, GP64())
	}
	return r
}

// spread sets the pointers from the first one.
func (r rows) spread() {
	for i := 1; i < len(r.base); i++ {
		LEAQ(Mem{Base: r.base[i-1], Index: r.stride, Scale: 4}, r.base[i])
	}
}

// at returns the address of row i.
func (r rows) at(i, disp int) Mem {
	m := Mem{Base: r.base[i/4], Disp: disp}
	switch i % 4 {
	case 1:
		m.Index, m.Scale = r.stride, 1
	case 2:
		m.Index, m.Scale = r.stride, 2
	case 3:
		m.Index, m.Scale = r.stride3, 1
	}
	return m
}

func (r rows) advance(by Op) {
	for _, p := range r.base {
		ADDQ(by, p)
	}
}

// field loads a word of the argument struct.
func field(t reg.GPVirtual, offset int) reg.GPVirtual {
	r := GP64()
	MOVQ(Mem{Base: t, Disp: offset}, r)
	return r
}

func (s isa) label(format string, args ...any) string { return fmt.Sprintf(format, args...) }
