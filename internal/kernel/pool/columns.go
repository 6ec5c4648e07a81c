package pool

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

// columnsFirst reports whether windows are taken down the columns of the planes where they lie, and what that makes then along
// the rows, which is the better the emptier vectors of outputs are, and the more rows would be split by phase, element by element
// where strides are beyond 2. It estimates the operations of a row of outputs; BenchmarkStrides measures both ways. Larger planes
// would not stay in the first-level cache, nor would the working memory of a chunk be small.
func columnsFirst(d, h, w window.Axis) bool {
	if d != window.One || !inside(h) || !inside(w) || h.Kernel == 1 || h.In*w.In > bandElems {
		return false
	}
	fill := h.Kernel * vectors(w.In)
	if w.Stride > 2 {
		fill = h.Kernel * w.Out * min(w.Stride, w.Kernel)
	}
	return vectors(w.In)*h.Kernel+w.Out*w.Kernel < vectors(w.Out)*h.Kernel*w.Kernel+fill
}

func vectors(n int) int { return (n + window.MaxLanes - 1) / window.MaxLanes }

// inside reports whether no window reaches beyond the input.
func inside(a window.Axis) bool {
	return a.Lo == 0 && (a.Out-1)*a.Stride+a.Extent() <= a.In
}

// A columnTask pools planes, columns first; chunks are ranges of planes.
type columnTask struct {
	h, w   window.Axis
	kind   Kind
	k      *window.Kernels
	x, y   []float32
	planes int
	size   int
	off    []int
	ones   []float32
}

var columnTasks = sync.Pool{New: func() any { return new(columnTask) }}

func runColumns(threads, planes int, h, w window.Axis, kind Kind, x, y []float32) {
	t := columnTasks.Get().(*columnTask)
	t.h, t.w, t.kind, t.k, t.planes, t.x, t.y = h, w, kind, window.Best(), planes, x, y
	t.off = t.off[:0]
	for k := range h.Kernel {
		t.off = append(t.off, k*h.Dilation*w.In)
	}
	for len(t.ones) < max(w.In, h.Out) {
		t.ones = append(t.ones, 1)
	}
	var chunks int
	chunks, t.size = par.Split(planes, grainOps/(h.Out*w.Out*h.Kernel*w.Kernel)+1)
	par.Run(threads, chunks, t)
	t.x, t.y = nil, nil
	columnTasks.Put(t)
}

// Chunk pools a range of planes.
func (t *columnTask) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.planes)
	in, middle, out := t.h.In*t.w.In, t.h.Out*t.w.In, t.h.Out*t.w.Out
	s := window.GetScratch(middle + in + window.MaxLanes)
	sums, last := s.Buf[:middle], s.Buf[middle:]
	a, apply := &s.Tap, t.k.SumTaps
	*a = window.TapArgs{Dst: sums, Off: t.off, RowScale: t.ones, ColScale: t.ones, Rows: t.h.Out, Cols: t.w.In,
		SrcStep: t.h.Stride * t.w.In, DstStep: t.w.In}
	if t.kind == kindMax {
		a.Bias, apply = lowest, t.k.MaxTaps
	}
	for p := lo; p < hi; p++ {
		if a.Src = t.x[p*in:]; len(a.Src) < in+window.MaxLanes { // whole vectors are read
			copy(last, a.Src[:in])
			a.Src = last
		}
		apply(a)
		t.alongRows(t.y[p*out:][:out], sums)
	}
	s.Release()
}

// alongRows pools the rows of x.
func (t *columnTask) alongRows(y, x []float32) {
	n, step := float32(t.h.Kernel*t.w.Kernel), t.w.Dilation
	for ; len(y) > 0; x, y = x[t.w.In:], y[t.w.Out:] {
		for o := range y[:t.w.Out] {
			taps := x[o*t.w.Stride:][:t.w.Extent()]
			if t.kind == kindMax {
				m := lowest
				for k := 0; k < len(taps); k += step {
					if taps[k] > m { // NaN is passed over
						m = taps[k]
					}
				}
				y[o] = m
				continue
			}
			s := float32(0)
			for k := 0; k < len(taps); k += step {
				s += taps[k]
			}
			y[o] = s / n
		}
	}
}
