package vec

import (
	"math"
	"unsafe"
)

// AddOf sets dst[i] = a[i] + b[i].
func AddOf[T Number](dst, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := joined(joinAdd, dst, a, b); i < len(dst); i++ {
		dst[i] = a[i&ma] + b[i&mb]
	}
}

// SubOf sets dst[i] = a[i] - b[i].
func SubOf[T Number](dst, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := joined(joinSub, dst, a, b); i < len(dst); i++ {
		dst[i] = a[i&ma] - b[i&mb]
	}
}

// MulOf sets dst[i] = a[i] * b[i].
func MulOf[T Number](dst, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := joined(joinMul, dst, a, b); i < len(dst); i++ {
		dst[i] = a[i&ma] * b[i&mb]
	}
}

// DivOf sets dst[i] = a[i] / b[i].
func DivOf[T Float](dst, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := joined(joinDiv, dst, a, b); i < len(dst); i++ {
		dst[i] = a[i&ma] / b[i&mb]
	}
}

// FmodInt sets dst[i] to the remainder of a[i] by b[i] with the sign of a[i]. The remainder by zero is zero.
func FmodInt[T Int](dst, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := range dst {
		var r T
		if d := b[i&mb]; d != 0 {
			r = a[i&ma] % d
		}
		dst[i] = r
	}
}

// ModOf sets dst[i] to the remainder of a[i] by b[i] with the sign of b[i], zeros included.
func ModOf[T Float](dst, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := range dst {
		d := float64(b[i&mb])
		r := math.Mod(float64(a[i&ma]), d)
		switch {
		case r == 0:
			r = math.Copysign(0, d)
		case (r < 0) != (d < 0):
			r += d
		}
		dst[i] = T(r)
	}
}

// FmodOf sets dst[i] to the remainder of a[i] by b[i] with the sign of a[i].
func FmodOf[T Float](dst, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := range dst {
		dst[i] = T(math.Mod(float64(a[i&ma]), float64(b[i&mb])))
	}
}

// MaxOf sets dst[i] to the larger of a[i] and b[i], and to NaN if either is NaN.
func MaxOf[T Number](dst, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := joined(joinMax, dst, a, b); i < len(dst); i++ {
		v, w := a[i&ma], b[i&mb]
		if w > v || w != w {
			v = w
		}
		dst[i] = v
	}
}

// MinOf sets dst[i] to the smaller of a[i] and b[i], and to NaN if either is NaN.
func MinOf[T Number](dst, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := joined(joinMin, dst, a, b); i < len(dst); i++ {
		v, w := a[i&ma], b[i&mb]
		if w < v || w != w {
			v = w
		}
		dst[i] = v
	}
}

// ClipOf sets dst[i] = min(max(x[i], lo), hi) and keeps NaN. If lo > hi the result is hi.
func ClipOf[T Number](dst, x []T, lo, hi T) {
	for i, v := range x[:len(dst)] {
		if v < lo {
			v = lo
		}
		if v > hi {
			v = hi
		}
		dst[i] = v
	}
}

// zeroElement and minusZero are zero of every type and of float64: on the stack they would escape.
var (
	zeroElement uint64
	minusZero   = math.Copysign(0, -1)
)

// zeroOf returns one element that is zero.
func zeroOf[T Number]() []T { return unsafe.Slice((*T)(unsafe.Pointer(&zeroElement)), 1) }

// NegOf sets dst[i] = -x[i].
func NegOf[T Number](dst, x []T) {
	x = x[:len(dst)]
	zero := zeroOf[T]()
	if elementOf[T]() == elemF64 {
		zero = unsafe.Slice((*T)(unsafe.Pointer(&minusZero)), 1)
	}
	n := joined(joinSub, dst, zero, x)
	for i, v := range x[n:] {
		dst[n+i] = -v
	}
}

// AbsOf sets dst[i] to the absolute value of x[i]. The smallest signed integer stays as it is.
func AbsOf[T Number](dst, x []T) {
	x = x[:len(dst)]
	n := joined(joinAbs, dst, x, zeroOf[T]())
	for i, v := range x[n:] {
		if v < 0 {
			v = -v
		}
		dst[n+i] = v + 0
	}
}

// SignOf sets dst[i] to -1, 0 or 1 by the sign of x[i], and to x[i] if that is NaN.
func SignOf[T Number](dst, x []T) {
	x = x[:len(dst)]
	n := 0
	if isInt[T]() {
		n = signInts(dst, x)
	}
	for i := n; i < len(x); i++ {
		v := x[i]
		switch {
		case v > 0:
			v = 1
		case v < 0:
			v = 0
			v--
		case v == 0:
			v = 0
		}
		dst[i] = v
	}
}

// minusOne and plusOne begin, in memory, with these numbers of every integer type: there are kernels on little-endian machines only.
var minusOne, plusOne = ^uint64(0), uint64(1)

// signInts is SignOf for whole groups of integers that have kernels; it returns how many elements it did.
func signInts[T Number](dst, x []T) (n int) {
	least, most := unsafe.Pointer(&zeroElement), unsafe.Pointer(&plusOne)
	if Lowest[T]() != 0 {
		least = unsafe.Pointer(&minusOne)
	}
	for lo := 0; lo < len(dst); lo += block {
		d := dst[lo:min(lo+block, len(dst))]
		done := joined(joinMax, d, x[lo:lo+len(d)], unsafe.Slice((*T)(least), 1))
		n += joined(joinMin, d[:done], d[:done], unsafe.Slice((*T)(most), 1))
	}
	return n
}

// Shl sets dst[i] = a[i] << b[i]. Shifts that are negative or exceed the width shift all bits out.
func Shl[T Int](dst, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	n := joined(joinShl, dst, a, b)
	if ma != 0 && mb != 0 {
		dst, b = dst[n:], b[n:len(dst)]
		for i, x := range a[n:][:len(dst)] {
			dst[i] = x << shift(b[i])
		}
		return
	}
	for i := n; i < len(dst); i++ {
		dst[i] = a[i&ma] << shift(b[i&mb])
	}
}

// Shr sets dst[i] = a[i] >> b[i]. Shifts that are negative or exceed the width shift all bits out.
func Shr[T Int](dst, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	n := joined(joinShr, dst, a, b)
	if ma != 0 && mb != 0 {
		dst, b = dst[n:], b[n:len(dst)]
		for i, x := range a[n:][:len(dst)] {
			dst[i] = x >> shift(b[i])
		}
		return
	}
	for i := n; i < len(dst); i++ {
		dst[i] = a[i&ma] >> shift(b[i&mb])
	}
}

// shift returns an amount of shifting; every bit of every type is shifted out by negative ones.
func shift[T Int](s T) uint64 { return uint64(s) }

// PowOf sets dst[i] = a[i] to the power of b[i], computed in float64 for floats and small exponents and
// by repeated squaring where both are integers and the exponent is not negative.
func PowOf[T, U Number](dst []T, a []T, b []U) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	if len(b) == 1 && b[0] == 2 {
		MulOf(dst, a, a)
		return
	}
	if isInt[T]() && isInt[U]() {
		for i := range dst {
			dst[i] = powInt(a[i&ma], b[i&mb])
		}
		return
	}
	for i := range dst {
		dst[i] = T(math.Pow(float64(a[i&ma]), float64(b[i&mb])))
	}
}

func isInt[T Number]() bool { return T(1)/T(2) == 0 }

func powInt[T, U Number](x T, e U) T {
	if e < 0 {
		switch {
		case x == 1:
			return 1
		case x+1 == 0:
			if uint64(int64(e))&1 == 1 {
				return x
			}
			return 1
		}
		return 0
	}
	r := T(1)
	for n := uint64(e); n != 0; n >>= 1 {
		if n&1 == 1 {
			r *= x
		}
		x *= x
	}
	return r
}
