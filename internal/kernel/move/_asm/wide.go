package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tiles4Wide emits tiles4 with whole cache lines loaded and stored at once: rows a multiple of 4 kB apart fall into the same few
// places of the cache, and a line that is taken by halves may have been pushed out in between.
func tiles4Wide() {
	tiles("tiles4AVX512", 64, func(dst, src reg.GPVirtual, ds, ss [4]reg.GPVirtual) {
		low := GP64()
		LEAQ(Mem{Base: src, Index: ss[0], Scale: 8}, low)
		var x [16]reg.VecVirtual
		for i := range x {
			x[i] = ZMM()
			if i < 8 {
				VMOVUPS(row(src, ss, i, 0), x[i])
			} else {
				VMOVUPS(row(low, ss, i-8, 0), x[i])
			}
		}
		// Within lanes: x[4g+c] becomes column c of each lane, of rows 4g to 4g+3.
		for g := 0; g < 16; g += 4 {
			var u [4]reg.VecVirtual
			for i := range 2 {
				u[2*i], u[2*i+1] = ZMM(), ZMM()
				VUNPCKLPS(x[g+2*i+1], x[g+2*i], u[2*i])
				VUNPCKHPS(x[g+2*i+1], x[g+2*i], u[2*i+1])
			}
			for i := range 4 {
				x[g+i] = ZMM()
				VSHUFPS(U8(0x44+0xaa*(i%2)), u[2+i/2], u[i/2], x[g+i])
			}
		}
		// Lanes: column 4l+c takes lane l of the four vectors of c.
		to := [2]reg.GPVirtual{dst, GP64()}
		LEAQ(Mem{Base: dst, Index: ds[0], Scale: 8}, to[1])
		for c := range 4 {
			var u [4]reg.VecVirtual
			for i := range 2 {
				a, b := x[8*i+c], x[8*i+4+c]
				u[2*i], u[2*i+1] = ZMM(), ZMM()
				VSHUFF32X4(U8(0x88), b, a, u[2*i])
				VSHUFF32X4(U8(0xdd), b, a, u[2*i+1])
			}
			for l := range 4 {
				out := ZMM()
				VSHUFF32X4(U8(0x88+0x55*(l/2)), u[2+l%2], u[l%2], out)
				VMOVUPS(out, row(to[l/2], ds, 4*(l%2)+c, 0))
			}
		}
		LEAQ(Mem{Base: low, Index: ss[0], Scale: 8}, src)
	})
}
