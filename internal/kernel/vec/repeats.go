package vec

import "unsafe"

// A repeatFunc sets rows of n bytes in dst, one behind the other, to copies of the element at src, or of the bytes there, those of the
// next row step bytes further on. It writes, and reads what it copies, whole groups of repeatBytes: beyond a row, then over that.
type repeatFunc func(dst, src *byte, rows, n, step int)

const (
	repeatBytes = 32
	repeatLong  = 1 << 10 // bytes of rows from which on one call for each costs nothing
	repeatBlock = 1 << 10 // rows of a call
)

// repeatRows sets row i of dst, the cols elements from i*cols on, to copies of x[i*down].
func repeatRows[T any](dst, x []T, rows, cols, down int) {
	done := 0
	if f := active.repeat[elementBytes[T]()]; f != nil && rows > 1 {
		done = repeated(dst, x, rows, cols, down, f, false)
	}
	for i := done; i < rows; i++ {
		Fill(dst[i*cols:][:cols], x[i*down])
	}
}

// copyRows sets row i of dst, the cols elements from i*cols on, to those of x from i*down on.
func copyRows[T any](dst, x []T, rows, cols, down int) {
	done := 0
	if active.copyRows != nil && rows > 1 && elementBytes[T]() > 0 {
		done = repeated(dst, x, rows, cols, down, active.copyRows, true)
	}
	for i := done; i < rows; i++ {
		copy(dst[i*cols:][:cols], x[i*down:])
	}
}

// elementBytes returns the size of T if there are kernels for it, 0 otherwise.
func elementBytes[T any]() int {
	switch n := int(unsafe.Sizeof(*new(T))); n {
	case 1, 2, 4, 8:
		return n
	}
	return 0
}

// repeated has f make as many of the first rows as end, with its last group, within dst and, where it copies, x. It returns how many.
func repeated[T any](dst, x []T, rows, cols, down int, f repeatFunc, copies bool) int {
	size := int(unsafe.Sizeof(*new(T)))
	n, step := cols*size, down*size
	if n == 0 || n >= repeatLong {
		return 0
	}
	whole := (n + repeatBytes - 1) / repeatBytes * repeatBytes
	reads := size
	if copies {
		reads = whole
	}
	rows = min(rows, fitting(len(dst)*size, whole, n), fitting(len(x)*size, reads, step))
	for i := 0; i < rows; i += repeatBlock {
		f((*byte)(unsafe.Pointer(&dst[i*cols])), (*byte)(unsafe.Pointer(&x[i*down])), min(repeatBlock, rows-i), n, step)
	}
	return max(0, rows)
}

// fitting returns how many groups of n bytes that begin step bytes apart end within so many bytes: any number, if all begin together.
func fitting(bytes, n, step int) int {
	switch {
	case bytes < n:
		return 0
	case step == 0:
		return int(^uint(0) >> 1)
	}
	return (bytes-n)/step + 1
}
