package vec

import (
	mathbits "math/bits"
	"unsafe"
)

// Where sets dst[i] to a[i] where cond[i] holds and to b[i] elsewhere. Each of the three inputs may have
// length 1.
func Where[T any](dst []T, cond []bool, a, b []T) {
	mc, ma, mb := spread(len(cond), len(dst)), spread(len(a), len(dst)), spread(len(b), len(dst))
	switch {
	case len(dst) == 0:
		return
	case mc == 0 && cond[0]:
		CopyOf(dst, a)
		return
	case mc == 0:
		CopyOf(dst, b)
		return
	}
	d, ok := words(dst)
	if n := len(dst) &^ 15; ok && n > 0 {
		pa, _ := words(a)
		pb, _ := words(b)
		for lo := 0; lo < n; lo += block {
			hi := min(n, lo+block)
			active.where(d[lo:hi], cond[lo:hi], part(pa, ma, lo, hi), part(pb, mb, lo, hi))
		}
		dst, cond, a, b = dst[n:], cond[n:], part(a, ma, n, len(a)), part(b, mb, n, len(b))
	}
	if n := picked(dst, cond, a, b); n > 0 {
		dst, cond, a, b = dst[n:], cond[n:], part(a, ma, n, len(a)), part(b, mb, n, len(b))
	}
	whereGo(dst, cond, a, b)
}

// A whereFunc picks elements that come as bytes, a multiple of whereGroup elements. a and b may be one element long.
type whereFunc func(dst []uint8, cond []bool, a, b []uint8)

const whereGroup = 64

// picked runs the kernel for the width of T, if there is one, on whole groups, and returns the number of elements done.
func picked[T any](dst []T, cond []bool, a, b []T) int {
	n := len(dst) &^ (whereGroup - 1)
	if elementOf[T]() == numElement || n == 0 {
		return 0
	}
	f := active.whereBytes[mathbits.TrailingZeros(uint(unsafe.Sizeof(dst[0])))]
	if f == nil {
		return 0
	}
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for lo := 0; lo < n; lo += block {
		hi := min(n, lo+block)
		f(bytesOf(dst[lo:hi]), cond[lo:hi], bytesOf(part(a, ma, lo, hi)), bytesOf(part(b, mb, lo, hi)))
	}
	return n
}

// part returns elements lo to hi of an input, or the one element of a scalar.
func part[T any](x []T, mask, lo, hi int) []T {
	if mask == 0 {
		return x
	}
	return x[lo:hi]
}

// words returns the elements of x as words, if they are numbers of 4 bytes.
func words[T any](x []T) ([]uint32, bool) {
	switch x := any(x).(type) {
	case []float32:
		return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(x))), len(x)), true
	case []int32:
		return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(x))), len(x)), true
	case []uint32:
		return x, true
	}
	return nil, false
}

func whereGo[T any](dst []T, cond []bool, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := range dst {
		if cond[i] {
			dst[i] = a[i&ma]
		} else {
			dst[i] = b[i&mb]
		}
	}
}
