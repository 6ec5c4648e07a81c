package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/tensor"
)

// SoftmaxGrad of the onnxrun domain is the gradient of Softmax, or with log=1 of LogSoftmax, over the axes from axis on, in float32: from
// that of the result, and the result.

func softmaxGradKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("SoftmaxGrad of %v", k.DType(0))
	}
	axis, log := k.Int("axis"), k.Bool("log")
	return Kernel{Run: func(c *Call) error {
		dy, y := c.In[0], c.In[1]
		if !dy.Shape().Equal(y.Shape()) {
			return fmt.Errorf("ops: gradient has shape %v, want %v", dy.Shape(), y.Shape())
		}
		axis, err := flatAxis(axis, len(y.Shape()))
		if err != nil {
			return err
		}
		reduce.SoftmaxGrad(tensor.Of[float32](c.Out[0]), tensor.Of[float32](dy), tensor.Of[float32](y), y.Shape()[axis:].Len(), log, c.Threads)
		return nil
	}}, nil
}

// softmaxGradGrad is the rule of what softmaxDerivative writes.
func softmaxGradGrad(c GradCtx) error {
	return composedGrad(func(g grads) (Ref, error) {
		rank, err := g.rank(g.In(1))
		if err != nil {
			return 0, err
		}
		axes, err := trailingAxes(g.Attrs().Int("axis"), rank)
		if err != nil {
			return 0, err
		}
		return softmaxDerivative(g, g.In(0), g.In(1), g.Attrs().Bool("log"), axes), nil
	})(c)
}

// softmaxDerivative is y*(dy - sum(dy*y)), or with log dy - exp(y)*sum(dy).
func softmaxDerivative(g grads, dy, y Ref, log bool, axes []int64) Ref {
	sum := func(v Ref) Ref {
		return g.with("ReduceSum", map[string]any{"keepdims": 1, "noop_with_empty_axes": 1}, v, g.ints(axes...))
	}
	if log {
		return g.sub(dy, g.mul(g.op("Exp", y), sum(dy)))
	}
	return g.mul(y, g.sub(dy, sum(g.mul(dy, y))))
}

// trailingAxes lists the axes from axis on.
func trailingAxes(axis, rank int) (axes []int64, err error) {
	if axis, err = flatAxis(axis, rank); err != nil {
		return nil, err
	}
	for ; axis < rank; axis++ {
		axes = append(axes, int64(axis))
	}
	return axes, nil
}

// softmaxGrad makes the rule of Softmax, or of LogSoftmax, which work from the output. With flat all axes from the given one on belong
// together.
func softmaxGrad(flat, log bool) func(GradCtx) error {
	return func(c GradCtx) error {
		g := grads{c}
		dy, y := g.Dy(0), g.Out(0)
		if dy == 0 || !g.Wants(0) {
			return nil
		}
		axis, of := g.Attrs().Int("axis"), g.Of(y)
		last := of.Ranked && len(of.Dims) > 0 && (flat || axis == -1 || axis == len(of.Dims)-1)
		if last && of.DType == tensor.Float32 && g.Of(dy).DType == tensor.Float32 {
			g.SetGrad(0, g.own("SoftmaxGrad", map[string]any{"axis": axis, "log": log}, dy, y))
			return nil
		}
		axes := []int64{int64(axis)}
		if flat {
			rank, err := g.rank(dy)
			if err != nil {
				return err
			}
			if axes, err = trailingAxes(axis, rank); err != nil {
				return err
			}
		}
		if of := g.Of(dy); of.Ranked && len(of.Dims) == 0 {
			axes = nil
		}
		g.SetGrad(0, softmaxDerivative(g, dy, y, log, axes))
		return nil
	}
}
