package ops

import "unsafe"

// scratchOf returns the first n elements of scratch memory as numbers of type T.
func scratchOf[T float32 | float64 | int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64](scratch []byte, n int) []T {
	var zero T
	_ = scratch[:n*int(unsafe.Sizeof(zero))]
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(scratch))), n)
}

// carve takes n elements off the front of scratch memory, leaving the rest aligned to 64 bytes.
func carve[T float32 | float64 | int64 | uint8](b []byte, n int) (s []T, rest []byte) {
	var zero T
	size := carveBytes(n, int(unsafe.Sizeof(zero)))
	if n == 0 {
		return nil, b
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b[:size]))), n), b[size:]
}

// carveBytes is how much of its memory carve uses for n elements of size bytes.
func carveBytes(n, size int) int { return align64(n * size) }

func align64(n int) int { return (n + 63) &^ 63 }
