package vec

// SoftmaxShort sets each row of cols elements of dst to the softmax of the row of x, or to its logarithm, if rows
// of this length have a kernel of their own, and reports whether they have. dst may be x.
func SoftmaxShort(dst, x []float32, cols int, log bool) bool {
	if cols < 1 || cols > active.lanes {
		return false
	}
	f := active.softmax
	if log {
		f = active.logSoftmax
	}
	step := block / cols * cols
	for lo := 0; lo < len(dst); lo += step {
		hi := min(len(dst), lo+step)
		f(dst[lo:hi], x[lo:hi], cols)
	}
	return true
}
