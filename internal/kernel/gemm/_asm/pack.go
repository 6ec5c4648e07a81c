package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// Offsets of packArgs.
const packDst, packSrc, packDRS, packSRS, packKB = 0, 8, 16, 24, 32

// prefetchRows is how many rows ahead copyRows asks for: rows may lie pages apart,
// where no hardware looks ahead.
const prefetchRows = 12

// copyRows generates the packing of one panel from rows of contiguous elements.
func copyRows(s isa) {
	name := "copyRows" + s.name
	t := begin(name, "packArgs", name+" packs rows of two vectors: dst(k, j) = src(k, j), rows drs and srs bytes apart.")
	dst, drs := field(t, packDst), field(t, packDRS)
	src, rs, n := field(t, packSrc), field(t, packSRS), field(t, packKB)
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
