package vec

import "unsafe"

// A repeatFunc sets rows of n bytes in dst, one behind the other, to copies of the element at src, those of the next row to that step
// bytes further on. It writes whole groups of repeatBytes: beyond a row, then over that.
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
		done = repeated(dst, x, rows, cols, down, f)
	}
	for i := done; i < rows; i++ {
		Fill(dst[i*cols:][:cols], x[i*down])
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

// repeated has f make as many of the first rows as end, with its last group, within dst. It returns how many.
func repeated[T any](dst, x []T, rows, cols, down int, f repeatFunc) int {
	size := int(unsafe.Sizeof(*new(T)))
	n, step := cols*size, down*size
	whole := (n + repeatBytes - 1) / repeatBytes * repeatBytes
	if n == 0 || n >= repeatLong || len(dst)*size < whole {
		return 0
	}
	_ = x[(rows-1)*down]
	rows = min(rows, (len(dst)*size-whole)/n+1)
	for i := 0; i < rows; i += repeatBlock {
		f((*byte)(unsafe.Pointer(&dst[i*cols])), (*byte)(unsafe.Pointer(&x[i*down])), min(repeatBlock, rows-i), n, step)
	}
	return rows
}
