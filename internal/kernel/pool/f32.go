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

// lowest is what maxima begin with.
var lowest = float32(math.Inf(-1))

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

	split bool // maxima of rows first, then of columns: off holds the taps of a row, then those of a column
	pitch int  // of the row maxima
}

var tasks = sync.Pool{New: func() any { return new(task) }}

func run(threads int, g *Geom, kind Kind, x, y []float32) {
	out := g.OutSize()
	if out == 0 || g.Planes == 0 {
		return
	}
	d, h, w := g.axes()
	if covers(d) && covers(h) && covers(w) {
		if kind == kindAverageAll { // there is no padding
			kind = kindAverage
		}
		global(threads, g.Planes, d.In*h.In*w.In, kind, x, y)
		return
	}
	if !d.Framed() || !h.Framed() || !w.Framed() {
		runPlain(g, kind, x, y)
		return
	}
	if columnsFirst(d, h, w) {
		runColumns(threads, g.Planes, h, w, kind, x, y)
		return
	}
	runFrames(threads, g, kind, x, y)
}

// covers reports whether the one window along an axis is all of it, without padding.
func covers(a window.Axis) bool {
	return a.Out == 1 && a.Kernel == a.In && a.Dilation == 1 && a.Lo == 0 && a.Hi == 0
}

// runFrames pools copies of bands of planes that are padded and split by phase.
func runFrames(threads int, g *Geom, kind Kind, x, y []float32) {
	out := g.OutSize()
	d, h, w := g.axes()
	t := tasks.Get().(*task)
	t.g, t.kind, t.x, t.y, t.k = *g, kind, x, y, window.Best()
	row := window.NewFrame(d, h, w, 1, 1)
	perRow := max(1, h.Stride) * row.Pitch * row.Depth
	band := min(h.Out, max(4, (bandElems-row.Plane)/max(1, perRow)))
	t.frame = window.NewFrame(d, h, w, 1, band)
	t.off = t.frame.Offsets(t.off[:0])
	taps := len(t.off)
	if t.split = kind == kindMax && d.Kernel == 1 && h.Stride == 1 && h.Kernel*w.Kernel >= 16 && h.Kernel > 2; t.split {
		t.splitTaps(h, w)
	}
	if kind != kindMax {
		t.divisors(d, h, w)
	}
	var chunks int
	chunks, t.size = par.Split(g.Planes, grainOps/(out*taps)+1)
	par.Run(threads, chunks, t)
	t.x, t.y = nil, nil
	tasks.Put(t)
}

// runPlain computes with the plain loops.
func runPlain(g *Geom, kind Kind, x, y []float32) {
	if kind == kindMax {
		Max(g, x, y, nil, false, float32(math.Inf(-1)))
	} else {
		Average(g, x, y, kind == kindAverageAll)
	}
}

// splitTaps replaces the taps by those of a row and those of a column of row maxima.
func (t *task) splitTaps(h, w window.Axis) {
	t.pitch = (w.Out + window.MaxLanes - 1) &^ (window.MaxLanes - 1)
	t.off = t.off[:0]
	for k := range w.Kernel {
		t.off = append(t.off, t.frame.Offset(0, 0, k))
	}
	for k := range h.Kernel {
		t.off = append(t.off, k*h.Dilation*t.pitch)
	}
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
	n := t.frame.Len(1)
	if t.split {
		n += t.frame.Rows*t.pitch + window.MaxLanes
	}
	s := window.GetScratch(n)
	f := &t.frame
	f.Reset(s.Buf, 1, t.pad())
	for d0 := range f.D.Out {
		for h0 := 0; h0 < f.H.Out; h0 += f.BandH {
			t.band(s, lo, hi, d0, h0)
		}
	}
	s.Release()
}

// pad is what a window takes the elements outside the input for.
func (t *task) pad() float32 {
	if t.kind == kindMax {
		return float32(math.Inf(-1))
	}
	return 0
}

// band pools the output rows from (d0, h0) on of planes [lo, hi).
func (t *task) band(s *window.Scratch, lo, hi, d0, h0 int) {
	f := &t.frame
	a, buf := &s.Tap, s.Buf
	*a = window.TapArgs{Src: buf, Off: t.off, Rows: min(f.BandH, f.H.Out-h0), Cols: f.W.Out,
		SrcStep: f.StepH * f.Pitch, DstStep: f.W.Out}
	pad := t.pad()
	apply := t.k.SumTaps
	if t.kind == kindMax {
		apply = t.k.MaxTaps
	} else {
		a.RowScale, a.ColScale = t.row[d0*f.H.Out+h0:], t.col
	}
	a.Bias = pad
	in, out := t.g.InSize(), t.g.OutSize()
	b := f.Band(d0, h0)
	b.Pad(buf, pad)
	b.Begin(s)
	for p := lo; p < hi; p++ {
		b.Fill(t.k, s, buf, t.x[p*in:][:in])
		a.Dst = t.y[p*out+(d0*f.H.Out+h0)*f.W.Out:]
		if t.split {
			t.maxima(s, a.Dst, a.Rows)
		} else {
			apply(a)
		}
	}
}

// maxima computes the maxima of the rows of the frame, then those of their columns: rows of output to y.
func (t *task) maxima(s *window.Scratch, y []float32, rows int) {
	f, a := &t.frame, &s.Tap
	taps := f.W.Kernel
	whole := *a
	between := s.Buf[f.Len(1):]
	a.Dst, a.DstStep, a.Rows, a.SrcStep, a.Off = between, t.pitch, f.Rows, f.Pitch, t.off[:taps]
	t.k.MaxTaps(a)
	a.Src, a.SrcStep, a.Off = between, f.StepH*t.pitch, t.off[taps:]
	a.Dst, a.DstStep, a.Rows = y, whole.DstStep, rows
	t.k.MaxTaps(a)
	*a = whole
}
