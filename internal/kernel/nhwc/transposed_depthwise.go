package nhwc

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/depthwise"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// transposedDepthwise computes transposed convolutions whose groups have one channel on either side: row by row of outputs,
// and for each residue of the columns modulo the stride, a sum over the kernel elements that reach them.
type transposedDepthwise struct {
	g        conv.Geom
	k        *depthwise.Kernels
	axes     [3]window.Axis
	taps     int
	segments []phaseSegment
	blocks   int // outputs that one call computes at most
	order    panel.Order
	zeros    []float32
	spreads  bool // inputs reach outputs in squares: see depthwise.SpreadArgs
}

// phaseSegment is a run of outputs of a row, a stride apart, that see inputs through the same kernel elements of the last
// axis: X of a span is the column that the first output reads, W the element.
type phaseSegment struct {
	first, outputs int
	spans          []depthwise.Span
}

func newTransposedDepthwise(g conv.Geom) algorithm {
	if g.Rank > 3 || g.Groups != g.InC || g.OutC != g.InC || g.InC == 1 {
		return nil
	}
	t := &transposedDepthwise{g: g, k: depthwise.Best(), axes: axes(&g), taps: g.Taps(), zeros: make([]float32, g.OutC)}
	t.segments = phaseSegments(t.axes[2])
	t.order = panel.Interleaved(1, t.taps, t.k.Lanes)
	t.blocks = max(1, callFMAs/(t.taps*ceilDiv(g.InC, t.k.Lanes)))
	t.spreads = t.squares()
	return t
}

// phaseSegments cuts a row of outputs.
func phaseSegments(a window.Axis) (list []phaseSegment) {
	for at := range min(a.Stride, a.Out) {
		var last []depthwise.Span // of the output before, as seen from this one
		for j := range ceilDiv(a.Out-at, a.Stride) {
			var spans []depthwise.Span
			for _, k := range phaseTaps(a, at) {
				if i := j + (at+a.Lo-k*a.Dilation)/a.Stride; i >= 0 && i < a.In {
					spans = append(spans, depthwise.Span{X: i, W: k})
				}
			}
			for i := range last {
				last[i].X++
			}
			if j > 0 && slices.Equal(spans, last) {
				list[len(list)-1].outputs++
				continue
			}
			list = append(list, phaseSegment{at + j*a.Stride, 1, spans})
			last = slices.Clone(spans)
		}
	}
	return list
}

func (t *transposedDepthwise) format() string { return fmt.Sprintf("%d lanes", t.k.Lanes) }

func (t *transposedDepthwise) filterLen() int { return lanesLen(t.g.InC, t.taps, 1, t.k.Lanes) }

func (t *transposedDepthwise) pack(f *packed, w []float32, room *mem.Room) {
	if f.data = room.Floats(t.filterLen()); !room.Filled() {
		packLanes(f.data, w, t.g.InC, t.taps, t.taps, 1, t.k.Lanes, t.order)
	}
}

func (t *transposedDepthwise) scratch() int { return 0 }

// transposedDepthwiseTask is a running transposed convolution; chunks are ranges of rows of outputs, or of pairs of rows.
type transposedDepthwiseTask struct {
	*transposedDepthwise
	a      Args
	paired bool // a unit is a pair of rows, else a row
	units  int
	size   int // units of a chunk
	stream int // SpreadArgs.Stream
}

var transposedDepthwiseTasks = sync.Pool{New: func() any { return new(transposedDepthwiseTask) }}

// rows is the number of rows of outputs.
func (t *transposedDepthwise) rows() int { return t.g.Batch * t.axes[0].Out * t.axes[1].Out }

func (t *transposedDepthwise) run(a *Args) {
	r := transposedDepthwiseTasks.Get().(*transposedDepthwiseTask)
	r.transposedDepthwise, r.a = t, *a
	var chunks int
	r.paired = t.spreads && a.Act.Kind == gemm.None
	work := t.g.OutC * t.taps * t.axes[2].Out
	if r.units = t.rows(); r.paired {
		r.units, work = t.g.Batch*t.pairsOf(&t.axes[1]), 2*work
	}
	chunks, r.size = par.Split(r.units, depthwiseMACs/work+1)
	par.Run(a.Threads, chunks, r)
	*r = transposedDepthwiseTask{}
	transposedDepthwiseTasks.Put(r)
}

// Chunk computes a range of units.
func (t *transposedDepthwiseTask) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.units)
	s := rowScratches.Get()
	for u := lo; u < hi; u++ {
		t.unit(s, u)
	}
	s.release()
}

// unit computes a row, or a pair of rows.
func (t *transposedDepthwiseTask) unit(s *rowScratch, u int) {
	if t.paired {
		t.pair(s, u)
	} else {
		t.row(s, u)
	}
}

// bias is that of the outputs, or zeros.
func (t *transposedDepthwiseTask) bias() []float32 {
	if t.a.Bias != nil {
		return t.a.Bias
	}
	return t.zeros
}

// row computes row r of the outputs.
func (t *transposedDepthwiseTask) row(s *rowScratch, r int) {
	lo, hi, clipped := clipBounds(t.a.Act)
	if !clipped {
		lo, hi = float32(math.Inf(-1)), float32(math.Inf(1))
	}
	y := t.begin(s, r, lo, hi)
	for i := range t.segments {
		t.segment(s, &t.segments[i], y)
	}
	if !clipped {
		t.a.finish(r*t.axes[2].Out, 1, t.axes[2].Out, 0, t.g.OutC)
	}
}

// begin prepares s for segments of row r of the outputs, and returns the row.
func (t *transposedDepthwiseTask) begin(s *rowScratch, r int, lo, hi float32) []float32 {
	c, n := t.g.InC, t.axes[2].Out*t.g.OutC
	t.lines(s, r)
	image := t.g.InSize() * c
	s.args = depthwise.Args{
		Spans: s.args.Spans, X: t.a.X[r/(t.axes[0].Out*t.axes[1].Out)*image:][:image], Channels: c, Pixel: c, Stride: 1, YStep: t.axes[2].Stride * c,
		W: t.a.Filter.packed.data, Bias: t.bias(), Group: t.taps * t.k.Lanes, Lo: lo, Hi: hi,
	}
	return t.a.Y[r*n:][:n]
}

// lines sets s.rows to the rows of inputs that row r of the outputs sees, and the first kernel element of each.
func (t *transposedDepthwise) lines(s *rowScratch, r int) {
	d, h := &t.axes[0], &t.axes[1]
	od, oh := r/h.Out%d.Out, r%h.Out
	s.rows = s.rows[:0]
	for kd := range d.Kernel {
		id, ok := source(d, od, kd)
		if !ok {
			continue
		}
		for kh := range h.Kernel {
			if ih, ok := source(h, oh, kh); ok {
				s.rows = append(s.rows, depthwise.Span{X: (id*h.In + ih) * t.axes[2].In, W: (kd*h.Kernel + kh) * t.axes[2].Kernel})
			}
		}
	}
}

// source is the input that output o of a transposed axis sees through kernel element k; ok is false if there is none.
func source(a *window.Axis, o, k int) (i int, ok bool) {
	p := o + a.Lo - k*a.Dilation
	return p / a.Stride, p >= 0 && p%a.Stride == 0 && p/a.Stride < a.In
}

// segment computes a run of outputs of the row y.
func (t *transposedDepthwiseTask) segment(s *rowScratch, g *phaseSegment, y []float32) {
	a := &s.args
	a.Spans = a.Spans[:0]
	for _, r := range s.rows {
		for _, k := range g.spans {
			a.Spans = append(a.Spans, depthwise.Span{X: (r.X + k.X) * a.Pixel, W: (r.W + k.W) * t.k.Lanes})
		}
	}
	a.At = 0
	for done := 0; done < g.outputs; done += t.blocks {
		a.Blocks = min(t.blocks, g.outputs-done)
		a.Y = y[g.first*a.Pixel+done*a.YStep:]
		t.k.Taps(a)
		a.At += a.Blocks * a.Pixel
	}
}
