package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets of packArgs.
const packDst, packSrc, packDRS, packSRS, packKB = 0, 8, 16, 24, 32

// prefetchRows is how many rows ahead copyRows asks for: rows may lie pages apart,
// where no hardware looks ahead.
const prefetchRows = 12

// copyRows generates the packing of one panel from rows of contiguous elements.
func copyRows(s isa) {
	name := "copyRows" + s.Name
	t := begin(name, "packArgs", name+" packs rows of two vectors: dst(k, j) = src(k, j), rows drs and srs bytes apart.")
	dst, drs := Field(t, packDst), Field(t, packDRS)
	src, rs, n := Field(t, packSrc), Field(t, packSRS), Field(t, packKB)
	ahead := GP64()
	IMUL3Q(Imm(prefetchRows), rs, ahead)
	Label("loop")
	v := s.Vecs(2)
	PREFETCHT0(Mem{Base: src, Index: ahead, Scale: 1})
	if s.Wide() {
		PREFETCHT0(Mem{Base: src, Index: ahead, Scale: 1, Disp: 64})
	}
	for i, x := range v {
		VMOVUPS(Mem{Base: src, Disp: i * s.Bytes()}, x)
		VMOVUPS(x, Mem{Base: dst, Disp: i * s.Bytes()})
	}
	ADDQ(rs, src)
	ADDQ(drs, dst)
	DECQ(n)
	JNZ(LabelRef("loop"))
	End()
}
