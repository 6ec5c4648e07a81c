package nhwc

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
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
	columnsElems = 80 << 10
	// columnsHalf is how many multiplications of an image pay for two chunks, which both need the inputs between them.
	columnsHalf = 1 << 20
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
	if g.Batch == 1 && t.rows == t.h.Out && g.InSize()*g.InC*g.OutC*g.Taps() >= columnsHalf {
		t.rows = ceilDiv(ceilDiv(t.h.Out, 2), t.h.Stride) * t.h.Stride
	}
	t.high = min(t.h.In, (t.rows+t.h.Extent())/t.h.Stride+1)
	return t
}

func (t *transposedColumns) format() string { return "matrix" }

func (t *transposedColumns) filterLen() int { return gemm.PackedLen(1, t.g.InC, t.g.OutC*t.g.Taps()) }

func (t *transposedColumns) pack(f *packed, w []float32, room *mem.Room) {
	packColumns(&t.g, f, w, room, 1)
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
	from, to := t.inputs(o0, o1)
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
	sum := rowSums.Get().(*rowSum)
	sum.begin(t, r.a.Bias)
	for o := o0; o < o1; o++ {
		sum.windows = sum.windows[:0]
		h, end := t.inputs(o, o+1)
		for ; h < end; h++ {
			if k := o + t.h.Lo - h*t.h.Stride; k%t.h.Dilation == 0 {
				sum.windows = append(sum.windows, ((h-from)*t.w.In*t.h.Kernel+k/t.h.Dilation)*t.w.Kernel*g.OutC)
			}
		}
		y := r.a.Y[(n*t.h.Out+o)*size:][:size]
		sum.row(t, y, s.Buf)
		r.a.Act.Apply(y)
	}
	rowSums.Put(sum)
	s.Release()
}

// inputs returns the rows of inputs whose windows may reach the rows [o0, o1) of outputs.
func (t *transposedColumns) inputs(o0, o1 int) (from, to int) {
	from = max(0, ceilDiv(o0+t.h.Lo-t.h.Extent()+1, t.h.Stride))
	return from, max(from, min(t.h.In, (o1-1+t.h.Lo)/t.h.Stride+1))
}
