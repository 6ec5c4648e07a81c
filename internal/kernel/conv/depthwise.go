package conv

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

const (
	// bandElems bounds the frame of a depthwise convolution, so that it stays in the first-level cache.
	bandElems = 7 << 10
	// chunkMACs is the least work of a chunk of a depthwise convolution.
	chunkMACs = 128 << 10
)

// layoutDepthwise lays out the frame of one channel.
func (p *Plan) layoutDepthwise() {
	d, h, w := p.g.axes()
	one := window.NewFrame(d, h, w, 1, 1)
	perRow := one.Depth * one.Pitch * h.Stride
	band := max(4, (bandElems-one.Plane)/max(1, perRow)) &^ 3
	p.frame = window.NewFrame(d, h, w, 1, min(h.Out, band))
	p.off = p.frame.Offsets(nil)
}

// channelTask is a running depthwise convolution; chunks are ranges of input planes.
type channelTask struct {
	p      *Plan
	k      *window.Kernels
	a      Args
	planes int
	size   int
}

var channelTasks = sync.Pool{New: func() any { return new(channelTask) }}

func (p *Plan) runDepthwise(a *Args) {
	t := channelTasks.Get().(*channelTask)
	t.p, t.a, t.k, t.planes = p, *a, window.Best(), p.g.Batch*p.g.InC
	macs := p.out * p.taps * (p.g.OutC / p.g.Groups)
	var chunks int
	chunks, t.size = par.Split(t.planes, chunkMACs/max(1, macs)+1)
	par.Run(a.Threads, chunks, t)
	*t = channelTask{}
	channelTasks.Put(t)
}

// Chunk computes the outputs of a range of input planes, band by band.
func (t *channelTask) Chunk(i int) {
	f := &t.p.frame
	lo, hi := par.Range(i, t.size, t.planes)
	s := window.GetScratch(f.Len(1))
	f.Reset(s.Buf, 1, 0)
	for d0 := range f.D.Out {
		for h0 := 0; h0 < f.H.Out; h0 += f.BandH {
			t.band(s, lo, hi, d0, h0)
		}
	}
	s.Release()
}

// band computes the output rows from (d0, h0) on that input planes [lo, hi) contribute.
func (t *channelTask) band(s *window.Scratch, lo, hi, d0, h0 int) {
	p, f := t.p, &t.p.frame
	rows := min(f.BandH, f.H.Out-h0)
	apply, off := t.kernel(rows)
	b := f.Band(d0, h0)
	b.Pad(s.Buf, 0)
	b.Begin(s)
	a := &s.Tap
	*a = window.TapArgs{Src: s.Buf, Off: off, Rows: rows, Cols: f.W.Out, SrcStep: f.StepH * f.Pitch, DstStep: f.W.Out}
	var inKernel bool
	if a.Lo, a.Hi, inKernel = bounds(t.a.Act); !inKernel || t.a.Residual != nil {
		inKernel = false
		a.Lo, a.Hi, _ = bounds(gemm.Activation{})
	}
	mult := p.g.OutC / p.g.Groups
	at := (d0*f.H.Out + h0) * f.W.Out
	for plane := lo; plane < hi; plane++ {
		b.Fill(t.k, s, s.Buf, t.a.X[plane*p.in:][:p.in])
		oc := plane % p.g.InC * mult
		for m := range mult {
			y := t.a.Y[(plane*mult+m)*p.out+at:][:rows*f.W.Out]
			a.Dst, a.W, a.Bias = y, t.a.W[(oc+m)*p.taps:][:p.taps], 0
			if t.a.Bias != nil {
				a.Bias = t.a.Bias[oc+m]
			}
			apply(a)
			if !inKernel {
				finishAt(&t.a, y, (plane*mult+m)*p.out+at)
			}
		}
	}
}

// finishAt applies what the kernel did not to the part y of the output, which begins at element at.
func finishAt(a *Args, y []float32, at int) {
	var r []float32
	if a.Residual != nil {
		r = a.Residual[at:]
	}
	finish(a, y, r)
}

// kernel returns the tap kernel for bands of some rows, and the offsets that it takes.
func (t *channelTask) kernel(rows int) (func(*window.TapArgs), []int) {
	p := t.p
	first := p.off[:p.frame.W.Kernel]
	switch {
	case rows < 4:
	case p.alg == depthwise5:
		return t.k.Tall5, first
	case p.alg == depthwise7:
		return t.k.Tall7, first
	}
	return t.k.FMATaps, p.off
}
