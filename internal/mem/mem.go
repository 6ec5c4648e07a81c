// Package mem makes storage for weights and activations: it starts on a cache line, and large pieces ask for
// huge pages, with which filling them costs a third. It imports no package of this module.
package mem

import "unsafe"

// Alignment in bytes of all storage of this package: a cache line, and the widest vector register.
const Alignment = 64

const (
	hugePage = 2 << 20
	large    = hugePage / 2 // bytes from which huge pages are worth their rounding
)

// Bytes returns n zero bytes that start on a cache line.
func Bytes(n int) []byte {
	b := make([]byte, n+Alignment)
	off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (Alignment - 1))
	b = b[off : off+n : off+n]
	if n >= large {
		adviseHuge(around(b))
	}
	return b
}

// Floats returns n zero elements that start on a cache line.
func Floats(n int) []float32 {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(Bytes(4*n)))), n)
}

// around returns the address and length of the huge pages that b lies in. The heap puts large pieces side by
// side: a page that two of them share can be huge only if the first to touch it asks for all of it.
func around(b []byte) (start, length uintptr) {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	start = at &^ (hugePage - 1)
	return start, (at + uintptr(len(b)) + hugePage - 1 - start) &^ (hugePage - 1)
}
