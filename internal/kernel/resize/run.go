package resize

import (
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

// grain is the least number of output elements of one chunk.
const grain = 16 << 10

// boxTask is a running resampling; chunks are ranges of boxes.
type boxTask[T Float] struct {
	b    *Box[T]
	x, y []T
	size int
	bufs sync.Pool // of *[]T
}

var (
	tasks32 = sync.Pool{New: func() any { return new(boxTask[float32]) }}
	tasks64 = sync.Pool{New: func() any { return new(boxTask[float64]) }}
)

// Run resamples x to y on up to threads goroutines.
func (b *Box[T]) Run(threads int, x, y []T) {
	if len(y) == 0 {
		return
	}
	if len(b.passes) == 0 {
		copy(y, x)
		return
	}
	pool := &tasks32
	if unsafe.Sizeof(T(0)) == 8 {
		pool = &tasks64
	}
	t := pool.Get().(*boxTask[T])
	t.b, t.x, t.y = b, x, y
	var chunks int
	chunks, t.size = par.Split(b.lead, grain/max(1, b.out)+1)
	par.Run(threads, chunks, t)
	t.b, t.x, t.y = nil, nil, nil
	pool.Put(t)
}

// Chunk resamples a range of boxes, axis by axis.
func (t *boxTask[T]) Chunk(i int) {
	b := t.b
	lo, hi := par.Range(i, t.size, b.lead)
	buf, _ := t.bufs.Get().(*[]T)
	if buf == nil {
		buf = new([]T)
	}
	if len(*buf) < 2*b.scratch {
		*buf = make([]T, 2*b.scratch)
	}
	s := window.GetScratch(0)
	for n := lo; n < hi; n++ {
		src := t.x[n*b.in:][:b.in]
		for k, p := range b.passes {
			dst := (*buf)[k%2*b.scratch:][:b.scratch]
			if k == len(b.passes)-1 {
				dst = t.y[n*b.out:][:b.out]
			}
			b.pass(s, p, src, dst)
			src = dst
		}
	}
	s.Release()
	t.bufs.Put(buf)
}

// pass resamples one axis.
func (b *Box[T]) pass(s *window.Scratch, p pass, src, dst []T) {
	t := &b.Tables[p.axis]
	for o := range p.outer {
		x, y := src[o*t.In*p.inner:][:t.In*p.inner], dst[o*t.Out*p.inner:][:t.Out*p.inner]
		if p.inner == 1 {
			t.line(x, y)
		} else {
			t.rows(s, x, y, p.inner)
		}
		for i, outside := range t.Outside {
			if outside {
				fill(y[i*p.inner:][:p.inner], b.Outside)
			}
		}
	}
}

func fill[T any](x []T, v T) {
	for i := range x {
		x[i] = v
	}
}

// line resamples a line of single elements.
func (t *Table[T]) line(x, y []T) {
	switch {
	case t.Weight == nil:
		for i, at := range t.Index {
			y[i] = x[at]
		}
	case t.Taps == 2:
		index, weight := t.Index, t.Weight
		for i := 0; i < len(y) && len(index) >= 2 && len(weight) >= 2; i++ {
			y[i] = weight[0]*x[index[0]] + weight[1]*x[index[1]]
			index, weight = index[2:], weight[2:]
		}
	default:
		for i := range y {
			var sum T
			w := t.Weight[i*t.Taps:][:t.Taps]
			for k, at := range t.Index[i*t.Taps:][:t.Taps] {
				sum += w[k] * x[at]
			}
			y[i] = sum
		}
	}
}

// rows resamples a line of rows of n elements.
func (t *Table[T]) rows(s *window.Scratch, x, y []T, n int) {
	for i := range t.Out {
		row := y[i*n:][:n]
		at := t.Index[i*t.Taps:][:t.Taps]
		if t.Weight == nil {
			copy(row, x[at[0]*n:])
			continue
		}
		w := t.Weight[i*t.Taps:][:t.Taps]
		done := vectorRow(s, row, x, at, w)
		for j := done; j < n; j++ {
			var sum T
			for k, r := range at {
				sum += w[k] * x[r*n+j]
			}
			row[j] = sum
		}
	}
}

// vectorRow computes the first elements of a row with the tap kernels and returns how many; it is 0 for other types than
// float32.
func vectorRow[T Float](s *window.Scratch, row, x []T, at []int, w []T) int {
	n := len(row) &^ (window.MaxLanes - 1)
	if unsafe.Sizeof(T(0)) != 4 || n == 0 {
		return 0
	}
	a := &s.Tap
	off := s.Off[:0]
	for _, r := range at {
		off = append(off, r*len(row))
	}
	s.Off = off
	*a = window.TapArgs{Src: floats(x), Dst: floats(row), Off: off, W: floats(w), Rows: 1, Cols: n, Lo: -inf, Hi: inf}
	window.Best().FMATaps(a)
	return n
}

// floats is x, whose elements have the size of a float32, as float32.
func floats[T Float](x []T) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}
