package nhwc

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/direct"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// directTask is a running direct convolution.
type directTask struct {
	d      *directConv
	a      Args
	filter []float32
}

var directTasks = sync.Pool{New: func() any { return new(directTask) }}

func (d *directConv) run(a *Args) {
	d.runWith(a, a.Filter.packed.data)
}

// runWith computes the convolution with a packed filter.
func (d *directConv) runWith(a *Args, filter []float32) {
	t := directTasks.Get().(*directTask)
	t.d, t.a, t.filter = d, *a, filter
	par.Run(a.Threads, d.g.Batch*d.grid[0]*d.grid[1]*d.grid[2]*d.grid[3], t)
	*t = directTask{}
	directTasks.Put(t)
}

// directScratch is what a chunk works with.
type directScratch struct {
	*window.Scratch
	args direct.Args
	// For vectors with lanes that have no channel: their outputs [Rows, columns, lanes] and bias.
	side, bias []float32
}

var directScratches mem.Pool[directScratch]

// outputs are the outputs of a chunk: rows [h0, h1) and columns [w0, w1) of image n, units [u0, u1), panels [p0, p1) of each.
type outputs struct {
	n, h0, h1, w0, w1, u0, u1, p0, p1 int
}

// at is the pixel of output (h, w) of image n.
func (p *placement) at(n, h, w int) int { return p.first + n*p.image + h*p.row + w*p.col }

func (d *directConv) outputsOf(chunk int) outputs {
	var at [4]int
	for i, n := range d.grid {
		at[i] = chunk % n
		chunk /= n
	}
	o := outputs{n: chunk, u0: at[0] * d.units, p0: at[1] * d.panels, h0: at[2] * d.rows, w0: at[3] * d.cols}
	o.u1, o.p1 = min(d.g.OutC/d.out, o.u0+d.units), min(ceilDiv(d.out, d.panel.lanes), o.p0+d.panels)
	o.h1, o.w1 = min(d.h.Out, o.h0+d.rows), min(d.w.Out, o.w0+d.cols)
	return o
}

// Chunk computes the outputs of a chunk.
func (t *directTask) Chunk(i int) {
	d, o := t.d, t.d.outputsOf(i)
	s := directScratches.Get()
	frame, side := d.frameH*d.frameW*d.pitch(), 0
	if d.ragged() {
		side = d.rows * d.cols * d.panel.lanes
	}
	s.Scratch = window.GetScratch(frame + side + d.panel.lanes)
	s.side, s.bias = s.Buf[frame:][:side], s.Buf[frame+side:]
	t.fill(s, &o)
	s.args = direct.Args{
		Off: d.off, Channels: d.channels, Rows: o.h1 - o.h0,
		XRow: d.h.Stride * d.frameW * d.pitch(), XCol: d.w.Stride * d.pitch(),
	}
	var clipped bool
	if s.args.Lo, s.args.Hi, clipped = clipBounds(t.a.Act); !clipped || t.a.finishes() {
		s.args.Lo, s.args.Hi, clipped = float32(math.Inf(-1)), float32(math.Inf(1)), false
	}
	for u := o.u0; u < o.u1; u++ {
		for p := o.p0; p < o.p1; p++ {
			t.panel(s, &o, u, p)
		}
	}
	if !clipped {
		t.finish(&o)
	}
	s.Release()
	*s = directScratch{}
	directScratches.Put(s)
}

// fill copies the inputs that the outputs' windows cover to the frame, and zeros around them.
func (t *directTask) fill(s *directScratch, o *outputs) {
	d := t.d
	pitch, row := d.pitch(), d.frameW*d.pitch()
	top, left := o.h0*d.h.Stride-d.h.Lo, o.w0*d.w.Stride-d.w.Lo
	high, wide := d.span(d.h, o.h1-o.h0), d.span(d.w, o.w1-o.w0)
	lo := min(wide, max(0, -left)) // columns [lo, hi) of the frame are inputs
	hi := max(lo, min(wide, d.w.In-left))
	for r := range high {
		to := s.Buf[r*row:][:row]
		if i := top + r; i < 0 || i >= d.h.In || lo == hi {
			clear(to)
			continue
		}
		clear(to[:lo*pitch])
		s.Row = window.RowArgs{
			Dst: to[lo*pitch:], DstStep: pitch, Rows: hi - lo, Cols: (o.u1 - o.u0) * d.in,
			Src: t.a.X[((o.n*d.h.In+top+r)*d.w.In+left+lo)*t.a.XStep+o.u0*d.in:], SrcStep: t.a.XStep,
		}
		if pitch == t.a.XStep {
			s.Row.Rows, s.Row.Cols = 1, (hi-lo)*pitch
		}
		window.Best().CopyRows(&s.Row)
		clear(to[hi*pitch : wide*pitch])
	}
}

// panel computes panel p of unit u.
func (t *directTask) panel(s *directScratch, o *outputs, u, p int) {
	d, a := t.d, &s.args
	at := p * d.panel.lanes
	channels := min(d.panel.lanes, d.out-at)
	k, first := d.kernels(channels), u*d.out+at
	size := d.icg * d.taps
	a.W, a.Bias = t.filter[(u*d.padded+at)*size:][:k.lanes*size], d.zeros
	if t.a.Bias != nil {
		a.Bias = t.a.Bias[first:]
	}
	n, y := o.w1-o.w0, t.a.Y[d.to.at(o.n, o.h0, o.w0)*t.a.YStep+first:]
	a.YRow, a.YCol = d.to.row*t.a.YStep, d.to.col*t.a.YStep
	if channels < k.lanes {
		a.YRow, a.YCol = n*k.lanes, k.lanes
		clear(s.bias[copy(s.bias, a.Bias[:channels]):])
		a.Bias = s.bias
		t.tiles(a, k, s.Buf[(u-o.u0)*d.in:], s.side, n)
		t.keep(s, y, k.lanes, channels, n)
		return
	}
	t.tiles(a, k, s.Buf[(u-o.u0)*d.in:], y, n)
}

// tiles computes n columns of outputs.
func (t *directTask) tiles(a *direct.Args, k panelKernels, x, y []float32, n int) {
	tiles := ceilDiv(n, len(k.list))
	for col := 0; col < n; tiles-- {
		cols := (n - col) / tiles
		a.X, a.Y = x[col*a.XCol:], y[col*a.YCol:]
		k.list[cols-1](a)
		col += cols
	}
}

// keep copies the lanes with channels from s.side to the outputs y, n columns of them.
func (t *directTask) keep(s *directScratch, y []float32, lanes, channels, n int) {
	for r := range s.args.Rows {
		s.Row = window.RowArgs{
			Dst: y[r*t.d.to.row*t.a.YStep:], DstStep: t.d.to.col * t.a.YStep, Rows: n, Cols: channels,
			Src: s.side[r*n*lanes:], SrcStep: lanes,
		}
		window.Best().CopyRows(&s.Row)
	}
}

// finish applies residual and activation.
func (t *directTask) finish(o *outputs) {
	d := t.d
	first, last := o.u0*d.out+o.p0*d.panel.lanes, (o.u1-1)*d.out+min(d.out, o.p1*d.panel.lanes)
	for h := o.h0; h < o.h1; h++ {
		t.a.finish(d.to.at(o.n, h, o.w0), d.to.col, o.w1-o.w0, first, last-first)
	}
}
