package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/tensor"
)

// LayerNormGrad of the onnxrun domain is the gradient of LayerNormalization, or with rms=1 of RMSNormalization, in float32: from that
// of the result, the input and a scale of exactly the axes that are normalised, the gradients of input, scale and shift.

func layerNormGradInfer(c *InferCtx) error {
	c.SetType(0, c.Type(1))
	c.SetType(1, c.Type(2))
	c.SetType(2, c.Type(2))
	return nil
}

func layerNormGradKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 || k.DType(1) != tensor.Float32 || k.DType(2) != tensor.Float32 {
		return Kernel{}, Unsupported("LayerNormGrad of %v", k.DType(1))
	}
	eps, rms := float64(k.Float("epsilon")), k.Bool("rms")
	run := func(c *Call) error {
		dy, x, scale := c.In[0], c.In[1], c.In[2]
		if !dy.Shape().Equal(x.Shape()) || scale.Len() == 0 && x.Len() > 0 || scale.Len() > 0 && x.Len()%scale.Len() != 0 {
			return fmt.Errorf("ops: gradient has shape %v and scale %v for an input of shape %v", dy.Shape(), scale.Shape(), x.Shape())
		}
		f := func(t *tensor.Tensor) []float32 { return tensor.Of[float32](t) }
		a := rowNormGrads.Get().(*reduce.RowNormGrad)
		*a = reduce.RowNormGrad{X: f(x), DY: f(dy), Scale: f(scale), Eps: eps, RMS: rms, DX: f(c.Out[0]), DScale: f(c.Out[1])}
		if !rms {
			a.DShift = f(c.Out[2])
		}
		a.Scratch, _ = carve[float32](c.Scratch, layerNormGradScratch(c))
		a.Run(c.Threads)
		*a = reduce.RowNormGrad{}
		rowNormGrads.Put(a)
		return nil
	}
	return Kernel{Run: run, Scratch: func(c *Call) int { return carveBytes(layerNormGradScratch(c), 4) }}, nil
}

var rowNormGrads = sync.Pool{New: func() any { return new(reduce.RowNormGrad) }}

func layerNormGradScratch(c *Call) int {
	cols := max(1, c.In[2].Len())
	return reduce.RowNormGradScratch(c.In[1].Len()/cols, cols)
}

// fused emits LayerNormGrad for float32 and a scale of the normalised axes, and reports whether it has.
func (l *layerNorm) fused(g grads, dy, x Ref) (out []Ref, ok bool) {
	if dy == 0 || l.scale < 0 || l.scale >= g.Inputs() || g.In(l.scale) == 0 {
		return nil, false
	}
	of, scale := g.Of(x), g.Of(g.In(l.scale))
	if of.DType != tensor.Float32 || scale.DType != tensor.Float32 || g.Of(dy).DType != tensor.Float32 || !of.Ranked || !scale.Ranked {
		return nil, false
	}
	axis, err := wrapAxis(g.Attrs().IntOr("axis", -1), len(of.Dims))
	if err != nil || len(scale.Dims) != len(of.Dims)-axis {
		return nil, false
	}
	for i, d := range scale.Dims {
		if !d.Equal(of.Dims[axis+i]) {
			return nil, false
		}
	}
	return g.EmitAll(3, "onnxrun", "LayerNormGrad", map[string]any{"epsilon": g.Attrs().Float("epsilon"), "rms": l.rms}, dy, x, g.In(l.scale)), true
}
