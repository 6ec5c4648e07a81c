package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// GeluGrad of the onnxrun domain is the gradient of Gelu in float32: from that of the result, and the input.

func geluGradKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 || k.DType(1) != tensor.Float32 {
		return Kernel{}, Unsupported("GeluGrad of %v", k.DType(1))
	}
	f := vec.GeluGrad
	if k.Str("approximate") == "tanh" {
		f = vec.GeluTanhGrad
	}
	return Kernel{Run: func(c *Call) error {
		if dy, x := c.In[0].Shape(), c.In[1].Shape(); !dy.Equal(x) {
			return fmt.Errorf("ops: gradient has shape %v, want %v", dy, x)
		}
		j := geluJobs.Get().(*geluJob)
		*j = geluJob{f: f, dy: tensor.Of[float32](c.In[0]), x: tensor.Of[float32](c.In[1]), dx: tensor.Of[float32](c.Out[0])}
		var chunks int
		chunks, j.size = par.Split(len(j.dx), geluGrain)
		par.Run(c.Threads, chunks, j)
		*j = geluJob{}
		geluJobs.Put(j)
		return nil
	}}, nil
}

// geluGrain is the number of elements that are worth a chunk.
const geluGrain = 1 << 13

var geluJobs = sync.Pool{New: func() any { return new(geluJob) }}

// geluJob computes dx; its chunks are ranges of elements.
type geluJob struct {
	f         func(dst, x, dy []float32)
	dx, x, dy []float32
	size      int
}

// Chunk computes chunk i.
func (j *geluJob) Chunk(i int) {
	lo, hi := par.Range(i, j.size, len(j.dx))
	j.f(j.dx[lo:hi], j.x[lo:hi], j.dy[lo:hi])
}

// geluRule is the rule of Gelu: GeluGrad in float32, else that written out.
func geluRule(g grads, approximate string) error {
	dy := g.Dy(0)
	if dy == 0 || !g.Wants(0) {
		return nil
	}
	if g.Of(g.In(0)).DType == tensor.Float32 && g.Of(dy).DType == tensor.Float32 {
		g.SetGrad(0, g.own("GeluGrad", map[string]any{"approximate": approximate}, dy, g.In(0)))
		return nil
	}
	g.SetGrad(0, g.mul(dy, geluSlope(g, g.In(0), approximate)))
	return nil
}

// geluSlope is the derivative of Gelu in either form.
func geluSlope(g grads, x Ref, approximate string) Ref {
	if approximate == "tanh" {
		return tanhGeluSlope(g, x)
	}
	return erfGeluSlope(g, x)
}

// geluGradGrad is the rule of what GeluGrad is written out.
func geluGradGrad(c GradCtx) error {
	return composedGrad(func(g grads) (Ref, error) {
		return g.mul(g.In(0), geluSlope(g, g.In(1), g.Attrs().Str("approximate"))), nil
	})(c)
}
