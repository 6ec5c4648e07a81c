package reduce

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

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
	if a.Scale == 1 && a.Mask == nil && a.Cols <= fewColumns && a.Rows >= fewRows {
		j := newJob(softmaxFew, dst, src)
		j.n = a.Cols
		j.do(a.Rows, a.Cols, threads)
		return
	}
	j := newJob(softmaxRows, dst, src)
	j.softmax = a
	j.do(a.Rows, a.Cols, threads)
}

func softmaxRows(j *job, lo, hi int) {
	a := &j.softmax
	if a.Scale == 1 && a.Mask == nil && vec.SoftmaxRows(j.dst[lo*a.Cols:hi*a.Cols], j.src[lo*a.Cols:hi*a.Cols], a.Cols, false) {
		return
	}
	for r := lo; r < hi; r++ {
		x, out := j.src[r*a.Cols:(r+1)*a.Cols], j.dst[r*a.Cols:(r+1)*a.Cols]
		if a.Scale != 1 || a.Mask != nil {
			vec.ScaleShift(out, x, a.Scale, 0)
			x = out
		}
		if a.Mask != nil {
			vec.Add(out, out, a.Mask[r/a.MaskRepeat%a.MaskRows*a.Cols:][:len(out)])
		}
		if !vec.SoftmaxRows(out, x, a.Cols, false) {
			sum := vec.ExpSum(out, x, vec.Largest(x))
			vec.ScaleShift(out, out, 1/sum, 0)
		}
	}
}

// LogSoftmax sets each row of cols elements of dst to x - max - log(sum(exp(x - max))). dst may be src.
func LogSoftmax(dst, src []float32, rows, cols, threads int) {
	run := logSoftmaxRows
	if cols <= fewColumns && rows >= fewRows {
		run = softmaxFew
	}
	j := newJob(run, dst, src)
	j.n, j.log = cols, true
	j.do(rows, cols, threads)
}

func logSoftmaxRows(j *job, lo, hi int) {
	if vec.SoftmaxRows(j.dst[lo*j.n:hi*j.n], j.src[lo*j.n:hi*j.n], j.n, true) {
		return
	}
	s := scratches.Get()
	defer scratches.Put(s)
	for r := lo; r < hi; r++ {
		x, out := j.src[r*j.n:(r+1)*j.n], j.dst[r*j.n:(r+1)*j.n]
		m, sum := vec.Largest(x), 0.0
		for i := 0; i < len(x); i += tile {
			part := x[i:min(i+tile, len(x))]
			sum += float64(vec.ExpSum(s.a[:len(part)], part, m))
		}
		vec.Sub2(out, x, m, float32(math.Log(sum)))
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
	case inner != 1 && inner <= tile/2:
		j := newJob(softmaxPlanes, dst, src)
		j.n, j.inner, j.log = n, inner, log
		j.do(outer, n*inner, threads)
	case inner != 1:
		j := newJob(softmaxTiles, dst, src)
		j.n, j.inner, j.tiles, j.log = n, inner, (inner+tile-1)/tile, log
		j.do(outer*j.tiles, n*min(inner, tile), threads)
	case log:
		LogSoftmax(dst, src, outer, n, threads)
	default:
		Softmax(dst, src, outer, n, threads)
	}
}

func softmaxTiles(j *job, lo, hi int) {
	s := scratches.Get()
	defer scratches.Put(s)
	for u := lo; u < hi; u++ {
		o, from := u/j.tiles, u%j.tiles*tile
		at := o*j.n*j.inner + from
		softmaxTile(j, at, min(tile, j.inner-from), s)
	}
}

// softmaxTile runs down width columns whose first row starts at element at.
func softmaxTile(j *job, at, width int, s *scratch) {
	high, sum, e := s.a[:width], s.b[:width], s.c[:width]
	vec.Fill(high, float32(math.Inf(-1)))
	clear(sum)
	for i := range j.n {
		vec.Max(high, high, j.src[at+i*j.inner:][:width])
	}
	for i := range j.n {
		row := e
		if !j.log {
			row = j.dst[at+i*j.inner:][:width]
		}
		vec.Sub(row, j.src[at+i*j.inner:][:width], high)
		vec.ExpTerm(row, row)
		vec.Add(sum, sum, row)
	}
	if j.log {
		vec.Log(sum, sum)
	} else {
		vec.Reciprocal(sum, sum)
	}
	for i := range j.n {
		row := j.dst[at+i*j.inner:][:width]
		if j.log {
			vec.Sub(row, j.src[at+i*j.inner:][:width], high)
			vec.Sub(row, row, sum)
		} else {
			vec.Mul(row, row, sum)
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
