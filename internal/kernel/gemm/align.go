package gemm

import "unsafe"

// alignedFloats returns n elements that start on a cache line.
func alignedFloats(n int) []float32 {
	if n == 0 {
		return nil
	}
	const line = 64
	x := make([]float32, n+line/4)
	off := int(-uintptr(unsafe.Pointer(&x[0])) % line / 4)
	return x[off : off+n : off+n]
}
