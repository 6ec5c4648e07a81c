package tensor

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/tensor/num"
)

// Float64s returns the first n elements of a dense numeric tensor as float64; fewer if it has fewer. Of
// complex numbers it returns the real parts. It returns nil for strings and other kinds.
func Float64s(t *Tensor, n int) []float64 {
	if t.kind != KindTensor || t.dtype == String {
		return nil
	}
	n = min(n, t.Len())
	out := make([]float64, n)
	if bits := t.dtype.Bits(); bits < 8 {
		codes := make([]byte, n)
		num.Unpack(codes, t.Bytes(), bits)
		for i, c := range codes {
			out[i] = packedValue(t.dtype, c)
		}
		return out
	}
	for i := range out {
		out[i] = float64At(t, i)
	}
	return out
}

// packedValue returns the value of the code of a 2-, 4- or 6-bit element.
func packedValue(d DType, c byte) float64 {
	switch d {
	case Int4:
		return float64(int8(c<<4) >> 4)
	case Int2:
		return float64(int8(c<<6) >> 6)
	case Float4E2M1:
		return float64(num.Float4E2M1(c).Float32())
	case Float6E2M3:
		return float64(num.Float6E2M3(c).Float32())
	case Float6E3M2:
		return float64(num.Float6E3M2(c).Float32())
	}
	return float64(c)
}

// float64At returns element i of a tensor whose elements take whole bytes.
func float64At(t *Tensor, i int) float64 {
	switch t.dtype {
	case Float32:
		return float64(Raw[float32](t)[i])
	case Complex64:
		return float64(real(Raw[complex64](t)[i]))
	case Float64:
		return Raw[float64](t)[i]
	case Complex128:
		return real(Raw[complex128](t)[i])
	case Float16:
		return float64(Raw[Float16Bits](t)[i].Float32())
	case BFloat16:
		return float64(Raw[BFloat16Bits](t)[i].Float32())
	case Float8E4M3FN:
		return float64(Raw[Float8E4M3FNBits](t)[i].Float32())
	case Float8E4M3FNUZ:
		return float64(Raw[Float8E4M3FNUZBits](t)[i].Float32())
	case Float8E5M2:
		return float64(Raw[Float8E5M2Bits](t)[i].Float32())
	case Float8E5M2FNUZ:
		return float64(Raw[Float8E5M2FNUZBits](t)[i].Float32())
	case Float8E8M0:
		return float64(Raw[Float8E8M0Bits](t)[i].Float32())
	case Bool:
		return float64(t.Bytes()[i])
	}
	if t.dtype == Uint64 {
		return float64(Raw[uint64](t)[i])
	}
	return float64(intAt(t, i))
}

// intAt returns element i of a tensor of integers.
func intAt(t *Tensor, i int) int64 {
	switch t.dtype {
	case Int8:
		return int64(int8(t.Bytes()[i]))
	case Int16:
		return int64(Raw[int16](t)[i])
	case Int32:
		return int64(Raw[int32](t)[i])
	case Int64:
		return Raw[int64](t)[i]
	case Uint16:
		return int64(Raw[uint16](t)[i])
	case Uint32:
		return int64(Raw[uint32](t)[i])
	case Uint64:
		return int64(Raw[uint64](t)[i])
	}
	return int64(t.Bytes()[i])
}

// intRange returns the least and the greatest value of an integer type other than uint64.
func intRange(d DType) (lo, hi int64) {
	bits := d.Bits()
	switch d {
	case Int8, Int16, Int32, Int64, Int4, Int2:
		return -1 << (bits - 1), 1<<(bits-1) - 1
	}
	return 0, 1<<bits - 1
}

// FromFloat64s returns a dense tensor with the given values rounded to the element type, nearest even.
// Integers must be whole and in range; the 8-bit floats saturate.
func FromFloat64s(d DType, shape Shape, v []float64) (*Tensor, error) {
	n, err := shape.Count()
	if err != nil {
		return nil, err
	}
	if n != len(v) || d == String || !d.Valid() {
		return nil, fmt.Errorf("tensor: %d numbers for %v%v", len(v), d, []int(shape))
	}
	t := New(d, shape...)
	codes, size := t.data[:0], d.Size()
	if d.Bits() < 8 {
		codes = make([]byte, 0, n)
	}
	isComplex := d == Complex64 || d == Complex128
	if isComplex {
		size /= 2
	}
	for _, x := range v {
		bits, err := encodeFloat64(d, x)
		if err != nil {
			return nil, err
		}
		codes = appendNative(codes, bits, size)
		if isComplex {
			codes = appendNative(codes, 0, size)
		}
	}
	if d.Bits() < 8 {
		num.Pack(t.data, codes, d.Bits())
	}
	return t, nil
}

// encodeFloat64 returns the bits of x in element type d.
func encodeFloat64(d DType, x float64) (uint64, error) {
	switch d {
	case Float32, Complex64:
		return uint64(math.Float32bits(float32(x))), nil
	case Float64, Complex128:
		return math.Float64bits(x), nil
	case Float16:
		return uint64(num.ToFloat16(x)), nil
	case BFloat16:
		return uint64(num.ToBFloat16(x)), nil
	case Float8E4M3FN:
		return uint64(num.ToFloat8E4M3FN(x, true)), nil
	case Float8E4M3FNUZ:
		return uint64(num.ToFloat8E4M3FNUZ(x, true)), nil
	case Float8E5M2:
		return uint64(num.ToFloat8E5M2(x, true)), nil
	case Float8E5M2FNUZ:
		return uint64(num.ToFloat8E5M2FNUZ(x, true)), nil
	case Float8E8M0:
		return uint64(num.ToFloat8E8M0(float32(x), num.RoundNearest, true)), nil
	case Float4E2M1:
		return uint64(num.ToFloat4E2M1(x)), nil
	case Float6E2M3:
		return uint64(num.ToFloat6E2M3(x)), nil
	case Float6E3M2:
		return uint64(num.ToFloat6E3M2(x)), nil
	case Bool:
		if x != 0 {
			return 1, nil
		}
		return 0, nil
	}
	return encodeWhole(d, x)
}

func encodeWhole(d DType, x float64) (uint64, error) {
	if d == Uint64 && x == math.Trunc(x) && x >= 0 && x < 1<<64 {
		return uint64(x), nil
	}
	lo, hi := intRange(d)
	if d == Uint64 || x != math.Trunc(x) || x < float64(lo) || x > float64(hi) || x >= 1<<63 {
		return 0, fmt.Errorf("tensor: %v is no %v", x, d)
	}
	return uint64(int64(x)), nil
}
