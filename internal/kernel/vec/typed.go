package vec

import (
	"sync"
	"unsafe"
)

// An element names an element type that has kernels of its own.
type element uint8

const (
	elemI8 element = iota
	elemU8
	elemI16
	elemU16
	elemI32
	elemU32
	elemI64
	elemU64
	elemF64
	numElement
)

// A joinOp names a kernel that makes one element of two.
type joinOp uint8

const (
	joinMax joinOp = iota
	joinMin
	joinAdd
	joinSub
	joinMul
	joinDiv
	joinShl
	joinShr
	numJoin
)

// A holdOp names a comparison.
type holdOp uint8

const (
	holdEqual holdOp = iota
	holdLess
	holdLessEqual
	numHold
)

// A joinFunc joins elements that come as bytes, a multiple of joinGroup of them. a and b may be one element long.
type joinFunc func(dst, a, b []uint8)

// A holdFunc compares elements that come as bytes, a multiple of holdGroup elements. a and b may be one element long.
type holdFunc func(dst []bool, a, b []uint8)

// joinTable and holdTable have nil where there is no kernel.
type (
	joinTable [numJoin][numElement]joinFunc
	holdTable [numHold][numElement]holdFunc
)

const (
	joinGroup = 128 // bytes
	holdGroup = 64  // elements
)

// elementOf returns the element type T, numElement if it has no kernels.
func elementOf[T any]() element {
	switch any((*T)(nil)).(type) {
	case *int8:
		return elemI8
	case *uint8, *bool:
		return elemU8
	case *int16:
		return elemI16
	case *uint16:
		return elemU16
	case *int32:
		return elemI32
	case *uint32:
		return elemU32
	case *int64:
		return elemI64
	case *uint64:
		return elemU64
	case *float64:
		return elemF64
	}
	return numElement
}

// bytesOf returns elements as bytes.
func bytesOf[T any](x []T) []uint8 {
	var t T
	return unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(t)))
}

// joined runs the kernel for T, if there is one, on whole groups, and returns the number of elements done. One of a and b
// may have length 1.
func joined[T any](op joinOp, dst, a, b []T) int {
	e := elementOf[T]()
	if e == numElement || len(a) == 1 && len(b) == 1 {
		return 0
	}
	var t T
	group := joinGroup / int(unsafe.Sizeof(t))
	f, n := active.join[op][e], len(dst)&^(group-1)
	if f == nil {
		return 0
	}
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for lo := 0; lo < n; lo += block {
		hi := min(n, lo+block)
		f(bytesOf(dst[lo:hi]), bytesOf(part(a, ma, lo, hi)), bytesOf(part(b, mb, lo, hi)))
	}
	return n
}

// held does the same for comparisons.
func held[T any](op holdOp, dst []bool, a, b []T) int {
	e := elementOf[T]()
	if e == numElement || len(a) == 1 && len(b) == 1 {
		return 0
	}
	f, n := active.hold[op][e], len(dst)&^(holdGroup-1)
	if f == nil {
		return 0
	}
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for lo := 0; lo < n; lo += block {
		hi := min(n, lo+block)
		f(dst[lo:hi], bytesOf(part(a, ma, lo, hi)), bytesOf(part(b, mb, lo, hi)))
	}
	return n
}

// MaxRows sets dst[i] to the largest of the n elements of row i of x, and to NaN if one is NaN; MinRows takes the smallest.
// They report false, and do nothing, where they have no kernel or rows are too short to gain from it.
func MaxRows[T Number](dst, x []T, n int) bool { return extremeRows(joinMax, dst, x, n) }

// MinRows is described at MaxRows.
func MinRows[T Number](dst, x []T, n int) bool { return extremeRows(joinMin, dst, x, n) }

// lanesTable holds what joins whole groups of elements, at least one, to one group; nil where there is no kernel.
type lanesTable [joinMin + 1][numElement]func(acc, x []uint8)

// A twoGroups holds the lanes that are left of a row, twice.
type twoGroups [2 * joinGroup]uint8

var laneBuffers = sync.Pool{New: func() any { return new(twoGroups) }}

func extremeRows[T Number](op joinOp, dst, x []T, n int) bool {
	var t T
	e, size := elementOf[T](), int(unsafe.Sizeof(t))
	if e == numElement || active.extreme[op][e] == nil || n*size < 2*joinGroup {
		return false
	}
	join, fold := active.join[op][e], active.extreme[op][e]
	buf := laneBuffers.Get().(*twoGroups)
	whole := n &^ (joinGroup/size - 1)
	for i := range dst {
		row := x[i*n:][:n]
		fold(buf[:joinGroup], bytesOf(row[:whole]))
		copy(buf[joinGroup:], buf[:joinGroup])
		for shift := joinGroup / 2; shift >= size; shift /= 2 {
			join(buf[:joinGroup], buf[:joinGroup], buf[shift:][:joinGroup])
		}
		dst[i] = extremeOf(op, *(*T)(unsafe.Pointer(buf)), row[whole:])
	}
	laneBuffers.Put(buf)
	return true
}

// extremeOf joins the elements of x with m.
func extremeOf[T Number](op joinOp, m T, x []T) T {
	for _, v := range x {
		if op == joinMax && v > m || op == joinMin && v < m || v != v {
			m = v
		}
	}
	return m
}
