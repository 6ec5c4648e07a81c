package ops

import (
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// The com.microsoft variants of Gelu: BiasGelu adds a bias first, FastGelu is the tanh approximation with an
// optional bias, QuickGelu is x*sigmoid(alpha*x). The bias has one axis, the last of the input.

func biasGeluInfer(c *InferCtx) error {
	if !c.Has(1) {
		return unaryInfer(c)
	}
	return preluInfer(c)
}

func biasGeluKernel(k *KernelCtx) (Kernel, error) {
	return biasedKernel(k, vec.AddGelu, erfGeluKernel, geluErf)
}

func fastGeluKernel(k *KernelCtx) (Kernel, error) {
	return biasedKernel(k, vec.AddGeluTanh, tanhGeluKernel, tanhGelu)
}

// biasedKernel binds an activation after an optional sum: sum32 is both in float32.
func biasedKernel(k *KernelCtx, sum32 func(dst, a, b []float32), plain func(*KernelCtx) (Kernel, error), f func(float64) float64) (Kernel, error) {
	if !k.Has(1) {
		return plain(k)
	}
	switch d := k.DType(0); d {
	case tensor.Float32:
		return binary(sum32)
	case tensor.Float16:
		return binary(vec.Half2[tensor.Float16Bits](sum32))
	case tensor.BFloat16:
		return binary(vec.Half2[tensor.BFloat16Bits](sum32))
	case tensor.Float64:
		return binary(func(dst, a, b []float64) {
			vec.AddOf(dst, a, b)
			vec.MapOf(dst, dst, f)
		})
	default:
		return Kernel{}, Unsupported("element type %v", d)
	}
}

var (
	biasGeluGrad = biasedGrad(erfGeluSlope)
	fastGeluGrad = biasedGrad(tanhGeluSlope)
)

// biasedGrad is the rule of an activation, with its derivative, after an optional sum.
func biasedGrad(slope func(g grads, x Ref) Ref) func(GradCtx) error {
	return func(c GradCtx) error {
		g := grads{c}
		dy, x := g.Dy(0), g.In(0)
		if dy == 0 {
			return nil
		}
		if g.In(1) != 0 {
			x = g.add(x, g.In(1))
		}
		dx := g.mul(dy, slope(g, x))
		g.SetGrad(0, dx)
		g.setSum(1, func() Ref { return dx })
		return nil
	}
}
