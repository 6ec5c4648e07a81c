package ops

import (
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
	small "github.com/onnxrun/onnxrun/tensor/num"
)

// loadFloats sets dst to elements lo, lo+1, ... of t, a tensor of floats of whole bytes. It reports whether t is one.
func loadFloats(dst []float64, t *tensor.Tensor, lo int) bool {
	n := lo + len(dst)
	switch t.DType() {
	case tensor.Float64:
		copy(dst, tensor.Of[float64](t)[lo:n])
	case tensor.Float32:
		vec.Convert(dst, tensor.Of[float32](t)[lo:n])
	case tensor.Float16:
		decodeFloats(dst, tensor.Of[tensor.Float16Bits](t)[lo:n])
	case tensor.BFloat16:
		decodeFloats(dst, tensor.Of[tensor.BFloat16Bits](t)[lo:n])
	case tensor.Float8E4M3FN:
		decodeFloats(dst, tensor.Of[tensor.Float8E4M3FNBits](t)[lo:n])
	case tensor.Float8E4M3FNUZ:
		decodeFloats(dst, tensor.Of[tensor.Float8E4M3FNUZBits](t)[lo:n])
	case tensor.Float8E5M2:
		decodeFloats(dst, tensor.Of[tensor.Float8E5M2Bits](t)[lo:n])
	case tensor.Float8E5M2FNUZ:
		decodeFloats(dst, tensor.Of[tensor.Float8E5M2FNUZBits](t)[lo:n])
	default:
		return false
	}
	return true
}

func decodeFloats[T interface{ Float32() float32 }](dst []float64, src []T) {
	for i, v := range src {
		dst[i] = float64(v.Float32())
	}
}

// storeFloats sets elements lo, lo+1, ... of t, a tensor of floats of whole bytes, to src, rounded to nearest even; the
// 8-bit floats saturate. It reports whether t is one.
func storeFloats(t *tensor.Tensor, lo int, src []float64) bool {
	n := lo + len(src)
	switch t.DType() {
	case tensor.Float64:
		copy(tensor.Of[float64](t)[lo:n], src)
	case tensor.Float32:
		vec.Convert(tensor.Of[float32](t)[lo:n], src)
	case tensor.Float16:
		encodeFloats(tensor.Of[tensor.Float16Bits](t)[lo:n], src, small.ToFloat16)
	case tensor.BFloat16:
		encodeFloats(tensor.Of[tensor.BFloat16Bits](t)[lo:n], src, small.ToBFloat16)
	case tensor.Float8E4M3FN:
		encodeFloats(tensor.Of[tensor.Float8E4M3FNBits](t)[lo:n], src, func(x float64) small.Float8E4M3FN { return small.ToFloat8E4M3FN(x, true) })
	case tensor.Float8E4M3FNUZ:
		encodeFloats(tensor.Of[tensor.Float8E4M3FNUZBits](t)[lo:n], src, func(x float64) small.Float8E4M3FNUZ { return small.ToFloat8E4M3FNUZ(x, true) })
	case tensor.Float8E5M2:
		encodeFloats(tensor.Of[tensor.Float8E5M2Bits](t)[lo:n], src, func(x float64) small.Float8E5M2 { return small.ToFloat8E5M2(x, true) })
	case tensor.Float8E5M2FNUZ:
		encodeFloats(tensor.Of[tensor.Float8E5M2FNUZBits](t)[lo:n], src, func(x float64) small.Float8E5M2FNUZ { return small.ToFloat8E5M2FNUZ(x, true) })
	default:
		return false
	}
	return true
}

func encodeFloats[T any](dst []T, src []float64, encode func(float64) T) {
	for i, v := range src {
		dst[i] = encode(v)
	}
}
