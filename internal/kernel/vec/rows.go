package vec

import "math"

// MaxRow is the length of the longest rows that the kernels of this file take: they keep sums in float32.
const MaxRow = 1 << 14

// SoftmaxRows sets each row of cols elements of dst to the softmax of the row of x, or to its logarithm, unless rows are
// too long, and reports whether it has. dst may be x.
func SoftmaxRows(dst, x []float32, cols int, log bool) bool {
	if SoftmaxShort(dst, x, cols, log) {
		return true
	}
	if cols < 1 || cols > MaxRow {
		return false
	}
	f := active.softmaxRows
	if log {
		f = active.logSoftmaxRows
	}
	step := rowStep(cols)
	for lo := 0; lo < len(dst); lo += step {
		hi := min(len(dst), lo+step)
		f(dst[lo:hi], x[lo:hi], cols)
	}
	return true
}

// HardmaxRows sets, in each row of cols elements of dst, the first of the largest elements of the row of x to 1 and the
// others to 0. A NaN counts only in the first place. dst must not overlap x.
func HardmaxRows(dst, x []float32, cols int) {
	if cols == 0 {
		return
	}
	step := rowStep(cols)
	for lo := 0; lo < len(dst); lo += step {
		hi := min(len(dst), lo+step)
		active.hardmaxRows(dst[lo:hi], x[lo:hi], cols)
	}
}

// SoftmaxGradRows sets dx to the gradient of SoftmaxRows of rows of cols elements, for dy, that of its result y, unless rows are too
// long, and reports whether it has. dx may be dy or y.
func SoftmaxGradRows(dx, dy, y []float32, cols int, log bool) bool {
	if cols < 1 || cols > MaxRow {
		return false
	}
	f := active.softmaxGrad
	if log {
		f = active.logSoftmaxGrad
	}
	step := rowStep(cols)
	for lo := 0; lo < len(dx); lo += step {
		hi := min(len(dx), lo+step)
		f(dx[lo:hi], dy[lo:hi], y[lo:hi], cols)
	}
	return true
}

// ScaledExpRows sets each row of cols elements of dst to f*exp(x), with an f for each row, for x that are at most 0 but for rounding: 0 where exp(x)
// is below leastShare. dst may be x.
func ScaledExpRows(dst, x, f []float32, cols int) {
	if cols == 0 {
		return
	}
	if cols > block {
		for i := range f {
			for lo := i * cols; lo < (i+1)*cols; lo += block {
				hi := min((i+1)*cols, lo+block)
				active.scaledExpRows(dst[lo:hi], x[lo:hi], f[i:i+1], hi-lo)
			}
		}
		return
	}
	rows := block / cols
	for lo := 0; lo < len(f); lo += rows {
		hi := min(len(f), lo+rows)
		active.scaledExpRows(dst[lo*cols:hi*cols], x[lo*cols:hi*cols], f[lo:hi], cols)
	}
}

// LayerNormRows sets each row of len(scale) elements of dst, at most MaxRow, to (x-mean) / sqrt(variance+eps) * scale
// + bias, with the row's own mean and population variance. bias may be empty, dst may be x.
func LayerNormRows(dst, x, scale, bias []float32, eps float32) {
	normRows(active.layerNormRows, dst, x, scale, bias, eps)
}

// RMSNormRows sets each row of len(scale) elements of dst, at most MaxRow, to x / sqrt(mean(x*x)+eps) * scale + bias.
// bias may be empty, dst may be x.
func RMSNormRows(dst, x, scale, bias []float32, eps float32) {
	normRows(active.rmsNormRows, dst, x, scale, bias, eps)
}

// A normFunc normalises rows of cols elements.
type normFunc func(dst, x, scale, bias []float32, cols int, eps float32)

func normRows(f normFunc, dst, x, scale, bias []float32, eps float32) {
	cols := len(scale)
	if cols == 0 {
		return
	}
	if len(bias) > 0 {
		bias = bias[:cols]
	}
	step := rowStep(cols)
	for lo := 0; lo < len(dst); lo += step {
		hi := min(len(dst), lo+step)
		f(dst[lo:hi], x[lo:hi], scale, bias, cols, eps)
	}
}

// rowStep returns the number of elements of the whole rows that one kernel call takes.
func rowStep(cols int) int { return max(1, block/cols) * cols }

func softmaxRowsGo(dst, x []float32, cols int) {
	for ; len(dst) >= cols; dst, x = dst[cols:], x[cols:] {
		sum := expSumGo(dst[:cols], x, highestGo(x[:cols]))
		for i := range cols {
			dst[i] /= sum
		}
	}
}

func logSoftmaxRowsGo(dst, x []float32, cols int) {
	for ; len(dst) >= cols; dst, x = dst[cols:], x[cols:] {
		m, sum := highestGo(x[:cols]), 0.0
		for _, v := range x[:cols] {
			sum += term(v - m)
		}
		sub2Go(dst[:cols], x, m, float32(math.Log(sum)))
	}
}

func softmaxGradGo(dx, dy, y []float32, cols int) {
	for ; len(dx) >= cols; dx, dy, y = dx[cols:], dy[cols:], y[cols:] {
		dot := dotGo(dy[:cols], y)
		for i := range cols {
			dx[i] = (dy[i] - dot) * y[i]
		}
	}
}

func logSoftmaxGradGo(dx, dy, y []float32, cols int) {
	for ; len(dx) >= cols; dx, dy, y = dx[cols:], dy[cols:], y[cols:] {
		sum := sumGo(dy[:cols])
		for i := range cols {
			dx[i] = dy[i] - float32(term(y[i]))*sum
		}
	}
}

func scaledExpRowsGo(dst, x, f []float32, cols int) {
	for i, f := range f {
		for j, v := range x[i*cols:][:cols] {
			e := term(v)
			if e < leastShare {
				e = 0
			}
			dst[i*cols+j] = f * float32(e)
		}
	}
}

func layerNormRowsGo(dst, x, scale, bias []float32, cols int, eps float32) {
	for ; len(dst) >= cols; dst, x = dst[cols:], x[cols:] {
		mean := sumGo(x[:cols]) / float32(cols)
		variance := float64(sumDeviationGo(x[:cols], mean)) / float64(cols)
		normRowGo(dst[:cols], x, scale, bias, mean, float32(1/math.Sqrt(variance+float64(eps))))
	}
}

func rmsNormRowsGo(dst, x, scale, bias []float32, cols int, eps float32) {
	for ; len(dst) >= cols; dst, x = dst[cols:], x[cols:] {
		square := float64(sumSquareGo(x[:cols])) / float64(cols)
		normRowGo(dst[:cols], x, scale, bias, 0, float32(1/math.Sqrt(square+float64(eps))))
	}
}

func hardmaxRowsGo(dst, x []float32, cols int) {
	clear(dst)
	for ; len(dst) >= cols; dst, x = dst[cols:], x[cols:] {
		best := 0
		for i, v := range x[:cols] {
			if v > x[best] {
				best = i
			}
		}
		dst[best] = 1
	}
}
