package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/tensor"
)

// SumTo of the onnxrun domain undoes broadcasting: it sums its first input over the axes along which a tensor of
// the shape that the second input lists would be repeated. Gradients of broadcasting operators end in it.

func sumToInfer(c *InferCtx) error {
	x := c.Type(0)
	if err := mvIsList(c, 1, "shape"); err != nil {
		return err
	}
	if want, ok := c.Exprs(1); ok && x.Ranked && len(want) > len(x.Dims) {
		return fmt.Errorf("ops: input 0 has shape %v, want at least %d axes", x, len(want))
	}
	return shapedInfer(c, 1)
}

var sumToKernel = widened(func(k *KernelCtx) (Kernel, error) {
	switch k.DType(0) {
	case tensor.Float32:
		return Kernel{Run: sumTo[float32], Scratch: sumToScratch}, nil
	case tensor.Float64:
		return Kernel{Run: sumTo[float64], Scratch: sumToScratch}, nil
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
})

// sumToMarks marks the axes to sum over for a result of shape want.
func sumToMarks(m *reduceMarks, from, want []int) error {
	if len(from) > maxReduceRank || len(want) > len(from) {
		return fmt.Errorf("ops: sum of shape %v to shape %v", from, want)
	}
	for i, d := range from {
		j := i - len(from) + len(want)
		switch {
		case j < 0 || want[j] == 1 && d != 1:
			m[i] = true
		case want[j] != d:
			return fmt.Errorf("ops: input 0 has shape %v, to which %v does not broadcast", from, want)
		default:
			m[i] = false
		}
	}
	return nil
}

func sumToScratch(c *Call) int {
	var m reduceMarks
	if sumToMarks(&m, c.In[0].Shape(), c.Out[0].Shape()) != nil {
		return 0
	}
	return c.In[0].DType().Size() * reduce.ScratchLen(c.In[0].Shape(), m[:])
}

func sumTo[T float32 | float64](c *Call) error {
	var m reduceMarks
	from := c.In[0].Shape()
	y, err := shapedOut(c, 1)
	if err != nil {
		return err
	}
	if err := sumToMarks(&m, from, y.Shape()); err != nil {
		return err
	}
	need := reduce.ScratchLen(from, m[:])
	scratch := c.Scratch
	if size := need * c.In[0].DType().Size(); len(scratch) < size { // the shape was not known before
		if scratch, err = c.Memory.Bytes(size); err != nil {
			return err
		}
	}
	reduce.Axes(reduce.Sum, tensor.Raw[T](y), tensor.Raw[T](c.In[0]), from, m[:], scratchOf[T](scratch, need), c.Threads)
	return nil
}

// sumToGrad repeats the gradient.
func sumToGrad(c GradCtx) error {
	g := grads{c}
	if dy := g.Dy(0); dy != 0 {
		g.set(0, func() Ref { return g.op("Expand", dy, g.shape(g.In(0))) })
	}
	return nil
}
