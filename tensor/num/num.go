// Package num holds the small number types of ONNX: float16, bfloat16, the 8-, 6- and 4-bit floats and the
// packed integers, with their conversions. It imports nothing of this module.
//
// Conversions from float64 round once, to nearest even, so they serve float32 values, too, which widen
// exactly.
package num

// Float16 is an IEEE 754 binary16 number.
type Float16 uint16

// BFloat16 is the upper half of an IEEE 754 binary32 number.
type BFloat16 uint16

// Float8E4M3FN is an 8-bit float with 4 exponent and 3 mantissa bits and no infinities.
type Float8E4M3FN uint8

// Float8E4M3FNUZ is Float8E4M3FN with exponent bias 8 and one NaN instead of a negative zero.
type Float8E4M3FNUZ uint8

// Float8E5M2 is an 8-bit float with 5 exponent and 2 mantissa bits.
type Float8E5M2 uint8

// Float8E5M2FNUZ is Float8E5M2 with exponent bias 16, no infinities and one NaN instead of a negative zero.
type Float8E5M2FNUZ uint8

// Float8E8M0 is an 8-bit power-of-two scale: an exponent without sign or mantissa.
type Float8E8M0 uint8

// Float4E2M1 is a 4-bit float with 2 exponent bits and 1 mantissa bit, finite values only, in the low bits
// of a byte.
type Float4E2M1 uint8

// Float6E2M3 is a 6-bit float with 2 exponent and 3 mantissa bits, finite values only, in the low bits of a
// byte.
type Float6E2M3 uint8

// Float6E3M2 is a 6-bit float with 3 exponent and 2 mantissa bits, finite values only, in the low bits of a
// byte.
type Float6E3M2 uint8
