package ops

import (
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
	small "github.com/onnxrun/onnxrun/tensor/num"
)

// Conversions by way of float64, one block at a time: exact for all types but 64-bit integers, which come here
// only on their way to smaller floats.

// A decoder sets dst to the values of the elements of src from lo on.
type decoder func(dst []float64, src *tensor.Tensor, lo int)

// An encoder rounds x to the elements of dst from lo on.
type encoder func(dst *tensor.Tensor, lo int, x []float64)

func castDecoder(d tensor.DType) decoder {
	switch d {
	case tensor.Float32:
		return decodeNumber[float32]
	case tensor.Float64:
		return decodeNumber[float64]
	case tensor.Int8:
		return decodeNumber[int8]
	case tensor.Int16:
		return decodeNumber[int16]
	case tensor.Int32:
		return decodeNumber[int32]
	case tensor.Int64:
		return decodeNumber[int64]
	case tensor.Uint8, tensor.Bool:
		return decodeNumber[uint8]
	case tensor.Uint16:
		return decodeNumber[uint16]
	case tensor.Uint32:
		return decodeNumber[uint32]
	case tensor.Uint64:
		return decodeNumber[uint64]
	case tensor.Float16:
		return decodeSmall[tensor.Float16Bits]
	case tensor.BFloat16:
		return decodeSmall[tensor.BFloat16Bits]
	case tensor.Float8E4M3FN:
		return decodeSmall[tensor.Float8E4M3FNBits]
	case tensor.Float8E4M3FNUZ:
		return decodeSmall[tensor.Float8E4M3FNUZBits]
	case tensor.Float8E5M2:
		return decodeSmall[tensor.Float8E5M2Bits]
	case tensor.Float8E5M2FNUZ:
		return decodeSmall[tensor.Float8E5M2FNUZBits]
	case tensor.Float8E8M0:
		return decodeSmall[tensor.Float8E8M0Bits]
	case tensor.Uint4, tensor.Uint2:
		return decodePacked(d.Bits(), func(c byte) float64 { return float64(c) })
	case tensor.Int4:
		return decodePacked(4, func(c byte) float64 { return float64(int8(c<<4) >> 4) })
	case tensor.Int2:
		return decodePacked(2, func(c byte) float64 { return float64(int8(c<<6) >> 6) })
	case tensor.Float4E2M1:
		return decodePacked(4, func(c byte) float64 { return float64(small.Float4E2M1(c).Float32()) })
	case tensor.Float6E2M3:
		return decodePacked(6, func(c byte) float64 { return float64(small.Float6E2M3(c).Float32()) })
	case tensor.Float6E3M2:
		return decodePacked(6, func(c byte) float64 { return float64(small.Float6E3M2(c).Float32()) })
	}
	return nil
}

func decodeNumber[T clipNumber](dst []float64, src *tensor.Tensor, lo int) {
	for i, v := range tensor.Raw[T](src)[lo : lo+len(dst)] {
		dst[i] = float64(v)
	}
}

func decodeSmall[T interface {
	tensor.Element
	Float32() float32
}](dst []float64, src *tensor.Tensor, lo int) {
	for i, v := range tensor.Raw[T](src)[lo : lo+len(dst)] {
		dst[i] = float64(v.Float32())
	}
}

func decodePacked(bits int, value func(byte) float64) decoder {
	return func(dst []float64, src *tensor.Tensor, lo int) {
		var codes [castBlock]byte
		small.Unpack(codes[:len(dst)], src.Bytes()[lo*bits/8:], bits)
		for i := range dst {
			dst[i] = value(codes[i])
		}
	}
}

// castEncoder returns the encoder for an element type under the attributes saturate and round_mode.
func castEncoder(a Attrs, d tensor.DType) encoder {
	saturate := a.IntOr("saturate", 1) != 0
	switch d {
	case tensor.Float16:
		return encodeSmall(small.ToFloat16)
	case tensor.BFloat16:
		return encodeSmall(small.ToBFloat16)
	case tensor.Float8E4M3FN:
		return encodeSmall(func(x float64) small.Float8E4M3FN { return small.ToFloat8E4M3FN(x, saturate) })
	case tensor.Float8E4M3FNUZ:
		return encodeSmall(func(x float64) small.Float8E4M3FNUZ { return small.ToFloat8E4M3FNUZ(x, saturate) })
	case tensor.Float8E5M2:
		return encodeSmall(func(x float64) small.Float8E5M2 { return small.ToFloat8E5M2(x, saturate) })
	case tensor.Float8E5M2FNUZ:
		return encodeSmall(func(x float64) small.Float8E5M2FNUZ { return small.ToFloat8E5M2FNUZ(x, saturate) })
	case tensor.Float8E8M0:
		mode := scaleRounding(a)
		return encodeSmall(func(x float64) small.Float8E8M0 { return small.ToFloat8E8M0(float32(x), mode, saturate) })
	case tensor.Uint4, tensor.Int4, tensor.Uint2, tensor.Int2:
		return encodePacked(d.Bits(), func(x float64) byte { return byte(int64(x)) })
	case tensor.Float4E2M1:
		return encodePacked(4, func(x float64) byte { return byte(small.ToFloat4E2M1(x)) })
	case tensor.Float6E2M3:
		return encodePacked(6, func(x float64) byte { return byte(small.ToFloat6E2M3(x)) })
	case tensor.Float6E3M2:
		return encodePacked(6, func(x float64) byte { return byte(small.ToFloat6E3M2(x)) })
	case tensor.Bool:
		return func(dst *tensor.Tensor, lo int, x []float64) {
			for i, v := range x {
				tensor.Raw[bool](dst)[lo+i] = v != 0
			}
		}
	}
	return numberEncoder(d)
}

func numberEncoder(d tensor.DType) encoder {
	switch d {
	case tensor.Float32:
		return encodeNumber[float32]
	case tensor.Float64:
		return encodeNumber[float64]
	case tensor.Int8:
		return encodeNumber[int8]
	case tensor.Int16:
		return encodeNumber[int16]
	case tensor.Int32:
		return encodeNumber[int32]
	case tensor.Int64:
		return encodeNumber[int64]
	case tensor.Uint8:
		return encodeNumber[uint8]
	case tensor.Uint16:
		return encodeNumber[uint16]
	case tensor.Uint32:
		return encodeNumber[uint32]
	case tensor.Uint64:
		return encodeUint64
	}
	return nil
}

// scaleRounding reads how float8e8m0 is rounded.
func scaleRounding(a Attrs) small.RoundMode {
	switch a.Str("round_mode") {
	case "down":
		return small.RoundDown
	case "nearest":
		return small.RoundNearest
	}
	return small.RoundUp
}

func encodeNumber[T clipNumber](dst *tensor.Tensor, lo int, x []float64) {
	out := tensor.Raw[T](dst)[lo : lo+len(x)]
	for i, v := range x {
		out[i] = T(v)
	}
}

func encodeUint64(dst *tensor.Tensor, lo int, x []float64) {
	vec.ToUint64(tensor.Of[uint64](dst)[lo:lo+len(x)], x)
}

func encodeSmall[T tensor.Element](round func(float64) T) encoder {
	return func(dst *tensor.Tensor, lo int, x []float64) {
		out := tensor.Raw[T](dst)[lo : lo+len(x)]
		for i, v := range x {
			out[i] = round(v)
		}
	}
}

func encodePacked(bits int, code func(float64) byte) encoder {
	return func(dst *tensor.Tensor, lo int, x []float64) {
		var codes [castBlock]byte
		for i, v := range x {
			codes[i] = code(v)
		}
		small.Pack(dst.Bytes()[lo*bits/8:], codes[:len(x)], bits)
	}
}
