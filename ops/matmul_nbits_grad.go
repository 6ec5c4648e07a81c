package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/nbits"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// MatMulNBitsGrad of the onnxrun domain multiplies dy by the matrix of a MatMulNBits, whose other inputs and
// attributes it has: the gradient of the input. The codes and their scales do not train.

func matmulNBitsGrad(c GradCtx) error {
	g := grads{c}
	dy := g.Dy(0)
	if dy == 0 {
		return nil
	}
	if g.Wants(2) || g.Of(g.In(3)).DType != tensor.Uint8 && g.Wants(3) {
		return Unsupported("no gradient of the scales and zero points of MatMulNBits")
	}
	g.set(0, func() Ref {
		attrs := map[string]any{}
		for _, name := range []string{"N", "K", "bits", "block_size"} {
			if g.Attrs().HasAttr(name) {
				attrs[name] = g.Attrs().Int(name)
			}
		}
		return g.own("MatMulNBitsGrad", attrs, dy, g.In(1), g.In(2), g.In(3), g.In(4))
	})
	g.setSum(5, func() Ref { return dy })
	return nil
}

func matmulNBitsGradInfer(c *InferCtx) error {
	dy := c.Type(0)
	if !dy.Ranked || len(dy.Dims) == 0 {
		c.SetType(0, dy)
		return nil
	}
	c.Set(0, dy.DType, append(append([]Dim(nil), dy.Dims[:len(dy.Dims)-1]...), sym.Const(int64(c.Int("K"))))...)
	return nil
}

var matmulNBitsGradKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	}
	form := nbits.Matrix{N: k.Int("N"), K: k.Int("K"), Bits: k.IntOr("bits", 4), Block: k.Int("block_size")}
	return Kernel{Run: func(c *Call) error {
		dy, dx := tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0])
		rows := len(dy) / max(1, form.N)
		if len(dy) != rows*form.N || len(dx) != rows*form.K {
			return fmt.Errorf("ops: gradient has shape %v, want a last axis of %d", c.In[0].Shape(), form.N)
		}
		if c.In[1].Len() == 0 { // weights that were left out count as zeros
			clear(dx)
			return nil
		}
		m := form
		if err := setNBits(&m, c.In[1], c.In[2], input(c, 3), input(c, 4)); err != nil {
			return err
		}
		nbits.MulTransposed(dx, dy, rows, &m, c.Threads)
		return nil
	}}, nil
})
