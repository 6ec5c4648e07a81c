package vec

import "unsafe"

// MaxRows sets dst[i] to the largest of the n elements of row i of x, and to NaN if one is NaN; MinRows takes the smallest.
// They report false, and do nothing, where they have no kernel or rows are too short for it.
func MaxRows[T Number](dst, x []T, n int) bool { return extremeRows(joinMax, dst, x, n) }

// MinRows is described at MaxRows.
func MinRows[T Number](dst, x []T, n int) bool { return extremeRows(joinMin, dst, x, n) }

// extremeTable holds what sets elements, that come as bytes, to the extreme ones of rows of n bytes, at least joinGroup; nil
// where there is no kernel.
type extremeTable [joinMin + 1][numElement]rowFoldFunc

// A rowFoldFunc sets each element of dst to what those of a row of n bytes of x, at least joinGroup, are joined to.
type rowFoldFunc func(dst, x []uint8, n int)

// extremeBytes is how much of the rows one call of a kernel takes.
const extremeBytes = 1 << 18

func extremeRows[T Number](op joinOp, dst, x []T, n int) bool {
	var t T
	e, size := elementOf[T](), int(unsafe.Sizeof(t))
	if e == numElement || active.extreme[op][e] == nil || n*size < joinGroup {
		return false
	}
	f := active.extreme[op][e]
	if n*size > extremeBytes {
		for i := range dst {
			extremeRow(op, f, dst[i:i+1], x[i*n:][:n], extremeBytes/size)
		}
		return true
	}
	foldRows(f, dst, x, n)
	return true
}

// foldRows calls f for rows of n elements, at most extremeBytes, as many at a time as fit in these.
func foldRows[T Number](f rowFoldFunc, dst, x []T, n int) {
	var t T
	row := n * int(unsafe.Sizeof(t))
	step := extremeBytes / row
	for lo := 0; lo < len(dst); lo += step {
		hi := min(len(dst), lo+step)
		f(bytesOf(dst[lo:hi]), bytesOf(x[lo*n:hi*n]), row)
	}
}

// extremeRow sets dst[0] to the extreme element of a long row, of which f takes part elements at a time.
func extremeRow[T Number](op joinOp, f rowFoldFunc, dst, x []T, part int) {
	m := x[0]
	for len(x) >= part {
		f(bytesOf(dst), bytesOf(x[:part]), len(bytesOf(x[:part])))
		m = extremeOf(op, m, dst)
		x = x[part:]
	}
	dst[0] = extremeOf(op, m, x)
}

// extremeOf joins the elements of x with m, which stays if it is NaN.
func extremeOf[T Number](op joinOp, m T, x []T) T {
	for _, v := range x {
		if op == joinMax && v > m || op == joinMin && v < m || v != v {
			m = v
		}
	}
	return m
}
