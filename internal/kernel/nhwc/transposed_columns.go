package nhwc

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// transposedColumns computes transposed convolutions to few channels, which would leave most lanes of a phase empty: the
// product of the pixels with the filter [InC, Kernel..., OutC], whose rows are then added up where windows overlap.
type transposedColumns struct {
	g    conv.Geom
	h, w window.Axis
	rows int // of outputs in a chunk
	high int // rows of inputs that these see
}

const (
	// columnsOut is the most output channels for which columns are worth adding up.
	columnsOut = 7
	// columnsElems bounds the product of a chunk to part of a second-level cache.
	columnsElems = 64 << 10
)

func newTransposedColumns(g conv.Geom) algorithm {
	if g.Rank > 2 || g.Groups > 1 || g.OutC > columnsOut || g.OutC*g.Taps() < 2*columnsOut {
		return nil
	}
	list := axes(&g)
	t := &transposedColumns{g: g, h: list[1], w: list[2]}
	if t.w.Dilation > 1 {
		return nil
	}
	n := max(1, columnsElems/(g.OutC*g.Taps()*t.w.In)) // rows of inputs
	t.rows = max(t.h.Stride, min(t.h.Out, n*t.h.Stride-t.h.Extent()))
	t.high = min(t.h.In, (t.rows+t.h.Extent())/t.h.Stride+1)
	return t
}

func (t *transposedColumns) format() string { return "matrix" }

func (t *transposedColumns) filterLen() int { return gemm.PackedLen(1, t.g.InC, t.g.OutC*t.g.Taps()) }

func (t *transposedColumns) pack(f *packed, w []float32, room *mem.Room) {
	packColumns(&t.g, f, w, room)
}

func (t *transposedColumns) scratch() int { return 0 }

// columnsTask is a running transposed convolution; chunks are rows of outputs of one image.
type columnsTask struct {
	t *transposedColumns
	a *Args
}

var columnsTasks = sync.Pool{New: func() any { return new(columnsTask) }}

func (t *transposedColumns) run(a *Args) {
	r := columnsTasks.Get().(*columnsTask)
	r.t, r.a = t, a
	par.Run(a.Threads, t.g.Batch*ceilDiv(t.h.Out, t.rows), r)
	*r = columnsTask{}
	columnsTasks.Put(r)
}

// Chunk computes some rows.
func (r *columnsTask) Chunk(i int) {
	t := r.t
	g, chunks := &t.g, ceilDiv(t.h.Out, t.rows)
	n, o0 := i/chunks, i%chunks*t.rows
	o1 := min(t.h.Out, o0+t.rows)
	from := max(0, ceilDiv(o0+t.h.Lo-t.h.Extent()+1, t.h.Stride))
	to := max(from, min(t.h.In, (o1-1+t.h.Lo)/t.h.Stride+1))
	width := g.OutC * g.Taps()
	s := window.GetScratch(t.high * t.w.In * width)
	if to > from {
		m := products.Get().(*product)
		m.args = gemm.Args{M: (to - from) * t.w.In, N: width, K: g.InC, A: r.a.X[(n*t.h.In+from)*t.w.In*g.InC:], ARS: g.InC, ACS: 1,
			Packed: &r.a.Filter.packed.matrices, C: s.Buf, LDC: width}
		gemm.Run(&m.args)
		*m = product{}
		products.Put(m)
	}
	size := t.w.Out * g.OutC
	y := r.a.Y[(n*t.h.Out+o0)*size:][:(o1-o0)*size]
	r.begin(y)
	for h := from; h < to; h++ {
		for k := range t.h.Kernel {
			if o := h*t.h.Stride + k*t.h.Dilation - t.h.Lo; o >= o0 && o < o1 {
				t.add(y[(o-o0)*size:][:size], s.Buf[(h-from)*t.w.In*width+k*t.w.Kernel*g.OutC:], width)
			}
		}
	}
	r.a.Act.Apply(y)
	s.Release()
}

// begin sets outputs to the bias.
func (r *columnsTask) begin(y []float32) {
	if r.a.Bias == nil {
		clear(y)
		return
	}
	for i := 0; i < len(y); i += r.t.g.OutC {
		copy(y[i:], r.a.Bias[:r.t.g.OutC])
	}
}

// add adds the windows of a row of inputs, step elements apart in x, to a row y of outputs. Pieces of a stride of all windows
// lie side by side in y, so they are added at once; those that the edges cut are added one by one.
func (t *transposedColumns) add(y, x []float32, step int) {
	stride := t.w.Stride * t.g.OutC
	for from := t.w.Kernel * t.g.OutC; from > 0; {
		to := from
		from = (from - 1) / stride * stride // the last piece first: sums go from the first window to the last
		first := from - t.w.Lo*t.g.OutC     // of window 0
		i0 := min(t.w.In, max(0, ceilDiv(-first, stride)))
		i1 := i0
		if room := len(y) - (to - from) - first; room >= 0 {
			i1 = max(i0, min(t.w.In, room/stride+1))
		}
		for i := range i0 {
			addClipped(y, x[i*step+from:i*step+to], first+i*stride)
		}
		if i1 > i0 {
			vec.AddRows(y[first+i0*stride:], x[i0*step+from:], i1-i0, to-from, stride, step)
		}
		for i := i1; i < t.w.In; i++ {
			addClipped(y, x[i*step+from:i*step+to], first+i*stride)
		}
	}
}

// addClipped adds x to the elements of y from at on, as far as there are any.
func addClipped(y, x []float32, at int) {
	for j, v := range x {
		if k := at + j; k >= 0 && k < len(y) {
			y[k] += v
		}
	}
}
