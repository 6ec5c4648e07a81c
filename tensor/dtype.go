package tensor

import "fmt"

// DType is an element type. The values are those of TensorProto.DataType in ONNX.
type DType uint8

// The element types of ONNX 1.23.
const (
	Undefined      DType = 0
	Float32        DType = 1
	Uint8          DType = 2
	Int8           DType = 3
	Uint16         DType = 4
	Int16          DType = 5
	Int32          DType = 6
	Int64          DType = 7
	String         DType = 8
	Bool           DType = 9
	Float16        DType = 10
	Float64        DType = 11
	Uint32         DType = 12
	Uint64         DType = 13
	Complex64      DType = 14
	Complex128     DType = 15
	BFloat16       DType = 16
	Float8E4M3FN   DType = 17
	Float8E4M3FNUZ DType = 18
	Float8E5M2     DType = 19
	Float8E5M2FNUZ DType = 20
	Uint4          DType = 21
	Int4           DType = 22
	Float4E2M1     DType = 23
	Float8E8M0     DType = 24
	Uint2          DType = 25
	Int2           DType = 26
	Float6E2M3     DType = 27
	Float6E3M2     DType = 28

	NumDTypes = 29
)

// dtypes holds one row per element type: the word used on the command line and in errors (numpy's
// where numpy has the type) and the width in bits. Strings have no width.
var dtypes = [NumDTypes]struct {
	name string
	bits int
}{
	Undefined: {"undefined", 0}, Float32: {"float32", 32}, Uint8: {"uint8", 8}, Int8: {"int8", 8},
	Uint16: {"uint16", 16}, Int16: {"int16", 16}, Int32: {"int32", 32}, Int64: {"int64", 64},
	String: {"string", 0}, Bool: {"bool", 8}, Float16: {"float16", 16}, Float64: {"float64", 64},
	Uint32: {"uint32", 32}, Uint64: {"uint64", 64}, Complex64: {"complex64", 64}, Complex128: {"complex128", 128},
	BFloat16: {"bfloat16", 16}, Float8E4M3FN: {"float8e4m3fn", 8}, Float8E4M3FNUZ: {"float8e4m3fnuz", 8},
	Float8E5M2: {"float8e5m2", 8}, Float8E5M2FNUZ: {"float8e5m2fnuz", 8}, Uint4: {"uint4", 4}, Int4: {"int4", 4},
	Float4E2M1: {"float4e2m1", 4}, Float8E8M0: {"float8e8m0", 8}, Uint2: {"uint2", 2}, Int2: {"int2", 2},
	Float6E2M3: {"float6e2m3", 6}, Float6E3M2: {"float6e3m2", 6},
}

// String returns the dtype's word: numpy's name, or the lower-case ONNX name where numpy has none.
func (d DType) String() string {
	if d >= NumDTypes {
		return fmt.Sprintf("dtype(%d)", uint8(d))
	}
	return dtypes[d].name
}

// Valid reports whether d is an element type of ONNX other than Undefined.
func (d DType) Valid() bool { return d > Undefined && d < NumDTypes }

// Bits returns the width of one element in bits, and 0 for String and Undefined.
func (d DType) Bits() int {
	if d >= NumDTypes {
		return 0
	}
	return dtypes[d].bits
}

// Size returns the width of one element in bytes. Types that are packed several to a byte, String and
// Undefined have size 0.
func (d DType) Size() int { return d.Bits() / 8 }

// ByteLen returns the number of bytes that n elements take in packed little-endian storage.
func (d DType) ByteLen(n int) int {
	b := d.Bits()
	if b >= 8 {
		return n * (b / 8)
	}
	return n/8*b + (n%8*b+7)/8
}

// IsFloat reports whether d is a real floating-point type, the 8-, 6- and 4-bit ones included.
func (d DType) IsFloat() bool {
	switch d {
	case Float32, Float64, Float16, BFloat16, Float8E4M3FN, Float8E4M3FNUZ, Float8E5M2, Float8E5M2FNUZ, Float8E8M0,
		Float6E2M3, Float6E3M2, Float4E2M1:
		return true
	}
	return false
}

// IsInt reports whether d is a signed or unsigned integer type. Bool is not.
func (d DType) IsInt() bool {
	switch d {
	case Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Int4, Uint4, Int2, Uint2:
		return true
	}
	return false
}

// ParseDType returns the element type whose String is s.
func ParseDType(s string) (DType, error) {
	for d := Float32; d < NumDTypes; d++ {
		if dtypes[d].name == s {
			return d, nil
		}
	}
	return Undefined, fmt.Errorf("tensor: unknown dtype %q", s)
}
