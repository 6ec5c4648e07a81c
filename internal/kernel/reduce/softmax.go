package reduce

import "math"

// Softmax sets each row of cols elements of dst to exp(x - max) / sum(exp(x - max)) of the row of src.
// dst may be src. A row of -Inf only gives NaN, as IEEE arithmetic does.
func Softmax(dst, src []float32, rows, cols, threads int) {
	SoftmaxScaled(dst, src, SoftmaxArgs{Rows: rows, Cols: cols, Scale: 1}, threads)
}

// SoftmaxArgs says what SoftmaxScaled does to its input before the softmax.
type SoftmaxArgs struct {
	Rows, Cols int
	Scale      float32
	// Mask, if not nil, is added after scaling. Row r takes the Cols elements from (r/MaskRepeat)%MaskRows
	// times Cols on: MaskRows and MaskRepeat of 0 count as 1.
	Mask                 []float32
	MaskRows, MaskRepeat int
}

// SoftmaxScaled is Softmax of src*Scale + Mask.
func SoftmaxScaled(dst, src []float32, a SoftmaxArgs, threads int) {
	a.MaskRows, a.MaskRepeat = max(1, a.MaskRows), max(1, a.MaskRepeat)
	for r := range a.Rows {
		x, out := src[r*a.Cols:(r+1)*a.Cols], dst[r*a.Cols:(r+1)*a.Cols]
		if a.Scale != 1 || a.Mask != nil {
			prepare(out, x, &a, r)
			x = out
		}
		softmaxRow(out, x)
	}
}

// prepare scales and masks row r.
func prepare(dst, x []float32, a *SoftmaxArgs, r int) {
	if a.Mask == nil {
		for i, v := range x {
			dst[i] = v * a.Scale
		}
		return
	}
	m := a.Mask[r/a.MaskRepeat%a.MaskRows*a.Cols:][:len(x)]
	for i, v := range x {
		dst[i] = v*a.Scale + m[i]
	}
}

func softmaxRow(dst, x []float32) {
	m := extreme(Max, x)
	sum := float32(0)
	for i, v := range x {
		e := float32(math.Exp(float64(v - m)))
		dst[i] = e
		sum += e
	}
	inv := 1 / sum
	for i := range dst {
		dst[i] *= inv
	}
}

// LogSoftmax sets each row of cols elements of dst to x - max - log(sum(exp(x - max))). dst may be src.
func LogSoftmax(dst, src []float32, rows, cols, threads int) {
	for r := range rows {
		x, out := src[r*cols:(r+1)*cols], dst[r*cols:(r+1)*cols]
		logSoftmaxRow(out, x)
	}
}

func logSoftmaxRow(dst, x []float32) {
	m := extreme(Max, x)
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(float64(v - m))
	}
	l := m + float32(math.Log(sum))
	for i, v := range x {
		dst[i] = v - l
	}
}

// SoftmaxAxis is Softmax along the middle axis of [outer, n, inner].
func SoftmaxAxis(dst, src []float32, outer, n, inner, threads int) {
	softmaxAxis(dst, src, outer, n, inner, threads, false)
}

// LogSoftmaxAxis is LogSoftmax along the middle axis of [outer, n, inner].
func LogSoftmaxAxis(dst, src []float32, outer, n, inner, threads int) {
	softmaxAxis(dst, src, outer, n, inner, threads, true)
}

func softmaxAxis(dst, src []float32, outer, n, inner, threads int, log bool) {
	switch {
	case inner != 1:
	case log:
		LogSoftmax(dst, src, outer, n, threads)
		return
	default:
		Softmax(dst, src, outer, n, threads)
		return
	}
	for o := range outer {
		softmaxPlane(dst[o*n*inner:(o+1)*n*inner], src[o*n*inner:(o+1)*n*inner], inner, log)
	}
}

// softmaxPlane runs down the columns of [n, inner].
func softmaxPlane(dst, src []float32, inner int, log bool) {
	for j := range inner {
		m := float32(math.Inf(-1))
		for i := j; i < len(src); i += inner {
			if v := src[i]; v > m || v != v {
				m = v
			}
		}
		sum := 0.0
		for i := j; i < len(src); i += inner {
			sum += math.Exp(float64(src[i] - m))
		}
		l, inv := m+float32(math.Log(sum)), 1/sum
		for i := j; i < len(src); i += inner {
			if log {
				dst[i] = src[i] - l
			} else {
				dst[i] = float32(math.Exp(float64(src[i]-m)) * inv)
			}
		}
	}
}

// SoftmaxOf is SoftmaxAxis, or LogSoftmaxAxis if log is set, in float64.
func SoftmaxOf(dst, src []float64, outer, n, inner int, log bool) {
	for o := range outer {
		for j := range inner {
			base := o*n*inner + j
			m := math.Inf(-1)
			for i := range n {
				if v := src[base+i*inner]; v > m || v != v {
					m = v
				}
			}
			sum := 0.0
			for i := range n {
				sum += math.Exp(src[base+i*inner] - m)
			}
			for i := range n {
				v := src[base+i*inner] - m
				if log {
					dst[base+i*inner] = v - math.Log(sum)
				} else {
					dst[base+i*inner] = math.Exp(v) / sum
				}
			}
		}
	}
}
