package vec

import (
	"math"
	"unsafe"
)

// A quantizeFunc and a dequantizeFunc take n elements, a multiple of convertGroup.
type (
	quantizeFunc   func(dst *byte, x *float32, n int, scale, inv, sure, zero, lo, hi float32)
	dequantizeFunc func(dst *float32, x *byte, n int, scale, zero float32)
)

// Quantize sets dst[i] to x[i]/scale, rounded to nearest even, plus the whole number zero, kept in the range of D. NaN
// becomes the least of D.
func Quantize[D int8 | uint8](dst []D, x []float32, scale, zero float32) {
	x = x[:len(dst)]
	lo, hi := float32(Lowest[D]()), float32(Highest[D]())
	n, f := 0, active.quantizeU8
	if lo < 0 {
		f = active.quantizeI8
	}
	if f != nil {
		n = len(dst) &^ (convertGroup - 1)
		inv, sure := inverse(scale)
		for at := 0; at < n; at += block {
			f((*byte)(unsafe.Pointer(&dst[at])), &x[at], min(block, n-at), scale, inv, sure, zero, lo, hi)
		}
	}
	for i, v := range x[n:] {
		q := float32(math.RoundToEven(float64(v/scale))) + zero
		if !(q > lo) {
			q = lo
		}
		dst[n+i] = D(min(q, hi))
	}
}

// inverse returns 1/scale, and how far from a whole number a product with it may lie to be rounded as the quotient is. Up to
// 383, beyond which no byte with a zero point reaches, the two differ by three roundings: 7e-5. Where 1/scale is not a
// normal number no product will do.
func inverse(scale float32) (inv, sure float32) {
	const least, sureOf = 0x1p-126, 0.4999
	if inv = 1 / scale; scale >= least && inv >= least && !math.IsInf(float64(inv), 0) {
		return inv, sureOf
	}
	return 1, -1
}

// Dequantize sets dst[i] to (x[i]-zero)*scale.
func Dequantize[S int8 | uint8](dst []float32, x []S, scale, zero float32) {
	x = x[:len(dst)]
	n := 0
	f := active.dequantizeU8
	if Lowest[S]() < 0 {
		f = active.dequantizeI8
	}
	if f != nil {
		n = len(dst) &^ (convertGroup - 1)
		for at := 0; at < n; at += block {
			f(&dst[at], (*byte)(unsafe.Pointer(&x[at])), min(block, n-at), scale, zero)
		}
	}
	for i, v := range x[n:] {
		dst[n+i] = (float32(v) - zero) * scale
	}
}
