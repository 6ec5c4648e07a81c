package vec

import (
	"math"
	"unsafe"
)

// A compareOp names a comparison of 32-bit lanes.
type compareOp uint8

const (
	opEqual compareOp = iota
	opLess
	opLessEqual
	opNotEqual
	opUnordered
	opAbsEqual
	opEqualInt
	opLessInt
	opLessEqualInt
	numCompare
)

// A compareFunc compares len(dst) pairs, a multiple of compareGroup. a and b may have length 1. Integers
// come as the bits of floats.
type compareFunc func(dst []bool, a, b []float32)

const (
	compareGroup = 32
	noCompare    = numCompare
)

// compared runs the assembly for the element type of a and b, if there is one, on whole groups, and returns the
// number of elements done.
func compared[T any](floats, ints compareOp, others holdOp, dst []bool, a, b []T) int {
	op := noCompare
	switch any((*T)(nil)).(type) {
	case *float32:
		op = floats
	case *int32:
		op = ints
	case *uint32:
		if ints == opEqualInt {
			op = ints
		}
	}
	switch {
	case active == &generic:
		return 0
	case op == noCompare:
		return held(others, dst, a, b)
	}
	return compareGroups(op, dst, asLanes(a), asLanes(b))
}

// comparedWith does the same for one lane on the right.
func comparedWith[T any](op compareOp, dst []bool, x []T, lane []float32) int {
	if _, ok := any((*T)(nil)).(*float32); !ok || active == &generic {
		return 0
	}
	return compareGroups(op, dst, asLanes(x), lane)
}

func compareGroups(op compareOp, dst []bool, a, b []float32) int {
	n := len(dst) &^ (compareGroup - 1)
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	f := active.compare[op]
	for lo := 0; lo < n; lo += block {
		hi := min(n, lo+block)
		f(dst[lo:hi], part(a, ma, lo, hi), part(b, mb, lo, hi))
	}
	return n
}

// One lane each: on the stack they would escape.
var (
	zeroLane   = []float32{0}
	infLane    = []float32{float32(math.Inf(1))}
	negInfLane = []float32{float32(math.Inf(-1))}
)

// asLanes returns elements of 4 bytes as lanes.
func asLanes[T any](x []T) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// Equal sets dst[i] = a[i] == b[i].
func Equal[T comparable](dst []bool, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	n := compared(opEqual, opEqualInt, holdEqual, dst, a, b)
	if ma != 0 && mb != 0 {
		out, y := dst[n:], b[n:len(dst)]
		for i, x := range a[n:len(dst)] {
			out[i] = x == y[i]
		}
		return
	}
	for i := n; i < len(dst); i++ {
		dst[i] = a[i&ma] == b[i&mb]
	}
}

// Less sets dst[i] = a[i] < b[i].
func Less[T Number](dst []bool, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	n := compared(opLess, opLessInt, holdLess, dst, a, b)
	if ma != 0 && mb != 0 {
		out, y := dst[n:], b[n:len(dst)]
		for i, x := range a[n:len(dst)] {
			out[i] = x < y[i]
		}
		return
	}
	for i := n; i < len(dst); i++ {
		dst[i] = a[i&ma] < b[i&mb]
	}
}

// LessEqual sets dst[i] = a[i] <= b[i].
func LessEqual[T Number](dst []bool, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	n := compared(opLessEqual, opLessEqualInt, holdLessEqual, dst, a, b)
	if ma != 0 && mb != 0 {
		out, y := dst[n:], b[n:len(dst)]
		for i, x := range a[n:len(dst)] {
			out[i] = x <= y[i]
		}
		return
	}
	for i := n; i < len(dst); i++ {
		dst[i] = a[i&ma] <= b[i&mb]
	}
}

// Greater sets dst[i] = a[i] > b[i].
func Greater[T Number](dst []bool, a, b []T) { Less(dst, b, a) }

// GreaterEqual sets dst[i] = a[i] >= b[i].
func GreaterEqual[T Number](dst []bool, a, b []T) { LessEqual(dst, b, a) }

// ToBool sets dst[i] = x[i] != 0.
func ToBool[S Number](dst []bool, x []S) {
	x = x[:len(dst)]
	n := comparedWith(opNotEqual, dst, x, zeroLane)
	if e := elementOf[S](); e != elemF32 && e != numElement {
		zero := zeroOf[S]()
		for ; n < len(dst); n += block { // a block at a time, which stays in the nearest cache
			d := dst[n:min(len(dst), n+block)]
			Equal(d, x[n:n+len(d)], zero)
			Not(d, d)
		}
		return
	}
	for i, v := range x[n:] {
		dst[n+i] = v != 0
	}
}

// IsNaN sets dst[i] to whether x[i] is not a number.
func IsNaN[T Float](dst []bool, x []T) {
	x = x[:len(dst)]
	n := comparedWith(opUnordered, dst, x, zeroLane)
	for i, v := range x[n:] {
		dst[n+i] = v != v
	}
}

// IsInf sets dst[i] to whether x[i] is an infinity of a wanted sign.
func IsInf[T Float](dst []bool, x []T, positive, negative bool) {
	x = x[:len(dst)]
	n := 0
	switch {
	case positive && negative:
		n = comparedWith(opAbsEqual, dst, x, infLane)
	case positive:
		n = comparedWith(opEqual, dst, x, infLane)
	case negative:
		n = comparedWith(opEqual, dst, x, negInfLane)
	}
	for i, v := range x[n:] {
		inf := v-v != 0 && v == v
		dst[n+i] = inf && (v > 0 && positive || v < 0 && negative)
	}
}

// compareGo makes a generic loop.
func compareGo(holds func(a, b float32) bool) compareFunc {
	return func(dst []bool, a, b []float32) {
		ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
		for i := range dst {
			dst[i] = holds(a[i&ma], b[i&mb])
		}
	}
}

// compareIntGo makes a generic loop on integers that come as the bits of floats.
func compareIntGo(holds func(a, b int32) bool) compareFunc {
	return func(dst []bool, a, b []float32) {
		ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
		x, y := wordsOf(a), wordsOf(b)
		for i := range dst {
			dst[i] = holds(int32(x[i&ma]), int32(y[i&mb]))
		}
	}
}

var genericCompare = [numCompare]compareFunc{
	opEqual:        compareGo(func(a, b float32) bool { return a == b }),
	opLess:         compareGo(func(a, b float32) bool { return a < b }),
	opLessEqual:    compareGo(func(a, b float32) bool { return a <= b }),
	opNotEqual:     compareGo(func(a, b float32) bool { return a != b }),
	opUnordered:    compareGo(func(a, b float32) bool { return a != a || b != b }),
	opAbsEqual:     compareGo(func(a, b float32) bool { return max(a, -a) == b }),
	opEqualInt:     compareIntGo(func(a, b int32) bool { return a == b }),
	opLessInt:      compareIntGo(func(a, b int32) bool { return a < b }),
	opLessEqualInt: compareIntGo(func(a, b int32) bool { return a <= b }),
}
