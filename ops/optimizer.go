package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/optim"
	"github.com/onnxrun/onnxrun/tensor"
)

// The operators of ai.onnx.preview.training take a learning rate R, an update count T and then any number of tensors:
// all X, all gradients G, all first states, and for Adam all second states. They put out the new X and states.

// optimizerInfer infers outputs that are like their inputs; states is how many each tensor has.
func optimizerInfer(states int) func(*InferCtx) error {
	return func(c *InferCtx) error {
		n := (len(c.In) - 2) / (2 + states)
		if n < 1 || (len(c.In)-2)%(2+states) != 0 {
			return fmt.Errorf("ops: %d inputs, want 2 and a multiple of %d", len(c.In), 2+states)
		}
		if len(c.Out) != n*(1+states) {
			return fmt.Errorf("ops: %d outputs for %d tensors, want %d", len(c.Out), n, n*(1+states))
		}
		for i := range n {
			c.SetType(i, c.Type(2+i))
			for s := range states {
				c.SetType((1+s)*n+i, c.Type(2+(2+s)*n+i))
			}
		}
		return nil
	}
}

// optimizerStep updates one tensor: x and states are inputs, y and new the outputs.
type optimizerStep[T float32 | float64] func(rate float64, count int64, x, g []T, states [2][]T, y []T, news [2][]T)

func optimizerKernel[T float32 | float64](states int, step optimizerStep[T]) Kernel {
	return Kernel{Run: func(c *Call) error {
		n := (len(c.In) - 2) / (2 + states)
		rate := tensor.Float64s(c.In[0], 1)
		count, err := signalInt(c, 1)
		if err != nil || len(rate) != 1 {
			return fmt.Errorf("ops: learning rate and update count of %d and %d elements", c.In[0].Len(), c.In[1].Len())
		}
		for i := range n {
			x, g, y := tensor.Of[T](c.In[2+i]), tensor.Of[T](c.In[2+n+i]), tensor.Of[T](c.Out[i])
			if len(g) != len(x) || len(y) != len(x) {
				return fmt.Errorf("ops: tensor %d has %d elements, its gradient %d", i, len(x), len(g))
			}
			var old, news [2][]T
			for s := range states {
				old[s], news[s] = tensor.Of[T](c.In[2+(2+s)*n+i]), tensor.Of[T](c.Out[(1+s)*n+i])
				if len(old[s]) != len(x) || len(news[s]) != len(x) {
					return fmt.Errorf("ops: tensor %d has %d elements, its state %d", i, len(x), len(old[s]))
				}
			}
			step(rate[0], int64(count), x, g, old, y, news)
		}
		return nil
	}}
}

// optimizerBind makes a kernel for the element type of the first tensor.
func optimizerBind(k *KernelCtx, states int, wide optimizerStep[float64], narrow optimizerStep[float32]) (Kernel, error) {
	switch d := k.DType(2); d {
	case tensor.Float32:
		return optimizerKernel(states, narrow), nil
	case tensor.Float64:
		return optimizerKernel(states, wide), nil
	default:
		return Kernel{}, Unsupported("element type %v", d)
	}
}

func momentumKernel(k *KernelCtx) (Kernel, error) {
	mode := k.Str("mode")
	if mode != "standard" && mode != "nesterov" {
		return Kernel{}, fmt.Errorf("ops: mode is %q", mode)
	}
	return optimizerBind(k, 1, momentumStep[float64](k.Attrs), momentumStep[float32](k.Attrs))
}

// wide is a number that kernels take in float64.
func (a Attrs) wide(name string) float64 { return float64(a.Float(name)) }

func momentumStep[T float32 | float64](a Attrs) optimizerStep[T] {
	c := optim.MomentumCoeffs{L2: a.wide("norm_coefficient"), Shrink: 1, Keep: a.wide("alpha"), Nesterov: a.Str("mode") == "nesterov"}
	later := a.wide("beta")
	return func(rate float64, count int64, x, g []T, old [2][]T, y []T, news [2][]T) {
		c := c
		c.Rate, c.Take = rate, later
		if count == 0 {
			c.Take = 1
		}
		optim.MomentumOf(y, news[0], x, g, old[0], c)
	}
}

func adagradKernel(k *KernelCtx) (Kernel, error) {
	return optimizerBind(k, 1, adagradStep[float64](k.Attrs), adagradStep[float32](k.Attrs))
}

func adagradStep[T float32 | float64](a Attrs) optimizerStep[T] {
	c := optim.AdagradCoeffs{L2: a.wide("norm_coefficient"), Shrink: 1, Eps: a.wide("epsilon")}
	decay := a.wide("decay_factor")
	return func(rate float64, count int64, x, g []T, old [2][]T, y []T, news [2][]T) {
		c := c
		c.Rate = rate / (1 + float64(count)*decay)
		optim.AdagradOf(y, news[0], x, g, old[0], c)
	}
}

func adamKernel(k *KernelCtx) (Kernel, error) {
	return optimizerBind(k, 2, adamStep[float64](k.Attrs), adamStep[float32](k.Attrs))
}

func adamStep[T float32 | float64](a Attrs) optimizerStep[T] {
	c := optim.AdamCoeffs{L2: a.wide("norm_coefficient"), Beta1: a.wide("alpha"), Beta2: a.wide("beta"), Root: 1, Eps: a.wide("epsilon")}
	c.Shrink = 1 - a.wide("norm_coefficient_post") // of the stepped tensor, so that it scales the step as well
	return func(rate float64, count int64, x, g []T, old [2][]T, y []T, news [2][]T) {
		c := c
		c.Rate = c.Shrink * rate
		if count > 0 {
			c.Rate *= math.Sqrt(1-math.Pow(c.Beta2, float64(count))) / (1 - math.Pow(c.Beta1, float64(count)))
		}
		optim.AdamOf(y, news[0], news[1], x, g, old[0], old[1], c)
	}
}
