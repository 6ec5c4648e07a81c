package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tiles1 emits the transpose of a row of 16x16 tiles of bytes. Rows 0 to 7 lie in the lower halves of eight registers, rows
// 8 to 15 in the upper ones; three rounds of interleaving turn the bits of the row number into the low bits of the position.
func tiles1() {
	tiles("tiles1AVX2", 16, func(dst, src reg.GPVirtual, ds, ss [4]reg.GPVirtual) {
		low, dstLow := GP64(), GP64()
		LEAQ(Mem{Base: src, Index: ss[0], Scale: 8}, low)
		LEAQ(Mem{Base: dst, Index: ds[0], Scale: 8}, dstLow)
		var x [8]reg.VecVirtual
		for i := range x {
			x[i] = YMM()
			VBROADCASTI128(row(src, ss, i, 0), x[i])
			VINSERTI128(U8(1), row(low, ss, i, 0), x[i], x[i])
		}
		for range 3 {
			var y [8]reg.VecVirtual
			for i := range 4 {
				y[2*i], y[2*i+1] = YMM(), YMM()
				VPUNPCKLBW(x[i+4], x[i], y[2*i])
				VPUNPCKHBW(x[i+4], x[i], y[2*i+1])
			}
			x = y
		}
		for i, v := range x { // columns 2i and 2i+1
			to, at := dst, 2*i
			if i >= 4 {
				to, at = dstLow, at-8
			}
			VPERMQ(U8(0xd8), v, v)
			VMOVDQU(v.AsX(), row(to, ds, at, 0))
			VEXTRACTI128(U8(1), v, row(to, ds, at+1, 0))
		}
		LEAQ(Mem{Base: low, Index: ss[0], Scale: 8}, src)
	})
}

// tiles8 emits the transpose of a row of 16x16 tiles of elements of 8 bytes, as 4x4 blocks: those of four rows of dst one after the
// other, or of src.
func tiles8(name string, lines side) {
	tiles(name, 128, func(dst, src reg.GPVirtual, ds, ss [4]reg.GPVirtual) {
		if lines == ofDst {
			to := GP64()
			MOVQ(dst, to)
			var from reg.GPVirtual
			for i := range 4 { // rows 4*i and on of dst
				from = GP64()
				MOVQ(src, from)
				for band := range 4 {
					block8(to, from, ds, ss, 32*band, 32*i)
					LEAQ(Mem{Base: from, Index: ss[0], Scale: 4}, from)
				}
				if i < 3 {
					LEAQ(Mem{Base: to, Index: ds[0], Scale: 4}, to)
				}
			}
			MOVQ(from, src)
			return
		}
		for band := range 4 { // rows 4*band and on of src
			to := GP64()
			MOVQ(dst, to)
			for i := range 4 {
				block8(to, src, ds, ss, 32*band, 32*i)
				if i < 3 {
					LEAQ(Mem{Base: to, Index: ds[0], Scale: 4}, to)
				}
			}
			LEAQ(Mem{Base: src, Index: ss[0], Scale: 4}, src)
		}
	})
}

// block8 transposes 4x4 elements of 8 bytes, joining half rows as they are loaded.
func block8(dst, src reg.GPVirtual, ds, ss [4]reg.GPVirtual, dstDisp, srcDisp int) {
	for half := range 2 {
		var t [2]reg.VecVirtual
		for i := range t {
			t[i] = YMM()
			VBROADCASTF128(row(src, ss, i, srcDisp+16*half), t[i])
			VINSERTF128(U8(1), row(src, ss, i+2, srcDisp+16*half), t[i], t[i])
		}
		lo, hi := YMM(), YMM()
		VUNPCKLPD(t[1], t[0], lo)
		VUNPCKHPD(t[1], t[0], hi)
		VMOVUPD(lo, row(dst, ds, 2*half, dstDisp))
		VMOVUPD(hi, row(dst, ds, 2*half+1, dstDisp))
	}
}

// tiles2 emits the transpose of a row of 16x16 tiles of elements of 2 bytes, as four 8x8 blocks each.
func tiles2() {
	tiles("tiles2AVX2", 32, func(dst, src reg.GPVirtual, ds, ss [4]reg.GPVirtual) {
		dstLow := GP64()
		LEAQ(Mem{Base: dst, Index: ds[0], Scale: 8}, dstLow)
		for half := range 2 {
			block2(dst, src, ds, ss, 16*half, 0)
			block2(dstLow, src, ds, ss, 16*half, 16)
			LEAQ(Mem{Base: src, Index: ss[0], Scale: 8}, src)
		}
	})
}

// block2 transposes 8x8 elements of 2 bytes as tiles1 does: rows 4 to 7 lie in the upper halves.
func block2(dst, src reg.GPVirtual, ds, ss [4]reg.GPVirtual, dstDisp, srcDisp int) {
	var x [4]reg.VecVirtual
	for i := range x {
		x[i] = YMM()
		VBROADCASTI128(row(src, ss, i, srcDisp), x[i])
		VINSERTI128(U8(1), row(src, ss, i+4, srcDisp), x[i], x[i])
	}
	for range 2 {
		var y [4]reg.VecVirtual
		for i := range 2 {
			y[2*i], y[2*i+1] = YMM(), YMM()
			VPUNPCKLWD(x[i+2], x[i], y[2*i])
			VPUNPCKHWD(x[i+2], x[i], y[2*i+1])
		}
		x = y
	}
	for i, v := range x { // columns 2i and 2i+1
		VPERMQ(U8(0xd8), v, v)
		VMOVDQU(v.AsX(), row(dst, ds, 2*i, dstDisp))
		VEXTRACTI128(U8(1), v, row(dst, ds, 2*i+1, dstDisp))
	}
}
