package ops

import (
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

// DTypes is a set of element types: bit d is element type d.
type DTypes uint32

// Set returns the set of the given element types.
func Set(ds ...tensor.DType) DTypes {
	var s DTypes
	for _, d := range ds {
		s |= 1 << d
	}
	return s
}

// Has reports whether d is in the set.
func (s DTypes) Has(d tensor.DType) bool { return d < 32 && s>>d&1 != 0 }

// String lists the members, or names the set if it holds everything.
func (s DTypes) String() string {
	if s == anyType {
		return "all"
	}
	var w []string
	for d := range tensor.DType(tensor.NumDTypes) {
		if s.Has(d) {
			w = append(w, d.String())
		}
	}
	return strings.Join(w, " ")
}

// The sets that rows name.
const (
	f32     = DTypes(1 << tensor.Float32)
	f64     = DTypes(1 << tensor.Float64)
	f16     = DTypes(1 << tensor.Float16)
	bf16    = DTypes(1 << tensor.BFloat16)
	float   = f32 | f64 | f16 | bf16 // the floating-point types that arithmetic is defined for
	i64     = DTypes(1 << tensor.Int64)
	i32     = DTypes(1 << tensor.Int32)
	signed  = i64 | i32 | 1<<tensor.Int16 | 1<<tensor.Int8
	uns     = DTypes(1<<tensor.Uint8 | 1<<tensor.Uint16 | 1<<tensor.Uint32 | 1<<tensor.Uint64)
	integer = signed | uns
	bytes8  = DTypes(1<<tensor.Int8 | 1<<tensor.Uint8)
	num     = float | integer
	boolean = DTypes(1 << tensor.Bool)
	str     = DTypes(1 << tensor.String)
	cplx    = DTypes(1<<tensor.Complex64 | 1<<tensor.Complex128)
	float8  = DTypes(1<<tensor.Float8E4M3FN | 1<<tensor.Float8E4M3FNUZ | 1<<tensor.Float8E5M2 | 1<<tensor.Float8E5M2FNUZ | 1<<tensor.Float8E8M0)
	packed  = DTypes(1<<tensor.Uint4 | 1<<tensor.Int4 | 1<<tensor.Float4E2M1 | 1<<tensor.Uint2 | 1<<tensor.Int2)
	float6  = DTypes(1<<tensor.Float6E2M3 | 1<<tensor.Float6E3M2)
	bytes   = num | boolean | cplx | float8 // everything that is stored in whole bytes
	anyType = bytes | packed | str
)
