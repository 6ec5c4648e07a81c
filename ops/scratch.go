package ops

import "unsafe"

// scratchOf returns the first n elements of scratch memory as numbers of type T.
func scratchOf[T float32 | float64 | int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64](scratch []byte, n int) []T {
	var zero T
	_ = scratch[:n*int(unsafe.Sizeof(zero))]
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(scratch))), n)
}
