package vec

import "unsafe"

// SumRows sets dst[i] to the sum of the n elements of row i of x: integers wrap, floats are added in lanes. It reports false,
// and does nothing, where it has no kernel or rows are too short for it.
func SumRows[T Number](dst, x []T, n int) bool {
	var t T
	e, size := elementOf[T](), int(unsafe.Sizeof(t))
	whole := n * size &^ (joinGroup - 1) / size
	if e == numElement || whole == 0 || active.sumRows[e] == nil {
		return false
	}
	f := active.sumRows[e]
	if whole < n || n*size > extremeBytes {
		for i := range dst {
			sumRow(f, dst[i:i+1], x[i*n:][:n], whole, extremeBytes/size)
		}
		return true
	}
	foldRows(f, dst, x, n)
	return true
}

// sumRow sets dst[0] to the sum of a row, of whose first whole elements f takes part at a time.
func sumRow[T Number](f rowFoldFunc, dst, x []T, whole, part int) {
	var s T
	for lo := 0; lo < whole; lo += part {
		p := bytesOf(x[lo:min(lo+part, whole)])
		f(bytesOf(dst), p, len(p))
		s += dst[0]
	}
	for _, v := range x[whole:] {
		s += v
	}
	dst[0] = s
}
