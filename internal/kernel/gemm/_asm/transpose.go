package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of packArgs.
const packDst, packSrc, packDRS, packCS, packKB = 0, 8, 16, 24, 32

// transpose8 generates the packing of eight columns whose elements lie along K:
// 8×8 blocks are transposed in registers.
func transpose8() {
	t := begin("transpose8AVX2", "packArgs", "transpose8AVX2 packs eight columns as packArgs describes.")
	dst, n := field(t, packDst), field(t, packKB)
	drs := field(t, packDRS)
	src := rowsOf(field(t, packSrc), field(t, packCS), 8)
	drs3 := GP64()
	LEAQ(Mem{Base: drs, Index: drs, Scale: 2}, drs3)
	SHRQ(Imm(3), n)
	JZ(LabelRef("done"))
	Label("loop")
	var in, out [8]reg.VecVirtual
	for i := range in {
		in[i] = YMM()
	}
	// Halves of rows i and i+4 in one register make the last exchange free.
	for i := range 4 {
		VMOVUPS(src.at(i, 0), in[i].AsX())
		VMOVUPS(src.at(i, 16), in[i+4].AsX())
		VINSERTF128(Imm(1), src.at(i+4, 0), in[i], in[i])
		VINSERTF128(Imm(1), src.at(i+4, 16), in[i+4], in[i+4])
	}
	for h := range 2 {
		quarter(in[4*h:4*h+4], out[4*h:4*h+4])
	}
	at := GP64()
	LEAQ(Mem{Base: dst, Index: drs, Scale: 4}, at)
	for i, v := range out {
		to := rows{base: []reg.GPVirtual{dst, at}, stride: drs, stride3: drs3}
		VMOVUPS(v, to.at(i, 0))
	}
	LEAQ(Mem{Base: dst, Index: drs, Scale: 8}, dst)
	src.advance(Imm(32))
	DECQ(n)
	JNZ(LabelRef("loop"))
	Label("done")
	end()
}

// quarter transposes 4×4 blocks in both halves of four registers.
func quarter(in, out []reg.VecVirtual) {
	var u [4]reg.VecVirtual
	for i := range u {
		u[i], out[i] = YMM(), YMM()
	}
	VUNPCKLPS(in[1], in[0], u[0])
	VUNPCKHPS(in[1], in[0], u[1])
	VUNPCKLPS(in[3], in[2], u[2])
	VUNPCKHPS(in[3], in[2], u[3])
	VUNPCKLPD(u[2], u[0], out[0])
	VUNPCKHPD(u[2], u[0], out[1])
	VUNPCKLPD(u[3], u[1], out[2])
	VUNPCKHPD(u[3], u[1], out[3])
}

// prefetchRows is how many rows ahead copyRows asks for: rows may lie pages apart,
// where no hardware looks ahead.
const prefetchRows = 12

// copyRows generates the packing of one panel from rows of contiguous elements.
func copyRows(s isa) {
	name := "copyRows" + s.name
	t := begin(name, "packArgs", name+" packs rows of two vectors: dst(k, j) = src(k, j), rows drs and cs bytes apart.")
	dst, drs := field(t, packDst), field(t, packDRS)
	src, rs, n := field(t, packSrc), field(t, packCS), field(t, packKB)
	ahead := GP64()
	IMUL3Q(Imm(prefetchRows), rs, ahead)
	Label("loop")
	v := s.vecs(2)
	PREFETCHT0(Mem{Base: src, Index: ahead, Scale: 1})
	if s.zmm {
		PREFETCHT0(Mem{Base: src, Index: ahead, Scale: 1, Disp: 64})
	}
	for i, x := range v {
		VMOVUPS(Mem{Base: src, Disp: i * s.bytes()}, x)
		VMOVUPS(x, Mem{Base: dst, Disp: i * s.bytes()})
	}
	ADDQ(rs, src)
	ADDQ(drs, dst)
	DECQ(n)
	JNZ(LabelRef("loop"))
	end()
}
