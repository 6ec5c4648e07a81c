package ops

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
	small "github.com/onnxrun/onnxrun/tensor/num"
)

// quantTypes are the element types of quantised tensors.
const quantTypes = 1<<tensor.Int8 | 1<<tensor.Uint8 | 1<<tensor.Int16 | 1<<tensor.Uint16 | float8&^(1<<tensor.Float8E8M0) | packed | float6

// quantTile is the number of elements that are converted at a time; a multiple of every packing.
const quantTile = 1024

// loadCodes sets dst to the values of elements lo, lo+1, ... of t. It reports whether the element type is known.
func loadCodes(dst []float32, t *tensor.Tensor, lo int) bool {
	n := lo + len(dst)
	switch t.DType() {
	case tensor.Float32:
		copy(dst, tensor.Of[float32](t)[lo:n])
	case tensor.Float64:
		vec.Convert(dst, tensor.Of[float64](t)[lo:n])
	case tensor.Float16:
		vec.Widen(dst, tensor.Of[tensor.Float16Bits](t)[lo:n])
	case tensor.BFloat16:
		vec.Widen(dst, tensor.Of[tensor.BFloat16Bits](t)[lo:n])
	case tensor.Int8:
		vec.Convert(dst, tensor.Of[int8](t)[lo:n])
	case tensor.Uint8:
		vec.Convert(dst, tensor.Of[uint8](t)[lo:n])
	case tensor.Int16:
		vec.Convert(dst, tensor.Of[int16](t)[lo:n])
	case tensor.Uint16:
		vec.Convert(dst, tensor.Of[uint16](t)[lo:n])
	case tensor.Int32:
		vec.Convert(dst, tensor.Of[int32](t)[lo:n])
	case tensor.Float8E4M3FN:
		small.Widen(dst, tensor.Of[tensor.Float8E4M3FNBits](t)[lo:n])
	case tensor.Float8E4M3FNUZ:
		small.Widen(dst, tensor.Of[tensor.Float8E4M3FNUZBits](t)[lo:n])
	case tensor.Float8E5M2:
		small.Widen(dst, tensor.Of[tensor.Float8E5M2Bits](t)[lo:n])
	case tensor.Float8E5M2FNUZ:
		small.Widen(dst, tensor.Of[tensor.Float8E5M2FNUZBits](t)[lo:n])
	case tensor.Float8E8M0:
		small.Widen(dst, tensor.Of[tensor.Float8E8M0Bits](t)[lo:n])
	case tensor.Int4, tensor.Uint4, tensor.Int2, tensor.Uint2, tensor.Float4E2M1, tensor.Float6E2M3, tensor.Float6E3M2:
		loadPacked(dst, t, lo)
	default:
		return false
	}
	return true
}

// loadPacked is loadCodes for elements of less than a byte.
func loadPacked(dst []float32, t *tensor.Tensor, lo int) {
	d := t.DType()
	bits := d.Bits()
	var codes [quantTile]byte
	for len(dst) > 0 {
		skip := lo % 4 // 4 elements are whole bytes, of whatever width
		n := min(len(dst), quantTile-skip)
		small.Unpack(codes[:skip+n], t.Bytes()[(lo-skip)*bits/8:], bits)
		for i, code := range codes[skip : skip+n] {
			switch d {
			case tensor.Float4E2M1:
				dst[i] = small.Float4E2M1(code).Float32()
			case tensor.Float6E2M3:
				dst[i] = small.Float6E2M3(code).Float32()
			case tensor.Float6E3M2:
				dst[i] = small.Float6E3M2(code).Float32()
			case tensor.Int4, tensor.Int2:
				dst[i] = float32(int8(code<<(8-bits)) >> (8 - bits))
			default:
				dst[i] = float32(code)
			}
		}
		dst, lo = dst[n:], lo+n
	}
}

// storeCodes sets elements lo, lo+1, ... of t to src, rounded to nearest even and kept in the range of the type. lo is a
// multiple of quantTile. Whole numbers are expected for integers; src may be overwritten.
func storeCodes(t *tensor.Tensor, lo int, src []float32, saturate bool) bool {
	n := lo + len(src)
	switch t.DType() {
	case tensor.Int8:
		vec.Saturate(tensor.Of[int8](t)[lo:n], src)
	case tensor.Uint8:
		vec.Saturate(tensor.Of[uint8](t)[lo:n], src)
	case tensor.Int16:
		storeInts(tensor.Of[int16](t)[lo:n], src, math.MinInt16, math.MaxInt16)
	case tensor.Uint16:
		storeInts(tensor.Of[uint16](t)[lo:n], src, 0, math.MaxUint16)
	case tensor.Float32:
		copy(tensor.Of[float32](t)[lo:n], src)
	case tensor.Float16:
		vec.Narrow(tensor.Of[tensor.Float16Bits](t)[lo:n], src)
	case tensor.BFloat16:
		vec.Narrow(tensor.Of[tensor.BFloat16Bits](t)[lo:n], src)
	case tensor.Float8E4M3FN:
		small.Narrow(tensor.Of[tensor.Float8E4M3FNBits](t)[lo:n], src, func(x float64) small.Float8E4M3FN { return small.ToFloat8E4M3FN(x, saturate) })
	case tensor.Float8E4M3FNUZ:
		small.Narrow(tensor.Of[tensor.Float8E4M3FNUZBits](t)[lo:n], src, func(x float64) small.Float8E4M3FNUZ { return small.ToFloat8E4M3FNUZ(x, saturate) })
	case tensor.Float8E5M2:
		small.Narrow(tensor.Of[tensor.Float8E5M2Bits](t)[lo:n], src, func(x float64) small.Float8E5M2 { return small.ToFloat8E5M2(x, saturate) })
	case tensor.Float8E5M2FNUZ:
		small.Narrow(tensor.Of[tensor.Float8E5M2FNUZBits](t)[lo:n], src, func(x float64) small.Float8E5M2FNUZ { return small.ToFloat8E5M2FNUZ(x, saturate) })
	case tensor.Int4, tensor.Uint4, tensor.Int2, tensor.Uint2, tensor.Float4E2M1, tensor.Float6E2M3, tensor.Float6E3M2:
		storePacked(t, lo, src)
	default:
		return false
	}
	return true
}

// storeInts keeps src in [lo, hi]; NaN becomes lo.
func storeInts[T int16 | uint16](dst []T, src []float32, lo, hi float32) {
	for i, v := range src {
		dst[i] = T(within(v, lo, hi))
	}
}

// within keeps v in [lo, hi]; NaN becomes lo, as in ONNX Runtime.
func within(v, lo, hi float32) float32 {
	switch {
	case v > hi:
		return hi
	case v > lo:
		return v
	}
	return lo
}

// storePacked is storeCodes for elements of less than a byte, at most quantTile of them.
func storePacked(t *tensor.Tensor, lo int, src []float32) {
	d := t.DType()
	bits := d.Bits()
	low, high := float32(0), float32(int(1)<<bits-1)
	if d == tensor.Int4 || d == tensor.Int2 {
		low, high = -float32(int(1)<<(bits-1)), float32(int(1)<<(bits-1)-1)
	}
	var codes [quantTile]byte
	for i, v := range src {
		switch d {
		case tensor.Float4E2M1:
			codes[i] = byte(small.ToFloat4E2M1(float64(v)))
		case tensor.Float6E2M3:
			codes[i] = byte(small.ToFloat6E2M3(float64(v)))
		case tensor.Float6E3M2:
			codes[i] = byte(small.ToFloat6E3M2(float64(v)))
		default:
			codes[i] = byte(int8(within(v, low, high)))
		}
	}
	small.Pack(t.Bytes()[lo*bits/8:], codes[:len(src)], bits)
}
