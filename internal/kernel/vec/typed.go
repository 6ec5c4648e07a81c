package vec

import "unsafe"

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
	elemF32 // conversions only: the kernels of other files do the rest
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
	joinMod
	joinShl
	joinShr
	joinAbs // of the first
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
	case *float32:
		return elemF32
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
