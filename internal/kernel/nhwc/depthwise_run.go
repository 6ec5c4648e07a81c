package nhwc

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/depthwise"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// depthwiseMACs is the least work of a chunk.
const depthwiseMACs = 128 << 10

// depthwiseTask is a running depthwise convolution; chunks are ranges of the parts of all rows of outputs.
type depthwiseTask struct {
	d      *depthwiseConv
	a      Args
	bias   []float32 // of the first outputs of all channels, of the second ones, and so on
	filter []float32
	size   int
	stream int // PairArgs.Stream
}

var depthwiseTasks = sync.Pool{New: func() any { return new(depthwiseTask) }}

func (d *depthwiseConv) run(a *Args) {
	t := depthwiseTasks.Get().(*depthwiseTask)
	t.d, t.a, t.filter, t.bias = d, *a, a.Filter.packed.data, a.Bias
	if a.Bias != nil && d.multiplier > 1 {
		t.bias = a.Scratch[:d.g.OutC]
		for i, v := range a.Bias[:d.g.OutC] {
			t.bias[i%d.multiplier*d.g.InC+i/d.multiplier] = v
		}
	}
	var chunks int
	work := d.g.OutC * d.taps * d.parts[0].outputs
	if d.paired {
		work *= 2
	}
	chunks, t.size = par.Split(d.units(), depthwiseMACs/work+1)
	par.Run(a.Threads, chunks, t)
	*t = depthwiseTask{}
	depthwiseTasks.Put(t)
}

// units is the number of parts of all rows, or of pairs of rows.
func (d *depthwiseConv) units() int {
	if d.paired {
		return d.g.Batch * ceilDiv(d.outerRows, 2)
	}
	return d.g.Batch * d.outerRows * len(d.parts)
}

// rowScratch is what a chunk works with.
type rowScratch struct {
	args   depthwise.Args
	pair   depthwise.PairArgs
	spread depthwise.SpreadArgs
	rows   []depthwise.Span // the rows of taps that lie inside: X where the first column would be, W the number of the first tap
	buf    []float32        // outputs of a row before they go where they belong
	row    window.RowArgs
}

var rowScratches mem.Pool[rowScratch]

// release forgets the slices and hands s back.
func (s *rowScratch) release() {
	s.args = depthwise.Args{Spans: s.args.Spans[:0]}
	s.pair, s.spread = depthwise.PairArgs{}, depthwise.SpreadArgs{}
	rowScratches.Put(s)
}

// Chunk computes a range of parts of rows, or of pairs of rows.
func (t *depthwiseTask) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.d.units())
	s := rowScratches.Get()
	for u := lo; u < hi; u++ {
		t.unit(s, u)
	}
	s.release()
}

// unit computes a part of a row, or a pair of rows.
func (t *depthwiseTask) unit(s *rowScratch, u int) {
	if t.d.paired {
		t.pair(s, u)
	} else {
		t.part(s, u/len(t.d.parts), &t.d.parts[u%len(t.d.parts)])
	}
}

// part computes a part of row r of the outputs.
func (t *depthwiseTask) part(s *rowScratch, r int, p *part) {
	d, g, step := t.d, &t.d.g, t.a.XStep
	x := t.a.X[r/d.outerRows*g.InSize()*step:]
	at := r*g.Axes[g.Rank-1].Out + p.first
	d.outer(s, r%d.outerRows, step)
	lo, hi, clipped := clipBounds(t.a.Act)
	if clipped = clipped && !t.a.finishes(); !clipped {
		lo, hi = float32(math.Inf(-1)), float32(math.Inf(1))
	}
	spans := s.args.Spans
	s.args = depthwise.Args{Spans: spans, X: x, Pixel: d.step * step, Stride: g.Axes[g.Rank-1].Stride, YStep: step, Group: d.taps * d.k.Lanes, Lo: lo, Hi: hi, Ahead: d.ahead(step)}
	if y := t.a.Y[at*t.a.YStep:]; d.multiplier == 1 && (d.row == nil || t.a.YStep == step) {
		s.args.YStep = t.a.YStep
		t.outputs(s, p, 0, y)
	} else {
		t.spread(s, p, y)
	}
	if !clipped {
		t.a.finish(at, 1, p.outputs, 0, g.OutC)
	}
}

// ahead is how far the row of inputs that a later row of outputs reads first lies behind the last one that the present row reads, pixels
// being step elements apart.
func (d *depthwiseConv) ahead(step int) int {
	g := &d.g
	if g.Rank < 2 {
		return 0
	}
	return ahead * g.Axes[g.Rank-2].Stride * g.Axes[g.Rank-1].In * step
}

// spread computes a part of a row with several outputs per channel, or with pixels that lie otherwise than those of X: row kernels
// write their outputs as far apart as the inputs.
func (t *depthwiseTask) spread(s *rowScratch, p *part, y []float32) {
	m, c := t.d.multiplier, t.d.g.InC
	n := span(p.outputs, t.a.XStep, c)
	if cap(s.buf) < n {
		s.buf = make([]float32, n)
	}
	for j := range m {
		t.outputs(s, p, j, s.buf[:n])
		if m == 1 {
			s.row = window.RowArgs{Dst: y, DstStep: t.a.YStep, Src: s.buf, SrcStep: t.a.XStep, Rows: p.outputs, Cols: c}
			window.Best().CopyRows(&s.row)
			continue
		}
		for i := range p.outputs {
			to := y[i*t.a.YStep:]
			for k, v := range s.buf[i*t.a.XStep:][:c] {
				to[k*m+j] = v
			}
		}
	}
}

// outputs computes output j of every channel for a part of a row.
func (t *depthwiseTask) outputs(s *rowScratch, p *part, j int, y []float32) {
	d, a, c, step := t.d, &s.args, t.d.g.InC, t.a.XStep
	filter, bias := t.filter[j*d.vectorsLen():][:d.vectorsLen()], d.zeros
	if t.bias != nil {
		bias = t.bias[j*c:][:c]
	}
	if len(s.rows) == 0 {
		blank(a, y, bias[:c], p.outputs)
		return
	}
	last := &d.g.Axes[d.g.Rank-1]
	for c0 := 0; c0 < c; c0 += d.panel {
		a.Channels = min(d.panel, c-c0)
		a.W, a.Bias = filter[c0/d.k.Lanes*a.Group:], bias[c0:]
		for i := range p.segments {
			g := &p.segments[i]
			a.At = c0 + (g.first*last.Stride-last.Lo)*step
			a.Y = y[(g.first-p.first)*a.YStep+c0:]
			d.compute(s, g, last)
		}
	}
}

// blank computes outputs that see nothing but padding; kernels want a span.
func blank(a *depthwise.Args, y, bias []float32, outputs int) {
	for i := range outputs {
		to := y[i*a.YStep:][:len(bias)]
		for c, v := range bias {
			to[c] = min(max(v, a.Lo), a.Hi)
		}
	}
}

// compute computes a segment, whose beginning is set.
func (d *depthwiseConv) compute(s *rowScratch, g *segment, last *window.Axis) {
	a := &s.args
	a.Spans, a.Edge, a.Blocks = a.Spans[:0], 0, g.outputs
	call, block := d.k.Taps, 1
	if d.row != nil {
		call, block, a.Blocks = d.row, depthwise.Block, g.outputs/depthwise.Block
		for _, r := range s.rows {
			for k := 0; k < d.width; k += d.span {
				a.Spans = append(a.Spans, depthwise.Span{X: r.X + k*a.Pixel, W: (r.W + k) * d.k.Lanes})
			}
		}
		if g.columns != 0 {
			a.Edge, a.Columns = g.outputs, g.columns
			call(a)
			return
		}
	} else {
		for _, r := range s.rows {
			for k := g.lo; k < g.hi; k++ {
				a.Spans = append(a.Spans, depthwise.Span{X: r.X + k*last.Dilation*a.Pixel, W: (r.W + k) * d.k.Lanes})
			}
		}
	}
	most := d.blocks * depthwise.Block / block
	for left := a.Blocks; left > 0; left -= most {
		a.Blocks = min(left, most)
		call(a)
		if left > most {
			a.At += most * block * last.Stride * a.Pixel
			a.Y = a.Y[most*block*d.step*a.YStep:]
		}
	}
}

// outer sets s.rows to the rows of taps that row r of the outputs of an image has inside the input, whose pixels are step apart.
func (d *depthwiseConv) outer(s *rowScratch, r, step int) {
	g := &d.g
	n := g.Rank - 1
	s.rows = append(s.rows[:0], depthwise.Span{})
	size := g.Axes[n].In * step // elements of a row, of a slice
	taps := d.width
	for i := n - 1; i >= 0; i-- {
		a := g.Axes[i]
		o := r % a.Out
		r /= a.Out
		lo, hi := a.Taps(o)
		inner := len(s.rows)
		for k := lo; k < hi; k++ {
			for _, q := range s.rows[:inner] {
				s.rows = append(s.rows, depthwise.Span{X: q.X + (o*a.Stride+k*a.Dilation-a.Lo)*size, W: q.W + k*taps})
			}
		}
		s.rows = s.rows[:copy(s.rows, s.rows[inner:])]
		size *= a.In
		taps *= a.Kernel
	}
}
