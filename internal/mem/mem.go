// Package mem makes storage for weights and activations: it starts on a cache line, and large pieces ask for
// huge pages, with which filling them costs a quarter, where a huge page is filled. It imports no package of this module.
package mem

import (
	"os"
	"unsafe"
)

// Alignment in bytes of all storage of this package: a cache line, and the widest vector register.
const Alignment = 64

// Bytes returns n zero bytes that start on a cache line, and that will be used.
func Bytes(n int) []byte { return Partly(n, n) }

// Partly returns n zero bytes that start on a cache line, of which the first ones will be used, others perhaps.
func Partly(n, first int) []byte {
	if n < hugePage {
		return alignedBytes(n, Alignment)
	}
	b := hugeBytes(n)
	preferHuge(b, first, 0)
	return b[:n:n]
}

// A Runner calls part for each of n parts of work, perhaps on several threads. Where it is nil, one thread does all.
type Runner func(n int, part func(i int))

// BytesBy is Bytes whose pages come to several threads at the same time.
func BytesBy(n int, run Runner) []byte {
	if n < 2*hugePage {
		return Bytes(n)
	}
	b := hugeBytes(n)
	run.pieces(n, 2*hugePage, func(from, to int) { preferHuge(b[from:], to-from, 0) })
	return b[:n:n]
}

// Ordinary is Bytes for what serves a short time, or until Enlarge: in pages of the ordinary size, of which the system always has some that were
// in use a moment ago. A huge page takes some systems many milliseconds, see pause.
func Ordinary(n int, run Runner) []byte {
	b := alignedBytes(n, Alignment)
	if n >= hugePage {
		b = hugeBytes(n)[:n]
	}
	TakeOrdinary(b, run)
	return b
}

// TakeOrdinary makes fresh b, which will be filled, ready in pages of the ordinary size, many at once.
func TakeOrdinary(b []byte, run Runner) {
	if len(b) >= worthTaking {
		run.pieces(len(b), hugePage/2, func(from, to int) { take(b[from:to]) })
	}
}

// pieces calls f for the pieces of n bytes, each but the last of the given size.
func (run Runner) pieces(n, size int, f func(from, to int)) {
	piece := func(i int) { f(i*size, min(n, (i+1)*size)) }
	if count := (n + size - 1) / size; run != nil && count > 1 {
		run(count, piece)
	} else {
		f(0, n)
	}
}

// alignedBytes returns n zero bytes at a multiple of align.
func alignedBytes(n, align int) []byte {
	b := make([]byte, n+align)
	off := int(-address(b) & uintptr(align-1))
	return b[off : off+n : off+n]
}

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// Floats returns n zero elements that start on a cache line.
func Floats(n int) []float32 {
	if n == 0 {
		return nil
	}
	return floats(Bytes(4 * n))
}

// OrdinaryFloats is Floats with memory of Ordinary, for n > 0.
func OrdinaryFloats(n int, run Runner) []float32 { return floats(Ordinary(4*n, run)) }

func floats(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

// Reserve is Floats for what may be used later, if at all: it takes no memory until then.
func Reserve(n int) []float32 {
	if n == 0 {
		return nil
	}
	return floats(Partly(4*n, 0))
}

// Take makes large x, which will be filled, ready in huge pages where it holds them.
func Take[E byte | float32](x []E) {
	if n := len(x) * int(unsafe.Sizeof(*new(E))); n >= hugePage {
		preferHuge(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), n), n, 0)
	}
}

// leastGrown is the least number of elements that Grow asks for. What is not used takes no memory: as sizes grow from node to node of
// a first run, pages that are there stay in use.
const leastGrown = 1 << 16

// Grow returns n elements of any value for working memory that was x until now, and nothing else: in its storage where
// that is large enough. Otherwise the memory of x goes back to the system at once, and a quarter more than n is taken,
// so that sizes which vary seldom meet.
func Grow(x []float32, n int) []float32 {
	if n <= cap(x) {
		return x[:n]
	}
	Discard(x[:cap(x)])
	b := Partly(4*max(n+n/4, leastGrown), 4*n)
	if len(b) < hugePage {
		TakeOrdinary(b[:4*n], nil)
		Discard(floats(b)[n:]) // storage that was used before comes cleared, which makes it resident
	}
	return floats(b)[:n]
}

// Discard gives the memory of x back to the system, where that can be: whole pages of it then take no memory
// and hold zeros. It reports whether it did. Nothing else may lie in the same storage.
func Discard(x []float32) bool {
	page := uintptr(os.Getpagesize())
	start := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	from, to := (start+page-1)&^(page-1), (start+uintptr(4*len(x)))&^(page-1)
	return from < to && discard(from, to-from)
}
