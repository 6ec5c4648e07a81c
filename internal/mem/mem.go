// Package mem makes storage for weights and activations: it starts on a cache line, and large pieces ask for
// huge pages, with which filling them costs a third. It imports no package of this module.
package mem

import (
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

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
		preferHuge(b)
	}
	return b
}

// Finding a huge page takes the system a tenth of a millisecond, or many of them where it has to move other pages for
// it. Three such delays, and ordinary pages are faster.
const (
	delay     = 2 * time.Millisecond
	maxDelays = 3
)

var delays atomic.Int32

// preferHuge asks for huge pages for the fresh storage b, and takes the first of them to see how long that lasts.
func preferHuge(b []byte) {
	if delays.Load() >= maxDelays {
		return
	}
	start, length := around(b)
	adviseHuge(start, length)
	first := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (hugePage - 1))
	if first >= len(b) {
		return
	}
	begin := time.Now()
	b[first] = 0
	if time.Since(begin) > delay {
		delays.Add(1)
	}
}

// Floats returns n zero elements that start on a cache line.
func Floats(n int) []float32 {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(Bytes(4*n)))), n)
}

// Discard gives the memory of x back to the system, where that can be: whole pages of it then take no memory
// and hold zeros. It reports whether it did. Nothing else may lie in the same storage.
func Discard(x []float32) bool {
	page := uintptr(os.Getpagesize())
	start := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	from, to := (start+page-1)&^(page-1), (start+uintptr(4*len(x)))&^(page-1)
	return from < to && discard(from, to-from)
}

// around returns the address and length of the huge pages that b lies in. The heap puts large pieces side by
// side: a page that two of them share can be huge only if the first to touch it asks for all of it.
func around(b []byte) (start, length uintptr) {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	start = at &^ (hugePage - 1)
	return start, (at + uintptr(len(b)) + hugePage - 1 - start) &^ (hugePage - 1)
}

// chunk is what small pieces of weights are cut from, in bytes.
const chunk = 2 * hugePage

var slab struct {
	sync.Mutex
	free []byte
}

// Weights is Floats for what lives as long as a model: small pieces lie side by side in huge pages, and the
// storage of each is free when that of its neighbours is.
func Weights(n int) []float32 {
	size := (4*n + Alignment - 1) &^ (Alignment - 1)
	if n == 0 || size >= large {
		return Floats(n)
	}
	slab.Lock()
	defer slab.Unlock()
	if len(slab.free) < size {
		b := make([]byte, chunk+hugePage) // the part around the huge pages is never touched
		off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (hugePage - 1))
		slab.free = b[off : off+chunk : off+chunk]
		preferHuge(slab.free)
	}
	b := slab.free[:4*n]
	slab.free = slab.free[size:]
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), n)
}
