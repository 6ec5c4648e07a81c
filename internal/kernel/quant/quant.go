// Package quant holds the loops over quantised bytes: lookup tables, sums and products of two tensors, pooling, softmax,
// and exact products of matrices of bytes with what becomes of their sums.
//
// A byte q stands for the number (q - Zero) * Scale. Results are rounded to the nearest byte, ties to even, and kept in
// the range of the type. All arithmetic between bytes is float32, in the order that ONNX Runtime uses.
//
// It may import internal/par, internal/kernel/vec and internal/kernel/gemm.
package quant

import "math"

// Byte is an element type of quantised tensors.
type Byte interface{ int8 | uint8 }

// Params say what the bytes of a tensor stand for.
type Params struct {
	Scale float32
	Zero  int32
}

// span returns the smallest and the largest value of T.
func span[T Byte]() (lo, hi int32) {
	if T(0)-1 < 0 {
		return math.MinInt8, math.MaxInt8
	}
	return 0, math.MaxUint8
}

// rounder rounds numbers to bytes of one type around a zero point.
type rounder struct {
	lo, hi float32 // bounds of what is rounded
	zero   int32
}

func newRounder[T Byte](zero int32) rounder {
	lo, hi := span[T]()
	return rounder{float32(lo - zero), float32(hi - zero), zero}
}

// magic moves the fraction of a small float32 out of its bits: adding it rounds to nearest even.
const magic = 3 << 22

// round returns the byte nearest to x plus the zero point, as an integer. NaN gives the lowest byte.
func (r *rounder) round(x float32) int32 {
	if !(x > r.lo) {
		x = r.lo
	}
	if x > r.hi {
		x = r.hi
	}
	return int32(math.Float32bits(x+magic)) - int32(math.Float32bits(magic)) + r.zero
}
