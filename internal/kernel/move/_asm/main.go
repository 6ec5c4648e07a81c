// Command _asm writes zmove_amd64.s and zstubs_amd64.go of package move. Run it through go generate in
// the package's folder.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!purego")
	tiles1()
	tiles2()
	tiles4("tiles4AVX2", ofDst)
	tiles4("tiles4SrcAVX2", ofSrc)
	tiles4Wide()
	tiles8("tiles8AVX2", ofSrc)
	tiles8("tiles8DstAVX2", ofDst)
	for n := 2; n <= 4; n++ {
		zip(n, false)
		zip(n, true)
	}
	rows()
	rowsAt()
	for width := 1; width <= 8; width *= 2 {
		second(width)
		for bits := 32; bits <= 64; bits *= 2 {
			take(width, bits, false)
			take(width, bits, true)
		}
	}
	Generate()
}

// tiles4 emits the transpose of a row of 16x16 tiles as four 8x8 blocks each: whole cache lines of both
// sides are done at once, those of dst one after the other, or of src.
func tiles4(name string, lines side) {
	tiles(name, 64, func(dst, src reg.GPVirtual, ds, ss [4]reg.GPVirtual) {
		srcLow, dstLow := GP64(), GP64()
		MOVQ(src, srcLow)
		LEAQ(Mem{Base: src, Index: ss[0], Scale: 8}, src)
		LEAQ(Mem{Base: dst, Index: ds[0], Scale: 8}, dstLow)
		block(dst, srcLow, ds, ss, 0, 0)
		if lines == ofDst {
			block(dst, src, ds, ss, 32, 0)
			block(dstLow, srcLow, ds, ss, 0, 32)
		} else {
			block(dstLow, srcLow, ds, ss, 0, 32)
			block(dst, src, ds, ss, 32, 0)
		}
		block(dstLow, src, ds, ss, 32, 32)
		LEAQ(Mem{Base: src, Index: ss[0], Scale: 8}, src)
	})
}

// A side is the one whose cache lines a tile is done with one after the other. Those of crowded rows push each other out.
type side bool

const (
	ofDst side = false
	ofSrc side = true
)

// tiles emits a function that transposes tiles from left to right, each of which has width bytes in dst. body leaves src behind the tile.
func tiles(name string, width int, body func(dst, src reg.GPVirtual, ds, ss [4]reg.GPVirtual)) {
	TEXT(name, NOSPLIT, "func(dst, src *byte, count, dstStride, srcStride int)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	src := Load(Param("src"), GP64()).(reg.GPVirtual)
	count := Load(Param("count"), GP64()).(reg.GPVirtual)
	ds := rowOffsets(Load(Param("dstStride"), GP64()).(reg.GPVirtual))
	ss := rowOffsets(Load(Param("srcStride"), GP64()).(reg.GPVirtual))
	Label("tile")
	TESTQ(count, count)
	JE(LabelRef("done"))
	body(dst, src, ds, ss)
	ADDQ(U32(uint32(width)), dst)
	DECQ(count)
	JMP(LabelRef("tile"))
	Label("done")
	VZEROUPPER()
	RET()
}

// rowOffsets returns registers with 1, 3, 5 and 7 times the stride.
func rowOffsets(stride reg.GPVirtual) [4]reg.GPVirtual {
	r := [4]reg.GPVirtual{stride, GP64(), GP64(), GP64()}
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, r[1])
	LEAQ(Mem{Base: stride, Index: stride, Scale: 4}, r[2])
	LEAQ(Mem{Base: r[1], Index: stride, Scale: 4}, r[3])
	return r
}

// row returns the address of row i, 0 <= i < 8, at a byte offset.
func row(base reg.GPVirtual, off [4]reg.GPVirtual, i, disp int) Mem {
	switch i {
	case 0:
		return Mem{Base: base, Disp: disp}
	case 2, 4:
		return Mem{Base: base, Index: off[0], Scale: uint8(i), Disp: disp}
	case 6:
		return Mem{Base: base, Index: off[1], Scale: 2, Disp: disp}
	}
	return Mem{Base: base, Index: off[i/2], Scale: 1, Disp: disp}
}

// block transposes 8x8 elements. Loads of half rows, joined by 128-bit inserts, save the lane crossings.
func block(dst, src reg.GPVirtual, ds, ss [4]reg.GPVirtual, dstDisp, srcDisp int) {
	var t, u [8]reg.VecVirtual
	for half := range 2 {
		for i := range 4 {
			v := YMM()
			VBROADCASTF128(row(src, ss, i, srcDisp+16*half), v)
			VINSERTF128(U8(1), row(src, ss, i+4, srcDisp+16*half), v, v)
			t[4*half+i] = v
		}
	}
	for half := range 2 {
		h := 4 * half
		for i := range 2 {
			lo, hi := YMM(), YMM()
			VUNPCKLPS(t[h+2*i+1], t[h+2*i], lo)
			VUNPCKHPS(t[h+2*i+1], t[h+2*i], hi)
			u[h+2*i], u[h+2*i+1] = lo, hi
		}
		for i := range 4 {
			out := YMM()
			imm := uint8(0x44)
			if i%2 == 1 {
				imm = 0xee
			}
			VSHUFPS(U8(imm), u[h+2+i/2], u[h+i/2], out)
			VMOVUPS(out, row(dst, ds, h+i, dstDisp))
		}
	}
}
