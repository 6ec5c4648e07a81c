package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// viewKernel returns the kernel of an operator whose output has the elements of its first input under another shape,
// which infer tells: a copy, for callers that cannot share the storage.
func viewKernel(infer func(*InferCtx) error) func(*KernelCtx) (Kernel, error) {
	return func(k *KernelCtx) (Kernel, error) {
		attrs := k.Attrs
		return Kernel{Run: func(c *Call) error {
			x, y := c.In[0], c.Out[0]
			if x.Kind() != tensor.KindTensor {
				c.Put(0, x)
				return nil
			}
			if y.Kind() != tensor.KindTensor || y.DType() != x.DType() || x.DType() == tensor.String || len(y.Bytes()) != len(x.Bytes()) {
				shape, err := viewShape(infer, attrs, c)
				if err != nil {
					return err
				}
				if y, err = mvOut(c, 0, x.DType(), shape); err != nil {
					return err
				}
			}
			mvCopy(y, x, c.Threads)
			return nil
		}}, nil
	}
}

// viewShape infers the shape of the output from the inputs of a call.
func viewShape(infer func(*InferCtx) error, attrs Attrs, c *Call) (tensor.Shape, error) {
	ic := &InferCtx{Attrs: attrs, In: make([]Value, len(c.In)), Out: make([]Value, 1), Fresh: freshSymbols()}
	for i, t := range c.In {
		if t != nil {
			ic.In[i] = ConstValue(t)
		}
	}
	if err := infer(ic); err != nil {
		return nil, err
	}
	shape, ok := ic.Out[0].Static()
	if !ok || shape.Len() != c.In[0].Len() {
		return nil, fmt.Errorf("ops: input has shape %v, which does not fit the output %v", c.In[0].Shape(), ic.Out[0])
	}
	return shape, nil
}

// viewGrad gives the gradient the shape of the input.
var viewGrad = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.like(dy, x) })
