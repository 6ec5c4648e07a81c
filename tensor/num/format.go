package num

import "math"

// format describes a small binary float: a sign, exp exponent bits and man mantissa bits.
type format struct {
	exp, man uint
	bias     int
	top      uint16 // code of the largest finite number
	inf      uint16 // code of infinity, 0 if there is none
	nan      uint16 // code of NaN; the negative zero of formats that have none, where ONNX puts it
	unsigned bool   // zero has no sign: the code of negative zero is NaN
	clamps   bool   // no infinity and no NaN: out of range is always the largest number
}

var (
	float16     = format{exp: 5, man: 10, bias: 15, top: 0x7BFF, inf: 0x7C00, nan: 0x7E00}
	bfloat16    = format{exp: 8, man: 7, bias: 127, top: 0x7F7F, inf: 0x7F80, nan: 0x7FC0}
	float8e4m3  = format{exp: 4, man: 3, bias: 7, top: 0x7E, nan: 0x7F}
	float8e4m3u = format{exp: 4, man: 3, bias: 8, top: 0x7F, nan: 0x80, unsigned: true}
	float8e5m2  = format{exp: 5, man: 2, bias: 15, top: 0x7B, inf: 0x7C, nan: 0x7E}
	float8e5m2u = format{exp: 5, man: 2, bias: 16, top: 0x7F, nan: 0x80, unsigned: true}
	float6e2m3  = format{exp: 2, man: 3, bias: 1, top: 0x1F, nan: 0x20, clamps: true}
	float6e3m2  = format{exp: 3, man: 2, bias: 3, top: 0x1F, nan: 0x20, clamps: true}
	float4e2m1  = format{exp: 2, man: 1, bias: 1, top: 0x7, nan: 0x8, clamps: true}
)

// encode rounds x to the nearest number of the format, ties to even. Out of range, saturate gives the
// largest number; otherwise the result is infinity, or NaN where there is none.
func (f *format) encode(x float64, saturate bool) uint16 {
	b := math.Float64bits(x)
	sign := uint16(b>>63) << (f.exp + f.man)
	exp := int(b>>52&0x7FF) - 1023
	if exp == 1024 && b<<12 != 0 {
		if f.unsigned || f.clamps {
			return f.nan
		}
		return sign | f.nan
	}
	code := uint16(math.MaxUint16)
	if exp <= f.bias+1 {
		code = f.round(math.Float64frombits(b&^(1<<63)), exp)
	}
	if code > f.top {
		switch {
		case saturate || f.clamps:
			code = f.top
		case f.unsigned:
			return f.nan
		case f.inf != 0:
			code = f.inf
		default:
			code = f.nan
		}
	}
	if code == 0 && f.unsigned {
		return 0
	}
	return sign | code
}

// round returns the code of the positive number x with exponent exp, as if exponents had no end. A number
// rounded up to a power of two carries into the exponent.
func (f *format) round(x float64, exp int) uint16 {
	least := 1 - f.bias
	exp = max(exp, least)
	n := math.RoundToEven(x * math.Float64frombits(uint64(1023+int(f.man)-exp)<<52))
	return uint16(exp-least)<<f.man + uint16(n)
}

// decode returns the number with the given code.
func (f *format) decode(code uint16) float32 {
	signBit := uint16(1) << (f.exp + f.man)
	mag := code & (signBit - 1)
	var v float64
	switch e := int(mag >> f.man); {
	case f.unsigned && code == f.nan, !f.unsigned && mag > f.top && (f.inf == 0 || mag > f.inf):
		return float32(math.NaN())
	case mag > f.top:
		v = math.Inf(1)
	case e == 0:
		v = math.Ldexp(float64(mag), 1-f.bias-int(f.man))
	default:
		m := mag&(1<<f.man-1) | 1<<f.man
		v = math.Ldexp(float64(m), e-f.bias-int(f.man))
	}
	if code&signBit != 0 {
		v = -v
	}
	return float32(v)
}

// table returns the numbers of all codes of a format of up to 8 bits.
func (f *format) table() *[256]float32 {
	t := new([256]float32)
	for c := range t {
		t[c] = f.decode(uint16(c) & (1<<(1+f.exp+f.man) - 1))
	}
	return t
}

var (
	table8e4m3  = float8e4m3.table()
	table8e4m3u = float8e4m3u.table()
	table8e5m2  = float8e5m2.table()
	table8e5m2u = float8e5m2u.table()
	table6e2m3  = float6e2m3.table()
	table6e3m2  = float6e3m2.table()
	table4e2m1  = float4e2m1.table()
)
