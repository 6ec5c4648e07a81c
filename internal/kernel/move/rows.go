package move

import (
	"fmt"
	"unsafe"
)

// Rows of leastRow to mostRow bytes are copied in pieces, or from leastWide on by a kernel, which takes a half to a quarter of a
// call of memmove for each. Longer ones it copies as fast.
const (
	leastRow  = 16
	mostRow   = 128
	leastWide = 32
	mostWide  = 1 << 12
	mostRows  = 1 << 18 // bytes in a call
)

// manyRows reports whether copyRows is better at rows of n bytes than a call of memmove for each.
func manyRows(n int) bool {
	return n >= leastRow && n <= mostRow || active.rows != nil && n >= leastWide && n <= mostWide
}

// Rows copies count rows of n bytes, which begin dstStride and srcStride bytes apart. src must not overlap dst.
func Rows(dst, src []byte, count, n, dstStride, srcStride int) {
	if count <= 0 || n <= 0 {
		return
	}
	if d, s := (count-1)*dstStride+n, (count-1)*srcStride+n; dstStride < 0 || srcStride < 0 || d > len(dst) || s > len(src) {
		panic(fmt.Sprintf("move: %d rows of %d bytes reach %d of %d and %d of %d bytes", count, n, d, len(dst), s, len(src)))
	}
	copyRows(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), count, n, dstStride, srcStride)
}

// copyRows is Rows without checks, for strides of either sign.
func copyRows(dp, sp unsafe.Pointer, count, n, ds, ss int) {
	switch {
	case !manyRows(n):
		for i := range count {
			copy(unsafe.Slice((*byte)(unsafe.Add(dp, i*ds)), n), unsafe.Slice((*byte)(unsafe.Add(sp, i*ss)), n))
		}
	case active.rows != nil && n >= leastWide:
		step := mostRows / n
		for i := 0; i < count; i += step {
			active.rows((*byte)(unsafe.Add(dp, i*ds)), (*byte)(unsafe.Add(sp, i*ss)), min(step, count-i), n, ds, ss)
		}
	default:
		for i := range count {
			pieces(unsafe.Add(dp, i*ds), unsafe.Add(sp, i*ss), n)
		}
	}
}

// pieces copies n bytes, at least 16, through a vector register at a time. The last piece may lie over the one before.
func pieces(dp, sp unsafe.Pointer, n int) {
	type piece = [16]byte
	o := 0
	for ; o+64 <= n; o += 64 {
		*(*piece)(unsafe.Add(dp, o)) = *(*piece)(unsafe.Add(sp, o))
		*(*piece)(unsafe.Add(dp, o+16)) = *(*piece)(unsafe.Add(sp, o+16))
		*(*piece)(unsafe.Add(dp, o+32)) = *(*piece)(unsafe.Add(sp, o+32))
		*(*piece)(unsafe.Add(dp, o+48)) = *(*piece)(unsafe.Add(sp, o+48))
	}
	for ; o+16 <= n; o += 16 {
		*(*piece)(unsafe.Add(dp, o)) = *(*piece)(unsafe.Add(sp, o))
	}
	if o < n {
		*(*piece)(unsafe.Add(dp, n-16)) = *(*piece)(unsafe.Add(sp, n-16))
	}
}
