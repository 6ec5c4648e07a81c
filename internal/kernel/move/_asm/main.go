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
	tiles4()
	tiles4Wide()
	tiles8("tiles8AVX2", ofSrc)
	tiles8("tiles8DstAVX2", ofDst)
	for n := 2; n <= 4; n++ {
		zip(n, false)
		zip(n, true)
	}
	rows("rowsAVX2", near)
	rows("rowsFarAVX2", far)
	rows("rowsStreamAVX2", stream)
	claim()
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

// tiles4 emits the transpose of a row of 16x16 tiles in quarters of four rows of dst, whose lines are stored as a whole.
func tiles4() {
	tiles("tiles4AVX2", 64, func(dst, src reg.GPVirtual, ds, ss [4]reg.GPVirtual) {
		low, dstLow := GP64(), GP64()
		LEAQ(Mem{Base: src, Index: ss[0], Scale: 8}, low)
		LEAQ(Mem{Base: dst, Index: ds[0], Scale: 8}, dstLow)
		for quarter := range 4 {
			to := dst
			if quarter >= 2 {
				to = dstLow
			}
			for half, from := range []reg.GPVirtual{src, low} {
				block(to, from, ds, ss, 4*(quarter%2), 32*half, 16*quarter)
			}
		}
		LEAQ(Mem{Base: low, Index: ss[0], Scale: 8}, src)
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

// block transposes eight rows of four elements to rows first to first+3 of dst. Loads of half vectors, joined by 128-bit inserts,
// save the lane crossings.
func block(dst, src reg.GPVirtual, ds, ss [4]reg.GPVirtual, first, dstDisp, srcDisp int) {
	var t, u [4]reg.VecVirtual
	for i := range t {
		t[i] = YMM()
		VBROADCASTF128(row(src, ss, i, srcDisp), t[i])
		VINSERTF128(U8(1), row(src, ss, i+4, srcDisp), t[i], t[i])
	}
	for i := range 2 {
		u[2*i], u[2*i+1] = YMM(), YMM()
		VUNPCKLPS(t[2*i+1], t[2*i], u[2*i])
		VUNPCKHPS(t[2*i+1], t[2*i], u[2*i+1])
	}
	for i := range 4 {
		out := YMM()
		VSHUFPS(U8(0x44+0xaa*(i%2)), u[2+i/2], u[i/2], out)
		VMOVUPS(out, row(dst, ds, first+i, dstDisp))
	}
}
