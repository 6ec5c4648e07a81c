package resize

import (
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

// grain is the least number of output elements of one chunk.
const grain = 16 << 10

// boxTask is a running resampling; chunks are ranges of boxes or, with rows set, of the rows of results of one pass.
type boxTask[T Float] struct {
	b    *Box[T]
	x, y []T
	size int
	bufs sync.Pool // of *[]T

	rows     bool
	at       pass
	src, dst []T
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
	if b.byRows {
		b.runRows(threads, x, y)
		return
	}
	pool := &tasks32
	if unsafe.Sizeof(T(0)) == 8 {
		pool = &tasks64
	}
	t := pool.Get().(*boxTask[T])
	t.b, t.x, t.y = b, x, y
	if b.lead < fewBoxes && threads > 1 {
		t.shared(threads)
	} else {
		t.rows = false
		var chunks int
		chunks, t.size = par.Split(b.lead, grain/max(1, b.out)+1)
		par.Run(threads, chunks, t)
	}
	t.b, t.x, t.y, t.src, t.dst = nil, nil, nil, nil, nil
	pool.Put(t)
}

// fewBoxes is the number of boxes from which on they are work enough for all threads.
const fewBoxes = 16

// shared resamples box by box and axis by axis, whose rows of results the threads share: they are the same in either way.
func (t *boxTask[T]) shared(threads int) {
	b := t.b
	buf := t.buffer()
	t.rows = true
	for n := range b.lead {
		t.src = t.x[n*b.in:][:b.in]
		for k, p := range b.passes {
			t.dst, t.at = t.result(*buf, n, k), p
			var chunks int
			chunks, t.size = par.Split(p.outer*b.Tables[p.axis].Out, grain/max(1, p.inner)+1)
			par.Run(threads, chunks, t)
			t.src = t.dst
		}
	}
	t.bufs.Put(buf)
}

// buffer returns memory for the intermediate results of one box.
func (t *boxTask[T]) buffer() *[]T {
	buf, _ := t.bufs.Get().(*[]T)
	if buf == nil {
		buf = new([]T)
	}
	if n := min(2, len(t.b.passes)-1) * t.b.scratch; len(*buf) < n {
		*buf = make([]T, n)
	}
	return buf
}

// result returns where pass k of box n writes.
func (t *boxTask[T]) result(buf []T, n, k int) []T {
	b := t.b
	if k == len(b.passes)-1 {
		return t.y[n*b.out:][:b.out]
	}
	return buf[k%2*b.scratch:][:b.scratch]
}

// Chunk resamples a range of boxes, axis by axis, or a range of rows.
func (t *boxTask[T]) Chunk(i int) {
	b := t.b
	s := window.GetScratch(0)
	defer s.Release()
	if t.rows {
		lo, hi := par.Range(i, t.size, t.at.outer*b.Tables[t.at.axis].Out)
		b.pass(s, t.at, t.src, t.dst, lo, hi)
		return
	}
	lo, hi := par.Range(i, t.size, b.lead)
	buf := t.buffer()
	for n := lo; n < hi; n++ {
		src := t.x[n*b.in:][:b.in]
		for k, p := range b.passes {
			dst := t.result(*buf, n, k)
			b.pass(s, p, src, dst, 0, p.outer*b.Tables[p.axis].Out)
			src = dst
		}
	}
	t.bufs.Put(buf)
}

// pass computes rows lo to hi of the results of resampling one axis.
func (b *Box[T]) pass(s *window.Scratch, p pass, src, dst []T, lo, hi int) {
	t := &b.Tables[p.axis]
	for lo < hi {
		o, from := lo/t.Out, lo%t.Out
		to := min(t.Out, from+hi-lo)
		count := 1 // lines that are done together
		if p.inner == 1 && from == 0 && to == t.Out {
			count = min(maxLines, (hi-lo)/t.Out)
		}
		x, y := src[o*t.In*p.inner:][:count*t.In*p.inner], dst[o*t.Out*p.inner:][:count*t.Out*p.inner]
		switch {
		case p.inner > 1:
			t.rows(s, x, y, p.inner, from, to)
		case p.outer >= leastLines && t.sideBySide():
			t.lines(s, floats(x), floats(y), count, from, to)
		default:
			for i := range count {
				t.line(x[i*t.In:][:t.In], y[i*t.Out:][:t.Out], from, to)
			}
		}
		if t.Outside != nil {
			for i := range count {
				t.outside(y[i*t.Out*p.inner:], b.Outside, p.inner, from, to)
			}
		}
		lo += count * (to - from)
	}
}

// outside sets those of rows from to to of y, of n elements each, that lie outside the region of interest.
func (t *Table[T]) outside(y []T, v T, n, from, to int) {
	for i := from; i < to; i++ {
		if t.Outside[i] {
			fill(y[i*n:][:n], v)
		}
	}
}

func fill[T any](x []T, v T) {
	for i := range x {
		x[i] = v
	}
}

// line computes elements from to to of a line of single elements.
func (t *Table[T]) line(x, y []T, from, to int) {
	y = y[from:to]
	index := t.Index[from*t.Taps : to*t.Taps]
	switch {
	case t.Weight == nil:
		for i, at := range index {
			y[i] = x[at]
		}
	case t.Taps == 2:
		weight := t.Weight[from*2:]
		for i := 0; i < len(y) && len(index) >= 2 && len(weight) >= 2; i++ {
			y[i] = weight[0]*x[index[0]] + weight[1]*x[index[1]]
			index, weight = index[2:], weight[2:]
		}
	default:
		weight := t.Weight[from*t.Taps:]
		for i := range y {
			var sum T
			w := weight[i*t.Taps:][:t.Taps]
			for k, at := range index[i*t.Taps:][:t.Taps] {
				sum += w[k] * x[at]
			}
			y[i] = sum
		}
	}
}

// rows computes rows from to to of a line of rows of n elements.
func (t *Table[T]) rows(s *window.Scratch, x, y []T, n, from, to int) {
	for i := from; i < to; i++ {
		t.row(s, x, y[i*n:][:n], t.Index[i*t.Taps:][:t.Taps], i)
	}
}

// row computes row i of a line of rows of x, of which at tells those that it is made of.
func (t *Table[T]) row(s *window.Scratch, x, row []T, at []int, i int) {
	n := len(row)
	if t.Weight == nil {
		copy(row, x[at[0]*n:])
		return
	}
	w := t.Weight[i*t.Taps:][:t.Taps]
	for j := vectorRow(s, row, x, at, w); j < n; j++ {
		var sum T
		for k, r := range at {
			sum += w[k] * x[r*n+j]
		}
		row[j] = sum
	}
}

// vectorRow computes the first elements of a row with the tap kernels and returns how many: all of them, or none if they fill
// no vector or are not float32. The last vector may overlap the one before.
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
	if n < len(row) {
		skip := len(row) - window.MaxLanes
		a.Src, a.Dst, a.Cols = a.Src[skip:], a.Dst[skip:], window.MaxLanes
		window.Best().FMATaps(a)
	}
	return len(row)
}

// floats is x, whose elements have the size of a float32, as float32.
func floats[T Float](x []T) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}
