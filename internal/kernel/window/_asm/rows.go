package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in RowArgs.
const (
	rowDst, rowDst2, rowSrc                  = 0, 24, 48
	rowRows, rowCols, rowDstStep, rowSrcStep = 72, 80, 88, 96
	rowSrc2                                  = 104
)

func copyRows(v isa) {
	TEXT("copyRows"+v.Name, NOSPLIT, "func(a *byte)")
	Doc("copyRows" + v.Name + " is copyRowsGeneric.")
	a := Load(Param("a"), GP64())
	dst, src := Field(a, rowDst), Field(a, rowSrc)
	rows, cols := Field(a, rowRows), Field(a, rowCols)
	ds, ss := Field(a, rowDstStep), Field(a, rowSrcStep)
	SHLQ(U8(2), ds)
	SHLQ(U8(2), ss)
	tail := GP64()
	MOVQ(cols, tail)
	ANDQ(U32(uint32(v.Lanes-1)), tail)
	m := v.newMask()
	v.setCount(m, tail)
	Loop("rows", rows, 1, func() {
		p, q, n := GP64(), GP64(), GP64()
		MOVQ(src, p)
		MOVQ(dst, q)
		MOVQ(cols, n)
		Loop("cols", n, v.Lanes, func() {
			x := v.Vec()
			v.load(nil, Mem{Base: p}, x)
			v.store(nil, x, Mem{Base: q})
			ADDQ(U32(uint32(v.Bytes())), p)
			ADDQ(U32(uint32(v.Bytes())), q)
		})
		TESTQ(n, n)
		JE(LabelRef("full"))
		x := v.Vec()
		v.load(&m, Mem{Base: p}, x)
		v.store(&m, x, Mem{Base: q})
		Label("full")
		ADDQ(ss, src)
		ADDQ(ds, dst)
	})
	VZEROUPPER()
	RET()
}

func splitRows(v isa) {
	TEXT("splitRows"+v.Name, NOSPLIT, "func(a *byte)")
	Doc("splitRows" + v.Name + " is splitRowsGeneric.")
	a := Load(Param("a"), GP64())
	dst, dst2, src := Field(a, rowDst), Field(a, rowDst2), Field(a, rowSrc)
	rows, cols := Field(a, rowRows), Field(a, rowCols)
	ds, ss := Field(a, rowDstStep), Field(a, rowSrcStep)
	SHLQ(U8(2), ds)
	SHLQ(U8(2), ss)
	ei, oi := v.Vec(), v.Vec()
	if v.Wide() {
		VMOVDQU32(evenIdx, ei)
		VMOVDQU32(oddIdx, oi)
	}
	Loop("rows", rows, 1, func() {
		p, q, q2, n := GP64(), GP64(), GP64(), GP64()
		MOVQ(src, p)
		MOVQ(dst, q)
		MOVQ(dst2, q2)
		MOVQ(cols, n)
		Loop("cols", n, 2*v.Lanes, func() {
			x, y, e, o := v.Vec(), v.Vec(), v.Vec(), v.Vec()
			v.load(nil, Mem{Base: p}, x)
			v.load(nil, Mem{Base: p, Disp: v.Bytes()}, y)
			if v.Wide() {
				VMOVDQA32(ei, e)
				VMOVDQA32(oi, o)
				VPERMI2PS(y, x, e)
				VPERMI2PS(y, x, o)
			} else {
				VSHUFPS(U8(0x88), y, x, e)
				VSHUFPS(U8(0xdd), y, x, o)
				VPERMPD(U8(0xd8), e, e)
				VPERMPD(U8(0xd8), o, o)
			}
			v.store(nil, e, Mem{Base: q})
			v.store(nil, o, Mem{Base: q2})
			ADDQ(U32(uint32(2*v.Bytes())), p)
			ADDQ(U32(uint32(v.Bytes())), q)
			ADDQ(U32(uint32(v.Bytes())), q2)
		})
		v.splitHalf(n, p, q, q2, ei, oi)
		t := GP32()
		Loop("pairs", n, 2, func() {
			MOVL(Mem{Base: p}, t)
			MOVL(t, Mem{Base: q})
			MOVL(Mem{Base: p, Disp: 4}, t)
			MOVL(t, Mem{Base: q2})
			ADDQ(U8(8), p)
			ADDQ(U8(4), q)
			ADDQ(U8(4), q2)
		})
		TESTQ(n, n)
		JE(LabelRef("even"))
		MOVL(Mem{Base: p}, t)
		MOVL(t, Mem{Base: q})
		Label("even")
		ADDQ(ss, src)
		ADDQ(ds, dst)
		ADDQ(ds, dst2)
	})
	VZEROUPPER()
	RET()
}

// mergePair interleaves vectors x and y to e, o.
func (v isa) mergePair(x, y, lo, hi, e, o reg.VecVirtual) {
	if v.Wide() {
		VMOVDQA32(lo, e)
		VMOVDQA32(hi, o)
		VPERMI2PS(y, x, e)
		VPERMI2PS(y, x, o)
		return
	}
	a, b := v.Vec(), v.Vec()
	VUNPCKLPS(y, x, a)
	VUNPCKHPS(y, x, b)
	VPERM2F128(U8(0x20), b, a, e)
	VPERM2F128(U8(0x31), b, a, o)
}

func mergeRows(v isa) {
	TEXT("mergeRows"+v.Name, NOSPLIT, "func(a *byte)")
	Doc("mergeRows" + v.Name + " is mergeRowsGeneric.")
	a := Load(Param("a"), GP64())
	dst, src, src2 := Field(a, rowDst), Field(a, rowSrc), Field(a, rowSrc2)
	rows, cols := Field(a, rowRows), Field(a, rowCols)
	ds, ss := Field(a, rowDstStep), Field(a, rowSrcStep)
	SHLQ(U8(2), ds)
	SHLQ(U8(2), ss)
	lo, hi := v.Vec(), v.Vec()
	if v.Wide() {
		VMOVDQU32(mergeLo, lo)
		VMOVDQU32(mergeHi, hi)
	}
	Loop("rows", rows, 1, func() {
		p, p2, q, n := GP64(), GP64(), GP64(), GP64()
		MOVQ(src, p)
		MOVQ(src2, p2)
		MOVQ(dst, q)
		MOVQ(cols, n)
		Loop("cols", n, 2*v.Lanes, func() {
			x, y, e, o := v.Vec(), v.Vec(), v.Vec(), v.Vec()
			v.load(nil, Mem{Base: p}, x)
			v.load(nil, Mem{Base: p2}, y)
			v.mergePair(x, y, lo, hi, e, o)
			v.store(nil, e, Mem{Base: q})
			v.store(nil, o, Mem{Base: q, Disp: v.Bytes()})
			ADDQ(U32(uint32(v.Bytes())), p)
			ADDQ(U32(uint32(v.Bytes())), p2)
			ADDQ(U32(uint32(2*v.Bytes())), q)
		})
		t := GP32()
		Loop("pairs", n, 2, func() {
			MOVL(Mem{Base: p}, t)
			MOVL(t, Mem{Base: q})
			MOVL(Mem{Base: p2}, t)
			MOVL(t, Mem{Base: q, Disp: 4})
			ADDQ(U8(4), p)
			ADDQ(U8(4), p2)
			ADDQ(U8(8), q)
		})
		TESTQ(n, n)
		JE(LabelRef("even"))
		MOVL(Mem{Base: p}, t)
		MOVL(t, Mem{Base: q})
		Label("even")
		ADDQ(ss, src)
		ADDQ(ss, src2)
		ADDQ(ds, dst)
	})
	VZEROUPPER()
	RET()
}

// splitHalf splits one vector to two halves of one, if at least that much is left.
func (v isa) splitHalf(n, p, q, q2 gp, ei, oi reg.VecVirtual) {
	Loop("half", n, v.Lanes, func() {
		if v.Wide() {
			x, e, o := ZMM(), ZMM(), ZMM()
			VMOVUPS(Mem{Base: p}, x)
			VPERMPS(x, ei, e)
			VPERMPS(x, oi, o)
			VMOVUPS(e.AsY(), Mem{Base: q})
			VMOVUPS(o.AsY(), Mem{Base: q2})
		} else {
			x, y, e, o := XMM(), XMM(), XMM(), XMM()
			VMOVUPS(Mem{Base: p}, x)
			VMOVUPS(Mem{Base: p, Disp: 16}, y)
			VSHUFPS(U8(0x88), y, x, e)
			VSHUFPS(U8(0xdd), y, x, o)
			VMOVUPS(e, Mem{Base: q})
			VMOVUPS(o, Mem{Base: q2})
		}
		ADDQ(U32(uint32(v.Bytes())), p)
		ADDQ(U32(uint32(v.Bytes()/2)), q)
		ADDQ(U32(uint32(v.Bytes()/2)), q2)
	})
}

// Offsets in PackArgs and Seg.
const (
	packSrc, packDst, packOff, packOffLen = 0, 24, 48, 56
	packSegs, packSegsLen, packStep       = 72, 80, 96
	segDelta, segLanes, segSize           = 0, 8, 16
)

func packTaps(v isa) {
	TEXT("packTaps"+v.Name, NOSPLIT, "func(a *byte)")
	Doc("packTaps" + v.Name + " is packTapsGeneric.")
	a := Load(Param("a"), GP64())
	src, dst, off, n := Field(a, packSrc), Field(a, packDst), Field(a, packOff), Field(a, packOffLen)
	segs, ns, step := Field(a, packSegs), Field(a, packSegsLen), Field(a, packStep)
	SHLQ(U8(2), step)
	for i := 1; i <= 3; i++ {
		CMPQ(ns, U8(uint8(i)))
		JE(LabelRef("segs" + string(rune('0'+i))))
	}
	packMany(v, [7]gp{src, dst, off, n, segs, ns, step})
	VZEROUPPER()
	RET()
	for i := 1; i <= 3; i++ {
		Label("segs" + string(rune('0'+i)))
		packFew(v, i, [7]gp{src, dst, off, n, segs, ns, step})
		VZEROUPPER()
		RET()
	}
}
