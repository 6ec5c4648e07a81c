package pool

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

// Kind says what a float32 pool computes.
type Kind uint8

// The kinds of MaxF32 and AverageF32.
const (
	kindMax Kind = iota
	kindAverage
	kindAverageAll // padding counts
)

// MaxF32 is Max without indices for at most three axes, with vector kernels on up to threads goroutines.
func MaxF32(threads int, g *Geom, x, y []float32) { run(threads, g, kindMax, x, y) }

// AverageF32 is Average for at most three axes, with vector kernels on up to threads goroutines.
func AverageF32(threads int, g *Geom, x, y []float32, includePad bool) {
	kind := kindAverage
	if includePad {
		kind = kindAverageAll
	}
	run(threads, g, kind, x, y)
}

// bandElems bounds the elements of a frame, so that it stays in the first-level cache.
const bandElems = 6 << 10

// grainOps is the least number of elements times taps that one chunk handles.
const grainOps = 64 << 10

// task is a running pool; chunks are ranges of planes.
type task struct {
	g        Geom
	kind     Kind
	k        *window.Kernels
	frame    window.Frame
	x, y     []float32
	size     int
	off      []int
	row, col []float32
}

var tasks = sync.Pool{New: func() any { return new(task) }}

func run(threads int, g *Geom, kind Kind, x, y []float32) {
	out := g.OutSize()
	if out == 0 || g.Planes == 0 {
		return
	}
	t := tasks.Get().(*task)
	t.g, t.kind, t.x, t.y, t.k = *g, kind, x, y, window.Best()
	d, h, w := g.axes()
	row := window.NewFrame(d, h, w, 1, 1)
	perRow := max(1, h.Stride) * row.Pitch * row.Depth
	band := min(h.Out, max(4, (bandElems-row.Plane)/max(1, perRow)))
	t.frame = window.NewFrame(d, h, w, 1, band)
	t.off = t.frame.Offsets(t.off[:0])
	if kind != kindMax {
		t.divisors(d, h, w)
	}
	var chunks int
	chunks, t.size = par.Split(g.Planes, grainOps/(out*len(t.off))+1)
	par.Run(threads, chunks, t)
	t.x, t.y = nil, nil
	tasks.Put(t)
}

// divisors fills the factors of rows (depth times height) and columns.
func (t *task) divisors(d, h, w window.Axis) {
	include := t.kind == kindAverageAll
	t.row, t.col = t.row[:0], t.col[:0]
	for i := range d.Out {
		for j := range h.Out {
			t.row = append(t.row, 1/float32(max(1, divisor(d, i, include)*divisor(h, j, include))))
		}
	}
	for i := range w.Out {
		t.col = append(t.col, 1/float32(max(1, divisor(w, i, include))))
	}
}

// Chunk pools a range of planes, band by band.
func (t *task) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.g.Planes)
	s := window.GetScratch(t.frame.Len(1))
	f := &t.frame
	for d0 := range f.D.Out {
		for h0 := 0; h0 < f.H.Out; h0 += f.BandH {
			t.band(s, lo, hi, d0, h0)
		}
	}
	s.Release()
}

// band pools the output rows from (d0, h0) on of planes [lo, hi).
func (t *task) band(s *window.Scratch, lo, hi, d0, h0 int) {
	f := &t.frame
	a, buf := &s.Tap, s.Buf
	*a = window.TapArgs{Src: buf, Off: t.off, Rows: min(f.BandH, f.H.Out-h0), Cols: f.W.Out,
		SrcStep: f.StepH * f.Pitch, DstStep: f.W.Out}
	pad := float32(0)
	apply := t.k.SumTaps
	if t.kind == kindMax {
		pad = float32(math.Inf(-1))
		apply = t.k.MaxTaps
	} else {
		a.RowScale, a.ColScale = t.row[d0*f.H.Out+h0:], t.col
	}
	a.Bias = pad
	f.Reset(buf, 1, pad)
	in, out := t.g.InSize(), t.g.OutSize()
	b := f.Band(d0, h0)
	b.Begin(s)
	for p := lo; p < hi; p++ {
		b.Fill(t.k, s, buf, t.x[p*in:][:in])
		a.Dst = t.y[p*out+(d0*f.H.Out+h0)*f.W.Out:]
		apply(a)
	}
}
