package nhwc

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/direct"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// slideTask is a running convolution.
type slideTask struct {
	*slides
	a Args
}

// slideScratch is what a chunk works with.
type slideScratch struct {
	*window.Scratch
	args direct.SlideArgs
	deal direct.DealArgs
}

var (
	slideTasks     = sync.Pool{New: func() any { return new(slideTask) }}
	slideScratches mem.Pool[slideScratch]
)

func (s *slides) run(a *Args) {
	t := slideTasks.Get().(*slideTask)
	t.slides, t.a = s, *a
	par.Run(a.Threads, s.g.Batch*s.grid[0]*s.grid[1]*s.grid[2], t)
	*t = slideTask{}
	slideTasks.Put(t)
}

// outputsOf returns what a chunk computes.
func (s *slides) outputsOf(chunk int) outputs {
	var at [3]int
	for i, n := range s.grid {
		at[i] = chunk % n
		chunk /= n
	}
	o := outputs{n: chunk, u0: at[0] * s.units, h0: at[1] * s.rows, w0: at[2] * s.cols}
	o.u1 = min(ceilDiv(s.g.OutC, s.lanes), o.u0+s.units)
	o.h1, o.w1 = min(s.h.Out, o.h0+s.rows), min(s.w.Out, o.w0+s.cols)
	return o
}

// Chunk computes the outputs of a chunk.
func (t *slideTask) Chunk(i int) {
	o := t.outputsOf(i)
	s := slideScratches.Get()
	s.Scratch = window.GetScratch(t.units * t.frame)
	s.args = t.args
	var clipped bool
	if s.args.Lo, s.args.Hi, clipped = clipBounds(t.a.Act); !clipped || t.a.finishes() {
		s.args.Lo, s.args.Hi, clipped = float32(math.Inf(-1)), float32(math.Inf(1)), false
	}
	s.args.Rows, s.args.YRow, s.args.YCol = o.h1-o.h0, t.w.Out*t.a.YStep, t.a.YStep
	t.fill(s, &o)
	for u := o.u0; u < o.u1; u++ {
		t.unit(s, &o, u, clipped)
	}
	s.Release()
	*s = slideScratch{}
	slideScratches.Put(s)
}

// unit computes the outputs of a unit.
func (t *slideTask) unit(s *slideScratch, o *outputs, u int, clipped bool) {
	a, first := &s.args, u*t.lanes
	a.Lanes = min(t.lanes, t.g.OutC-first)
	a.W, a.Bias = t.a.Filter.packed.data[u*t.unitLen():], t.zeros
	if t.a.Bias != nil {
		a.Bias = t.a.Bias[first:]
	}
	at := (o.n*t.h.Out+o.h0)*t.w.Out + o.w0
	y, n := t.a.Y[at*t.a.YStep+first:], o.w1-o.w0
	tiles := ceilDiv(n, len(t.kernels))
	for col := 0; col < n; tiles-- {
		cols := (n - col) / tiles
		a.X, a.Y = s.Buf[(u-o.u0)*t.frame+col*t.w.Stride*t.lanes:], y[col*t.a.YStep:]
		t.kernels[cols-1](a)
		col += cols
	}
	if clipped {
		return
	}
	for r := range o.h1 - o.h0 {
		t.a.finish(at+r*t.w.Out, 1, n, first, a.Lanes)
	}
}

// fill copies the inputs that the outputs' windows cover to the frames of the units, and zeros around them. Memory is read as it lies.
func (t *slideTask) fill(s *slideScratch, o *outputs) {
	row := t.frameW * t.lanes
	top, left := o.h0*t.h.Stride-t.h.Lo, o.w0*t.w.Stride-t.w.Lo
	high, wide := slideSpan(t.h, o.h1-o.h0), slideSpan(t.w, o.w1-o.w0)
	lo := min(wide, max(0, -left)) // columns [lo, hi) of the frame are inputs
	hi := max(lo, min(wide, t.w.In-left))
	for r := range high {
		inside := top+r >= 0 && top+r < t.h.In
		for u := range o.u1 - o.u0 {
			to := s.Buf[u*t.frame+r*row:][:wide*t.lanes]
			if !inside {
				clear(to)
				continue
			}
			clear(to[:lo*t.lanes])
			clear(to[hi*t.lanes:])
		}
		if inside && lo < hi {
			channels := min(o.u1*t.lanes, t.g.InC) - o.u0*t.lanes
			s.deal = direct.DealArgs{
				Dst: s.Buf[r*row+lo*t.lanes:], DstStep: t.frame, Src: t.a.X[((o.n*t.h.In+top+r)*t.w.In+left+lo)*t.a.XStep+o.u0*t.lanes:], SrcStep: t.a.XStep,
				Pixels: hi - lo, Units: channels / t.lanes, Rest: channels % t.lanes,
			}
			t.deal(&s.deal)
		}
	}
}
