package vec

import (
	"math"
	"unsafe"
)

// And sets dst[i] = a[i] && b[i].
func And(dst, a, b []bool) { truth(opAndBits, dst, a, b) }

// Or sets dst[i] = a[i] || b[i].
func Or(dst, a, b []bool) { truth(opOrBits, dst, a, b) }

// Xor sets dst[i] = a[i] != b[i].
func Xor(dst, a, b []bool) { truth(opXorBits, dst, a, b) }

// Not sets dst[i] = !x[i].
func Not(dst, x []bool) { flip(octets(dst), octets(x), 1, oneOctets) }

// truth is bits on truth values, whose bytes are 0 and 1.
func truth(op binaryOp, dst, a, b []bool) {
	if len(a) == 1 && len(b) > 1 {
		a, b = b, a
	}
	if len(b) == 1 && len(a) > 1 {
		truthOf(op, dst, a, b[0])
		return
	}
	bits(op, octets(dst), octets(a), octets(b))
}

// truthOf joins truth values with one.
func truthOf(op binaryOp, dst, a []bool, b bool) {
	switch {
	case op == opXorBits && b:
		Not(dst, a)
	case op != opXorBits && b == (op == opOrBits):
		Fill(dst, b)
	default:
		copy(dst, a[:len(dst)])
	}
}

func octets(x []bool) []uint8 {
	return unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// BitAnd sets dst[i] = a[i] & b[i].
func BitAnd[T Int](dst, a, b []T) { bits(opAndBits, dst, a, b) }

// BitOr sets dst[i] = a[i] | b[i].
func BitOr[T Int](dst, a, b []T) { bits(opOrBits, dst, a, b) }

// BitXor sets dst[i] = a[i] ^ b[i].
func BitXor[T Int](dst, a, b []T) { bits(opXorBits, dst, a, b) }

// BitNot sets dst[i] = ^x[i].
func BitNot[T Int](dst, x []T) {
	var ones T
	flip(dst, x, ones-1, allOnes)
}

// signOctet is the sign of an int8.
const signOctet = 0x80

// One lane each: on the stack they would escape.
var (
	oneOctets  = []float32{math.Float32frombits(0x01010101)}
	signOctets = []float32{math.Float32frombits(0x80808080)}
	allOnes    = []float32{math.Float32frombits(math.MaxUint32)}
)

// bits runs a bitwise kernel on 4 bytes at a time, whatever the element type, and a loop on scalars and on the
// rest.
func bits[T Int](op binaryOp, dst, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	n := 0
	if ma != 0 && mb != 0 {
		n = quads(op, dst, fours(a), fours(b))
	}
	for i := n; i < len(dst); i++ {
		x, y := a[i&ma], b[i&mb]
		switch op {
		case opAndBits:
			x &= y
		case opOrBits:
			x |= y
		default:
			x ^= y
		}
		dst[i] = x
	}
}

// flip sets dst[i] = x[i] ^ ones; lane is ones as often as it fits in 4 bytes.
func flip[T Int](dst, x []T, ones T, lane []float32) {
	x = x[:len(dst)]
	n := quads(opXorBits, dst, fours(x), lane)
	for i, v := range x[n:] {
		dst[n+i] = v ^ ones
	}
}

// quads runs a kernel on the whole groups of 4 bytes of dst and returns the number of elements done.
func quads[T Int](op binaryOp, dst []T, a, b []float32) int {
	d := fours(dst)
	pair(op, d, a, b)
	return len(d) * 4 / int(unsafe.Sizeof(T(0)))
}

// fours returns whole groups of 4 bytes of x as lanes.
func fours[T Int](x []T) []float32 {
	n := len(x) * int(unsafe.Sizeof(T(0))) / 4
	if n == 0 {
		return nil // a pointer to a lane must not point to less than one
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(x))), n)
}
