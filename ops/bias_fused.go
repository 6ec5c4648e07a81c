package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// Operators of com.microsoft that add a bias and go on from there.

// biasSplitGeluInfer infers BiasSplitGelu, whose output has half of the last axis.
func biasSplitGeluInfer(c *InferCtx) error {
	x := c.Type(0)
	if err := sameElements(c, 0, 1); err != nil {
		return err
	}
	if !x.Ranked || len(x.Dims) == 0 {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	n := len(x.Dims) - 1
	c.Set(0, x.DType, append(append([]Dim(nil), x.Dims[:n]...), x.Dims[n].Div(sym.Const(2)))...)
	return nil
}

// biasSplitGeluKernel binds BiasSplitGelu: of the input with its bias, the left half of each row times the Gelu of the right.
var biasSplitGeluKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	}
	return Kernel{
		Run: func(c *Call) error {
			x, bias, y := tensor.Of[float32](c.In[0]), tensor.Of[float32](c.In[1]), tensor.Of[float32](c.Out[0])
			n := len(bias)
			half := n / 2
			if n == 0 || n%2 != 0 || len(x)%n != 0 || 2*len(y) != len(x) {
				return fmt.Errorf("ops: input has shape %v and bias %v, want an even last axis", c.In[0].Shape(), c.In[1].Shape())
			}
			gate := scratchOf[float32](c.Scratch, half)
			for ; len(x) > 0; x, y = x[n:], y[half:] {
				vec.Add(gate, x[half:n], bias[half:])
				vec.Gelu(gate, gate)
				vec.Add(y[:half], x[:half], bias[:half])
				vec.Mul(y[:half], y[:half], gate)
			}
			return nil
		},
		Scratch: func(c *Call) int { return 4 * c.In[1].Len() },
	}, nil
})

// biasSumKernel binds BiasAdd and, without dropping anything, BiasDropout: the sum of inputs 0, 1 and, if present, 2, of which
// input 1 is a row.
var biasSumKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	}
	return Kernel{Run: biasSum}, nil
})

func biasSum(c *Call) error {
	x, bias, y := tensor.Of[float32](c.In[0]), tensor.Of[float32](c.In[1]), tensor.Of[float32](c.Out[0])
	if t := input(c, 4); t != nil && trains(t) {
		return Unsupported("dropout with a bias in training mode")
	}
	n := len(bias)
	if len(y) != len(x) || n == 0 && len(x) > 0 || n > 0 && len(x)%n != 0 {
		return fmt.Errorf("ops: input has shape %v and bias %v", c.In[0].Shape(), c.In[1].Shape())
	}
	skip := tensor.Of[float32](input(c, 2))
	if input(c, 2) != nil && len(skip) != len(x) {
		return fmt.Errorf("ops: residual has shape %v, want %v", c.In[2].Shape(), c.In[0].Shape())
	}
	for at := 0; at < len(x); at += n {
		vec.Add(y[at:at+n], x[at:at+n], bias)
	}
	if skip != nil {
		vec.Add(y, y, skip)
	}
	if m := part(c.Out, 1); m != nil {
		vec.Fill(tensor.Of[bool](m), true)
	}
	return nil
}

// biasDropoutInfer infers BiasDropout.
func biasDropoutInfer(c *InferCtx) error {
	if err := sameElements(c, 0, 1, 2); err != nil {
		return err
	}
	c.SetType(0, c.Type(0))
	mask := c.Type(0)
	mask.DType = tensor.Bool
	c.SetType(1, mask)
	return nil
}

// biasSoftmaxInfer infers BiasSoftmax.
func biasSoftmaxInfer(c *InferCtx) error {
	if err := preluInfer(c); err != nil {
		return err
	}
	return flatAxisInfer(c)
}

// biasSoftmaxKernel binds BiasSoftmax: the softmax, over all axes from one on, of a sum with a bias that is repeated along
// the axes where it has one element.
var biasSoftmaxKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	}
	sum, err := binary(vec.Add)
	axis := k.Int("axis")
	return Kernel{Run: func(c *Call) error {
		if err := sum.Run(c); err != nil {
			return err
		}
		s := c.Out[0].Shape()
		at, err := flatAxis(axis, len(s))
		y := tensor.Of[float32](c.Out[0])
		if err == nil && len(y) > 0 {
			reduce.Softmax(y, y, s[:at].Len(), s[at:].Len(), c.Threads)
		}
		return err
	}}, err
})
