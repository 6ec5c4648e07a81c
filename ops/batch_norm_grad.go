package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/batchnorm"
	"github.com/onnxrun/onnxrun/tensor"
)

// BatchStats of the onnxrun domain computes what BatchNormalization in training needs of its input, and of the running mean
// and variance, inputs 1 and 2: the mean of each channel and the inverse of its standard deviation, and the running
// statistics moved towards those of the batch. BatchNormGrad makes of dy, x, mean, inverse deviation, scale and bias the
// gradients of x, scale and bias. dy may be the gradient behind an activation that is 1 steep between low and high and slope
// elsewhere. Channels are axis 1, or the last with axis=-1. Both work in float32.

func batchStatsInfer(c *InferCtx) error {
	for i := range 4 {
		c.SetType(i, c.Type(1+i%2))
	}
	return nil
}

func batchNormGradInfer(c *InferCtx) error {
	c.SetType(0, c.Type(1))
	c.SetType(1, c.Type(4))
	c.SetType(2, c.Type(4))
	return nil
}

// channelShape sees a tensor as its channels divide it.
func channelShape(s tensor.Shape, last bool) (batchnorm.Shape, error) {
	switch {
	case last && len(s) > 0:
		n := len(s) - 1
		return batchnorm.Shape{Outer: s[:n].Len(), Channels: s[n], Inner: 1}, nil
	case len(s) > 1:
		return batchnorm.Shape{Outer: s[0], Channels: s[1], Inner: s[2:].Len()}, nil
	}
	return batchnorm.Shape{}, fmt.Errorf("ops: input has shape %v, want an axis of channels", s)
}

func batchStatsKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("BatchStats of %v", k.DType(0))
	}
	last, eps, momentum := k.IntOr("axis", 1) < 0, float64(k.Float("epsilon")), float64(k.Float("momentum"))
	return Kernel{Run: func(c *Call) error {
		s, err := channelShape(c.In[0].Shape(), last)
		if err != nil {
			return err
		}
		if c.In[1].Len() != s.Channels || c.In[2].Len() != s.Channels {
			return fmt.Errorf("ops: statistics have shapes %v and %v, want [%d]", c.In[1].Shape(), c.In[2].Shape(), s.Channels)
		}
		mean, inv := tensor.Of[float32](c.Out[0]), tensor.Of[float32](c.Out[1])
		batchnorm.Statistics(s, tensor.Of[float32](c.In[0]), mean, inv, c.Threads)
		for i, v := range inv {
			for k, now := range [2]float32{mean[i], v} {
				old := float64(tensor.Of[float32](c.In[1+k])[i])
				putStat(part(c.Out, 2+k), i, old*momentum+float64(now)*(1-momentum))
			}
			inv[i] = float32(1 / math.Sqrt(float64(v)+eps))
		}
		return nil
	}}, nil
}

func batchNormGradKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("BatchNormGrad of %v", k.DType(0))
	}
	last, gate := k.IntOr("axis", 1) < 0, batchnorm.Open
	if k.HasAttr("low") {
		gate = batchnorm.Gate{Low: k.Float("low"), High: k.Float("high"), Slope: k.Float("slope")}
	}
	return Kernel{Run: func(c *Call) error {
		s, err := channelShape(c.In[1].Shape(), last)
		if err != nil {
			return err
		}
		if !c.In[0].Shape().Equal(c.In[1].Shape()) {
			return fmt.Errorf("ops: gradient has shape %v, want %v", c.In[0].Shape(), c.In[1].Shape())
		}
		for i := 2; i < 6; i++ {
			if c.In[i].Len() != s.Channels {
				return fmt.Errorf("ops: input %d has shape %v, want [%d]", i, c.In[i].Shape(), s.Channels)
			}
		}
		f := func(t *tensor.Tensor) []float32 { return tensor.Of[float32](t) }
		g := batchnorm.Grad{X: f(c.In[1]), DY: f(c.In[0]), Mean: f(c.In[2]), Inv: f(c.In[3]), Scale: f(c.In[4]), Bias: f(c.In[5]), Gate: gate,
			DX: f(c.Out[0]), DScale: f(c.Out[1]), DBias: f(c.Out[2])}
		batchnorm.Gradient(s, &g, c.Threads)
		return nil
	}}, nil
}

// trainedBatchNorm is the rule for float32 in training: the statistics are those that the forward node uses.
func trainedBatchNorm(g grads) {
	a := g.Attrs()
	stats := g.EmitAll(4, "onnxrun", "BatchStats", map[string]any{"epsilon": a.Float("epsilon"), "momentum": a.Float("momentum")}, g.In(0), g.In(3), g.In(4))
	out := g.EmitAll(3, "onnxrun", "BatchNormGrad", nil, g.Dy(0), g.In(0), stats[0], stats[1], g.In(1), g.In(2))
	for i, v := range out {
		if g.Wants(i) {
			g.SetGrad(i, v)
		}
	}
}
