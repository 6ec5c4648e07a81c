package vec

import (
	"math"
	"unsafe"

	"github.com/onnxrun/onnxrun/tensor/num"
)

// ToFloat16 rounds x to half precision, nearest even. Overflow gives an infinity.
func ToFloat16(dst []num.Float16, x []float32) {
	x = x[:len(dst)]
	d := unsafe.Slice((*uint16)(unsafe.SliceData(dst)), len(dst))
	n := len(d) &^ 15
	for lo := 0; lo < n; lo += block {
		hi := min(n, lo+block)
		active.toFloat16(d[lo:hi], x[lo:hi])
	}
	toFloat16Go(d[n:], x[n:])
}

// FromFloat16 widens x.
func FromFloat16(dst []float32, x []num.Float16) {
	s := unsafe.Slice((*uint16)(unsafe.SliceData(x[:len(dst)])), len(dst))
	n := len(dst) &^ 15
	for lo := 0; lo < n; lo += block {
		hi := min(n, lo+block)
		active.fromFloat16(dst[lo:hi], s[lo:hi])
	}
	fromFloat16Go(dst[n:], s[n:])
}

// ToBFloat16 rounds x to bfloat16, nearest even.
func ToBFloat16(dst []num.BFloat16, x []float32) {
	x = x[:len(dst)]
	n := converted(opF32ToBF16, dst, x)
	dst = dst[n:]
	for i, v := range x[n:] {
		u := math.Float32bits(v)
		r := (u + 0x7fff + u>>16&1) >> 16
		if v != v {
			r = u>>16 | 0x40
		}
		dst[i] = num.BFloat16(r)
	}
}

// FromBFloat16 widens x.
func FromBFloat16(dst []float32, x []num.BFloat16) {
	x = x[:len(dst)]
	n := converted(opBF16ToF32, dst, x)
	dst = dst[n:]
	for i, v := range x[n:] {
		dst[i] = math.Float32frombits(uint32(v) << 16)
	}
}

func toFloat16Go(dst []uint16, x []float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = float16bits(math.Float32bits(v))
	}
}

func fromFloat16Go(dst []float32, x []uint16) {
	for i, v := range x[:len(dst)] {
		dst[i] = math.Float32frombits(float32bits(uint32(v)))
	}
}

// float16bits rounds the bits of a float32 to those of a binary16, quieting NaN.
func float16bits(u uint32) uint16 {
	sign := uint16(u >> 16 & 0x8000)
	u &= 1<<31 - 1
	switch {
	case u > 0x7f800000:
		return sign | 0x7e00 | uint16(u>>13&0x1ff)
	case u >= 0x47800000:
		return sign | 0x7c00
	case u >= 0x38800000:
		u -= 0x38000000
		return sign | uint16((u+0xfff+u>>13&1)>>13)
	}
	// Adding 0.5 shifts a subnormal result into the low bits, rounded by the addition.
	return sign | uint16(math.Float32bits(math.Float32frombits(u)+0.5)-0x3f000000)
}

// float32bits widens the bits of a binary16, quieting NaN.
func float32bits(h uint32) uint32 {
	sign := h & 0x8000 << 16
	h &= 0x7fff
	switch {
	case h > 0x7c00:
		return sign | 0x7fc00000 | h<<13
	case h == 0x7c00:
		return sign | 0x7f800000
	case h >= 0x400:
		return sign | (h<<13 + 0x38000000)
	}
	return sign | math.Float32bits(float32(h)*(1.0/(1<<24)))
}

// A convertOp names a conversion between element types.
type convertOp uint8

const (
	noConvert convertOp = iota
	opF32ToI32
	opI32ToF32
	opU8ToF32
	opF32ToU8
	opF32ToF64
	opF64ToF32
	opI32ToI64
	opI64ToI32
	opI8ToF32
	opU8ToI32
	opI8ToI32
	opU8ToI64
	opI8ToI64
	opI32ToF64
	opF64ToI32
	opI32ToU8
	opI64ToU8
	opI64ToF32
	opF32ToI64
	opI64ToF64
	opF64ToI64
	opF32ToBF16
	opBF16ToF32
	opU16ToF32
	opI16ToF32
	opU16ToI32
	opI16ToI32
	opF32ToU16
	opI32ToU16
	opU32ToF32
	numConvert
)

// A convertFunc converts n elements, a multiple of convertGroup.
type convertFunc func(dst, x *byte, n int)

const convertGroup = 16

// convertOps are the conversions that have kernels: from a row's type to a column's. Integers, and floats by way of an int32, wrap to
// both kinds of bytes, and of 16-bit integers, alike.
var convertOps = [numElement + 1][numElement + 1]convertOp{
	elemI8:  {elemF32: opI8ToF32, elemI32: opI8ToI32, elemI64: opI8ToI64},
	elemU8:  {elemF32: opU8ToF32, elemI32: opU8ToI32, elemI64: opU8ToI64},
	elemI16: {elemF32: opI16ToF32, elemI32: opI16ToI32, elemU32: opI16ToI32},
	elemU16: {elemF32: opU16ToF32, elemI32: opU16ToI32, elemU32: opU16ToI32},
	elemI32: {elemF32: opI32ToF32, elemF64: opI32ToF64, elemI64: opI32ToI64, elemI8: opI32ToU8, elemU8: opI32ToU8, elemI16: opI32ToU16, elemU16: opI32ToU16},
	elemU32: {elemF32: opU32ToF32, elemI8: opI32ToU8, elemU8: opI32ToU8, elemI16: opI32ToU16, elemU16: opI32ToU16},
	elemI64: {elemF32: opI64ToF32, elemF64: opI64ToF64, elemI32: opI64ToI32, elemI8: opI64ToU8, elemU8: opI64ToU8},
	elemF32: {elemF64: opF32ToF64, elemI32: opF32ToI32, elemI64: opF32ToI64, elemI8: opF32ToU8, elemU8: opF32ToU8, elemI16: opF32ToU16, elemU16: opF32ToU16},
	elemF64: {elemF32: opF64ToF32, elemI32: opF64ToI32, elemI64: opF64ToI64},
}

// Convert sets dst[i] = D(x[i]) by Go's rules: floats to integers truncate and are undefined out of range.
func Convert[D, S Number](dst []D, x []S) {
	x = x[:len(dst)]
	n := converted(convertOps[elementOf[S]()][elementOf[D]()], dst, x)
	convertGo(dst[n:], x[n:])
}

// converted runs a kernel, if there is one, on whole groups, and returns the number of elements done.
func converted[D, S any](op convertOp, dst []D, x []S) int {
	f, n := active.convert[op], len(dst)&^(convertGroup-1)
	if f == nil {
		return 0
	}
	for lo := 0; lo < n; lo += block {
		f((*byte)(unsafe.Pointer(&dst[lo])), (*byte)(unsafe.Pointer(&x[lo])), min(block, n-lo))
	}
	return n
}

// Saturate sets dst[i] to x[i], a whole number, kept in the range of D; NaN becomes the least of D. x is overwritten. With an
// unsigned D, fractions are cut off.
func Saturate[D int8 | uint8](dst []D, x []float32) {
	x = x[:len(dst)]
	lo, hi := Lowest[D](), Highest[D]()
	Clip(x, x, float32(lo), float32(hi))
	bytes := unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst))
	if lo == 0 {
		Convert(bytes, x)
		return
	}
	ScaleShift(x, x, 1, -float32(lo))
	Convert(bytes, x)
	flip(bytes, bytes, signOctet, signOctets)
}

// ToUint64 is Convert, with 0 for floats of 2**64 and more, which is what C compilers make of them on x86-64 and so
// numpy and ONNX Runtime.
func ToUint64[S Number](dst []uint64, x []S) {
	if isInt[S]() {
		Convert(dst, x)
		return
	}
	for i, v := range x[:len(dst)] {
		if float64(v) >= 1<<64 {
			dst[i] = 0
		} else {
			dst[i] = uint64(v)
		}
	}
}

func convertGo[D, S Number](dst []D, x []S) {
	for i, v := range x[:len(dst)] {
		dst[i] = D(v)
	}
}

// FromBool sets dst[i] to 1 where x[i] holds and to 0 elsewhere.
func FromBool[D Number](dst []D, x []bool) {
	for i, v := range x[:len(dst)] {
		var d D
		if v {
			d = 1
		}
		dst[i] = d
	}
}
