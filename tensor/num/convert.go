package num

import "math"

// ToFloat16 rounds x to nearest even; beyond the range it is infinite.
func ToFloat16(x float64) Float16 { return Float16(float16.encode(x, false)) }

// Float32 returns the value of x.
func (x Float16) Float32() float32 {
	sign, mag := uint32(x&0x8000)<<16, uint32(x&0x7FFF)
	switch {
	case mag >= 0x7C00: // infinities and NaN
		return math.Float32frombits(sign | 0x7F800000 | mag<<13)
	case mag >= 0x0400:
		return math.Float32frombits(sign | (mag<<13 + (127-15)<<23))
	}
	v := float32(mag) * 0x1p-24
	return math.Float32frombits(sign | math.Float32bits(v))
}

// ToBFloat16 rounds x to nearest even; beyond the range it is infinite.
func ToBFloat16(x float64) BFloat16 { return BFloat16(bfloat16.encode(x, false)) }

// Float32 returns the value of x.
func (x BFloat16) Float32() float32 { return math.Float32frombits(uint32(x) << 16) }

// ToFloat8E4M3FN rounds x to nearest even. Beyond the range the result is the largest number if saturate is
// set, else NaN.
func ToFloat8E4M3FN(x float64, saturate bool) Float8E4M3FN {
	return Float8E4M3FN(float8e4m3.encode(x, saturate))
}

// Float32 returns the value of x.
func (x Float8E4M3FN) Float32() float32 { return table8e4m3[x] }

// ToFloat8E4M3FNUZ rounds x to nearest even. Beyond the range the result is the largest number if saturate
// is set, else NaN.
func ToFloat8E4M3FNUZ(x float64, saturate bool) Float8E4M3FNUZ {
	return Float8E4M3FNUZ(float8e4m3u.encode(x, saturate))
}

// Float32 returns the value of x.
func (x Float8E4M3FNUZ) Float32() float32 { return table8e4m3u[x] }

// ToFloat8E5M2 rounds x to nearest even. Beyond the range the result is the largest number if saturate is
// set, else infinity.
func ToFloat8E5M2(x float64, saturate bool) Float8E5M2 {
	return Float8E5M2(float8e5m2.encode(x, saturate))
}

// Float32 returns the value of x.
func (x Float8E5M2) Float32() float32 { return table8e5m2[x] }

// ToFloat8E5M2FNUZ rounds x to nearest even. Beyond the range the result is the largest number if saturate
// is set, else NaN.
func ToFloat8E5M2FNUZ(x float64, saturate bool) Float8E5M2FNUZ {
	return Float8E5M2FNUZ(float8e5m2u.encode(x, saturate))
}

// Float32 returns the value of x.
func (x Float8E5M2FNUZ) Float32() float32 { return table8e5m2u[x] }

// RoundMode says how a number becomes a power of two in ToFloat8E8M0.
type RoundMode uint8

// The rounding modes of the Cast operator. Nearest takes a number in the middle up.
const (
	RoundUp RoundMode = iota
	RoundDown
	RoundNearest
)

// ToFloat8E8M0 returns a power of two next to |x|. Numbers above the largest stay there if saturate is set,
// and are NaN otherwise. Infinities and NaN are NaN.
func ToFloat8E8M0(x float32, mode RoundMode, saturate bool) Float8E8M0 {
	b := math.Float32bits(x)
	exp, frac := b>>23&0xFF, b&0x7FFFFF
	if exp == 0xFF {
		return 0xFF
	}
	up := mode == RoundUp && frac > 0
	if mode == RoundNearest { // below the smallest power the code for zero counts as even
		up = frac > 0x400000 || frac == 0x400000 && exp > 0
	}
	if up && (exp != 0xFE || !saturate) {
		exp++
	}
	return Float8E8M0(exp)
}

// Float32 returns the value of x.
func (x Float8E8M0) Float32() float32 {
	switch x {
	case 0xFF:
		return float32(math.NaN())
	case 0:
		return 0x1p-127
	}
	return math.Float32frombits(uint32(x) << 23)
}

// ToFloat4E2M1 rounds x to nearest even; beyond the range it is the largest number. NaN becomes negative
// zero.
func ToFloat4E2M1(x float64) Float4E2M1 { return Float4E2M1(float4e2m1.encode(x, true)) }

// Float32 returns the value of x.
func (x Float4E2M1) Float32() float32 { return table4e2m1[x] }

// ToFloat6E2M3 rounds x to nearest even; beyond the range it is the largest number. NaN becomes negative
// zero.
func ToFloat6E2M3(x float64) Float6E2M3 { return Float6E2M3(float6e2m3.encode(x, true)) }

// Float32 returns the value of x.
func (x Float6E2M3) Float32() float32 { return table6e2m3[x] }

// ToFloat6E3M2 rounds x to nearest even; beyond the range it is the largest number. NaN becomes negative
// zero.
func ToFloat6E3M2(x float64) Float6E3M2 { return Float6E3M2(float6e3m2.encode(x, true)) }

// Float32 returns the value of x.
func (x Float6E3M2) Float32() float32 { return table6e3m2[x] }

// Float is one of the small floats.
type Float interface {
	Float16 | BFloat16 | Float8E4M3FN | Float8E4M3FNUZ | Float8E5M2 | Float8E5M2FNUZ | Float8E8M0 |
		Float4E2M1 | Float6E2M3 | Float6E3M2
	Float32() float32
}

// Widen sets dst to the values of src, which has the same length.
func Widen[T Float](dst []float32, src []T) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = v.Float32()
	}
}

// Narrow sets each element of dst to round(x) of the element of src, which has the same length.
func Narrow[T Float](dst []T, src []float32, round func(float64) T) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = round(float64(v))
	}
}
