package tensor

import "github.com/onnxrun/onnxrun/tensor/num"

// The storage types of the small floats, aliased from tensor/num, where their conversions are.
type (
	Float16Bits        = num.Float16
	BFloat16Bits       = num.BFloat16
	Float8E4M3FNBits   = num.Float8E4M3FN
	Float8E4M3FNUZBits = num.Float8E4M3FNUZ
	Float8E5M2Bits     = num.Float8E5M2
	Float8E5M2FNUZBits = num.Float8E5M2FNUZ
	Float8E8M0Bits     = num.Float8E8M0
)
