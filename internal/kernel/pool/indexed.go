package pool

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

// indexed is a running MaxIndexed; chunks are ranges of planes.
type indexed[T Number] struct {
	g           *Geom
	x, y        []T
	index       []int64
	columnMajor bool
	low         T
	size        int // planes of a chunk

	d, h, w window.Axis
	first   []int32 // of each output along the last axis: the first input of its window,
	count   []int32 // and how many there are
}

// An Indexer computes MaxIndexed and keeps its memory for the next call. It may be used by several goroutines.
type Indexer[T Number] struct{ tasks sync.Pool }

// Max is Max with indices for at most three axes, on up to threads goroutines.
func (s *Indexer[T]) Max(threads int, g *Geom, x, y []T, index []int64, columnMajor bool, low T) {
	out := g.OutSize()
	if out == 0 || g.Planes == 0 {
		return
	}
	t, _ := s.tasks.Get().(*indexed[T])
	if t == nil {
		t = new(indexed[T])
	}
	t.g, t.x, t.y, t.index, t.columnMajor, t.low = g, x, y, index, columnMajor, low
	t.d, t.h, t.w = g.axes()
	t.first, t.count = t.first[:0], t.count[:0]
	for o := range t.w.Out {
		lo, hi := t.w.Taps(o)
		t.first, t.count = append(t.first, int32(o*t.w.Stride+lo*t.w.Dilation-t.w.Lo)), append(t.count, int32(hi-lo))
	}
	var chunks int
	chunks, t.size = par.Split(g.Planes, grainOps/(out*t.d.Kernel*t.h.Kernel*t.w.Kernel)+1)
	par.Run(threads, chunks, t)
	t.g, t.x, t.y, t.index = nil, nil, nil, nil
	s.tasks.Put(t)
}

// Chunk pools a range of planes.
func (t *indexed[T]) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.g.Planes)
	in, out := t.g.InSize(), t.g.OutSize()
	for p := lo; p < hi; p++ {
		if t.single() {
			t.copy(p*in, in)
			continue
		}
		for row := range t.d.Out * t.h.Out {
			at := p*out + row*t.w.Out
			t.row(t.x[p*in:][:in], row, p*in, t.y[at:][:t.w.Out], t.index[at:][:t.w.Out])
		}
		if t.columnMajor {
			t.turn(t.index[p*out:][:out], p*in)
		}
	}
}

// single tells whether each window is the element at its place, which is how exporters ask where a plane begins.
func (t *indexed[T]) single() bool {
	for _, a := range [...]window.Axis{t.d, t.h, t.w} {
		if a.Kernel != 1 || a.Stride != 1 || a.Lo != 0 || a.Out != a.In {
			return false
		}
	}
	return !t.columnMajor
}

// copy pools n elements from base on whose windows are themselves.
func (t *indexed[T]) copy(base, n int) {
	copy(t.y[base:][:n], t.x[base:])
	for i := range t.index[base:][:n] {
		t.index[base+i] = int64(base + i)
	}
}

// row pools one row of outputs of the plane x; positions count from base.
func (t *indexed[T]) row(x []T, row, base int, y []T, index []int64) {
	d, h := row/t.h.Out, row%t.h.Out
	d0, d1 := t.d.Taps(d)
	h0, h1 := t.h.Taps(h)
	depth, line := t.h.In*t.w.In, t.w.In
	head := (d*t.d.Stride-t.d.Lo)*depth + (h*t.h.Stride-t.h.Lo)*line
	step := t.w.Dilation
	if t.w.Kernel == 2 && step == 1 && d1-d0 == 1 && h1-h0 == 2 {
		t.pairs(x, head+d0*t.d.Dilation*depth+h0*t.h.Dilation*line, t.h.Dilation*line, base, y, index)
		return
	}
	for o := range y {
		first, n := head+int(t.first[o]), int(t.count[o])
		best, at := t.low, -1
		if n > 0 && d0 < d1 && h0 < h1 {
			at = first + d0*t.d.Dilation*depth + h0*t.h.Dilation*line
			best = x[at]
		}
		for kd := d0; kd < d1; kd++ {
			for kh := h0; kh < h1; kh++ {
				pos := first + kd*t.d.Dilation*depth + kh*t.h.Dilation*line
				for range n {
					if v := x[pos]; v > best {
						best, at = v, pos
					}
					pos += step
				}
			}
		}
		y[o] = best
		if index[o] = -1; at >= 0 {
			index[o] = int64(base + at)
		}
	}
}

// pairs pools a row of windows of two neighbours in each of two rows, which lie below elements apart; at is where the first of
// them would begin.
func (t *indexed[T]) pairs(x []T, at, below, base int, y []T, index []int64) {
	for o := range y {
		if t.count[o] == 0 {
			y[o], index[o] = t.low, -1
			continue
		}
		pos := at + int(t.first[o])
		best, place := x[pos], pos
		if t.count[o] == 2 {
			if v := x[pos+1]; v > best {
				best, place = v, pos+1
			}
		}
		pos += below
		if v := x[pos]; v > best {
			best, place = v, pos
		}
		if t.count[o] == 2 {
			if v := x[pos+1]; v > best {
				best, place = v, pos+1
			}
		}
		y[o], index[o] = best, int64(base+place)
	}
}

// turn makes positions of a plane that begins at base count the spatial axes with the first one fastest.
func (t *indexed[T]) turn(index []int64, base int) {
	h, w := t.h.In, t.w.In
	for o, at := range index {
		if at < 0 {
			continue
		}
		i := int(at) - base
		i = (i%w*h+i/w%h)*t.d.In + i/(w*h)
		index[o] = int64(base + i)
	}
}
