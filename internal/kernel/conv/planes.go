package conv

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

// planeOutputs is about how many outputs one call of a kernel of planes computes: some ten microseconds.
const planeOutputs = 64 << 10

// planes is a depthwise convolution of 3x3 taps that reads planes where they lie.
type planes struct {
	kernel func(*window.PlaneArgs)
	calls  []window.PlaneArgs // for one plane; Dst is set to where outputs begin
	first  []int              // output of each call
}

// planewise tells whether kernels of planes compute g.
func planewise(g *Geom, d, h, w window.Axis) bool {
	if !g.Depthwise() || d != window.One || h.Kernel != 3 || w.Kernel != 3 || h.Stride != w.Stride || h.Lo > 2*h.Dilation || h.Out/h.Dilation < window.PlaneRows {
		return false
	}
	return h.Stride == 1 || h.Stride == 2 && h.Dilation == 1 && w.Dilation == 1
}

// newPlanes cuts planes into calls: rows of outputs whose positions are equal modulo the dilation, some at a time.
func newPlanes(h, w window.Axis) *planes {
	k := window.Best()
	p := &planes{kernel: k.Plane3[h.Stride-1]}
	var a window.PlaneArgs
	a.SetAxis(k, w)
	a.SrcStep, a.DstStep = h.Dilation*w.In, h.Dilation*w.Out
	for phase := range h.Dilation {
		rows := (h.Out - phase + h.Dilation - 1) / h.Dilation
		above := (h.Lo - phase + h.Dilation - 1) / h.Dilation // rows of the first window above the plane
		row := phase - h.Lo + above*h.Dilation
		inRows := (h.In - row + h.Dilation - 1) / h.Dilation
		count := max(1, min(rows/window.PlaneRows, rows*w.Out/planeOutputs))
		for i := range count {
			from, to := i*rows/count, (i+1)*rows/count
			a.Rows, a.InRows, a.Top = to-from, inRows, above-from*h.Stride
			a.At = (row+(from*h.Stride-above)*h.Dilation)*w.In - w.Lo
			p.calls, p.first = append(p.calls, a), append(p.first, (phase+from*h.Dilation)*w.Out)
		}
	}
	return p
}

// planeTask is a running convolution of planes; chunks are ranges of input planes.
type planeTask struct {
	p      *Plan
	a      Args
	planes int
	size   int
}

var planeTasks = sync.Pool{New: func() any { return new(planeTask) }}

func (p *Plan) runPlanes(a *Args) {
	t := planeTasks.Get().(*planeTask)
	t.p, t.a, t.planes = p, *a, p.g.Batch*p.g.InC
	var chunks int
	chunks, t.size = par.Split(t.planes, chunkMACs/max(1, p.out*p.taps*(p.g.OutC/p.g.Groups))+1)
	par.Run(a.Threads, chunks, t)
	*t = planeTask{}
	planeTasks.Put(t)
}

// planeArgs are arguments of kernels, which would escape if they were variables.
var planeArgs = sync.Pool{New: func() any { return new(window.PlaneArgs) }}

// Chunk computes the outputs of a range of input planes.
func (t *planeTask) Chunk(i int) {
	p, mult := t.p, t.p.g.OutC/t.p.g.Groups
	lo, hi := par.Range(i, t.size, t.planes)
	a := planeArgs.Get().(*window.PlaneArgs)
	low, high, inKernel := bounds(t.a.Act)
	if t.a.Residual != nil {
		inKernel = false
	}
	if !inKernel {
		low, high, _ = bounds(gemm.Activation{})
	}
	for plane := lo; plane < hi; plane++ {
		x := t.a.X[plane*p.in:][:p.in]
		for m := range mult {
			at, oc := (plane*mult+m)*p.out, plane%p.g.InC*mult+m
			y := t.a.Y[at:][:p.out]
			for j := range p.planes.calls {
				*a = p.planes.calls[j]
				a.Src, a.Dst, a.W, a.Lo, a.High = x, y[p.planes.first[j]:], t.a.W[oc*p.taps:][:p.taps], low, high
				if t.a.Bias != nil {
					a.Bias = t.a.Bias[oc]
				}
				p.planes.kernel(a)
			}
			if !inKernel {
				finishAt(&t.a, y, at)
			}
		}
	}
	*a = window.PlaneArgs{}
	planeArgs.Put(a)
}
