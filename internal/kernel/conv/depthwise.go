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
	for d0 := range f.D.Out {
		for h0 := 0; h0 < f.H.Out; h0 += f.BandH {
			f.Reset(s.Buf, 1, 0)
			for plane := lo; plane < hi; plane++ {
				t.plane(s, plane, d0, h0)
			}
		}
	}
	s.Release()
}

// plane computes the output rows from (d0, h0) on that one input plane contributes.
func (t *channelTask) plane(s *window.Scratch, plane, d0, h0 int) {
	p, f := t.p, &t.p.frame
	mult := p.g.OutC / p.g.Groups
	f.Fill(t.k, s, s.Buf, t.a.X[plane*p.in:][:p.in], 1, d0, h0)
	rows := min(f.BandH, f.H.Out-h0)
	a := &s.Tap
	*a = window.TapArgs{Src: s.Buf, Off: p.off, Rows: rows, Cols: f.W.Out, SrcStep: f.StepH * f.Pitch, DstStep: f.W.Out}
	lo, hi, inKernel := bounds(t.a.Act)
	inKernel = inKernel && t.a.Residual == nil
	if a.Lo, a.Hi = lo, hi; !inKernel {
		a.Lo, a.Hi, _ = bounds(gemm.Activation{})
	}
	for m := range mult {
		oc := plane%p.g.InC*mult + m
		at := (plane*mult+m)*p.out + (d0*f.H.Out+h0)*f.W.Out
		a.W = t.a.W[oc*p.taps:][:p.taps]
		a.Bias = 0
		if t.a.Bias != nil {
			a.Bias = t.a.Bias[oc]
		}
		y := t.a.Y[at:][:rows*f.W.Out]
		t.band(a, y)
		if !inKernel {
			var r []float32
			if t.a.Residual != nil {
				r = t.a.Residual[at:]
			}
			finish(&t.a, y, r)
		}
	}
}

// band applies the kernel to the rows of one band. Where the 3x3 kernel takes four rows at a time, the last block
// overlaps the one before.
func (t *channelTask) band(a *window.TapArgs, y []float32) {
	a.Dst = y
	if t.p.alg != depthwise3 || a.Rows < 4 {
		t.k.FMATaps(a)
		return
	}
	rows, src := a.Rows, a.Src
	a.Rows = rows &^ 3
	t.k.DW3x3(a)
	if rows&3 != 0 {
		a.Src, a.Dst, a.Rows = src[(rows-4)*a.SrcStep:], y[(rows-4)*a.DstStep:], 4
		t.k.DW3x3(a)
	}
	a.Rows, a.Src = rows, src
}
