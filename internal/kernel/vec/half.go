package vec

import (
	"sync"

	"github.com/onnxrun/onnxrun/tensor/num"
)

// Half is a 16-bit float type, computed in float32.
type Half interface {
	num.Float16 | num.BFloat16
}

const halfBlock = 1024

var halfPool = sync.Pool{New: func() any { return new([3][halfBlock]float32) }}

// Half1 makes a kernel of half-precision floats from a one-input float32 kernel. dst[i] is the rounded
// float32 result.
func Half1[T Half](f func(dst, x []float32)) func(dst, x []T) {
	return func(dst, x []T) {
		buf := halfPool.Get().(*[3][halfBlock]float32)
		defer halfPool.Put(buf)
		m := spread(len(x), len(dst))
		for lo := 0; lo < len(dst); lo += halfBlock {
			n := min(halfBlock, len(dst)-lo)
			f(buf[0][:n], widenPart(buf[1][:n], x, m, lo, n))
			Narrow(dst[lo:lo+n], buf[0][:n])
		}
	}
}

// Half2 makes a kernel of half-precision floats from a two-input float32 kernel. An input of length 1
// stands for a scalar.
func Half2[T Half](f func(dst, a, b []float32)) func(dst, a, b []T) {
	return func(dst, a, b []T) {
		buf := halfPool.Get().(*[3][halfBlock]float32)
		defer halfPool.Put(buf)
		ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
		for lo := 0; lo < len(dst); lo += halfBlock {
			n := min(halfBlock, len(dst)-lo)
			f(buf[0][:n], widenPart(buf[1][:n], a, ma, lo, n), widenPart(buf[2][:n], b, mb, lo, n))
			Narrow(dst[lo:lo+n], buf[0][:n])
		}
	}
}

// HalfCompare makes a comparison of half-precision floats from one of float32.
func HalfCompare[T Half](f func(dst []bool, a, b []float32)) func(dst []bool, a, b []T) {
	return func(dst []bool, a, b []T) {
		buf := halfPool.Get().(*[3][halfBlock]float32)
		defer halfPool.Put(buf)
		ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
		for lo := 0; lo < len(dst); lo += halfBlock {
			n := min(halfBlock, len(dst)-lo)
			f(dst[lo:lo+n], widenPart(buf[1][:n], a, ma, lo, n), widenPart(buf[2][:n], b, mb, lo, n))
		}
	}
}

// widenPart widens n elements from lo on, or the one element of a scalar, into buf.
func widenPart[T Half](buf []float32, x []T, mask, lo, n int) []float32 {
	if mask == 0 {
		lo, n = 0, 1
	}
	Widen(buf[:n], x[lo:lo+n])
	return buf[:n]
}

// Widen converts half-precision floats to float32.
func Widen[T Half](dst []float32, x []T) {
	switch x := any(x).(type) {
	case []num.Float16:
		FromFloat16(dst, x)
	case []num.BFloat16:
		FromBFloat16(dst, x)
	}
}

// Narrow rounds float32 to half precision, nearest even.
func Narrow[T Half](dst []T, x []float32) {
	switch dst := any(dst).(type) {
	case []num.Float16:
		ToFloat16(dst, x)
	case []num.BFloat16:
		ToBFloat16(dst, x)
	}
}
