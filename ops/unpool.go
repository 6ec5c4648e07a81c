package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// maxUnpoolInfer undoes the shape of a MaxPool, unless the output shape is given.
func maxUnpoolInfer(c *InferCtx) error {
	x := c.Type(0)
	if c.Has(2) {
		if dims, ok := c.Exprs(2); ok {
			c.Set(0, x.DType, dims...)
			return nil
		}
		if x.Ranked {
			c.Set(0, x.DType, c.FreshDims(len(x.Dims))...)
			return nil
		}
	}
	if !x.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	rank, err := spatialRank(x, "input")
	if err != nil {
		return err
	}
	a, err := windowAttrs(c.Attrs)
	if err != nil {
		return err
	}
	if err := a.Check(rank); err != nil {
		return err
	}
	dims := append([]Dim(nil), x.Dims...)
	for i := range rank {
		stride, shrink := unpoolAxis(a.Strides, a.Pads, a.Kernel, i)
		dims[2+i] = dims[2+i].Sub(sym.Const(1)).Mul(sym.Const(int64(stride))).Add(sym.Const(int64(shrink)))
	}
	c.Set(0, x.DType, dims...)
	return nil
}

// unpoolAxis returns the stride of axis i, and the kernel less the padding.
func unpoolAxis(strides, pads, kernel []int, i int) (stride, rest int) {
	stride, rest = 1, kernel[i]
	if len(strides) > 0 {
		stride = strides[i]
	}
	if len(pads) > 0 {
		rest -= pads[i] + pads[len(kernel)+i]
	}
	return stride, rest
}

var maxUnpoolKernel = widened(func(k *KernelCtx) (Kernel, error) {
	a, err := windowAttrs(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	pooled := func(x tensor.Shape) (tensor.Shape, error) {
		if err := a.Check(len(x) - 2); err != nil {
			return nil, err
		}
		s := x.Clone()
		for i := range a.Kernel {
			stride, rest := unpoolAxis(a.Strides, a.Pads, a.Kernel, i)
			s[2+i] = (s[2+i]-1)*stride + rest
		}
		return s, nil
	}
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return maxUnpool[float64](c, pooled) }}, nil
	}
	return Kernel{Run: func(c *Call) error { return maxUnpool[float32](c, pooled) }}, nil
})

// maxUnpool puts every element where its index says. Indices count positions of the shape that was pooled; a larger output
// shape adds zeros behind it in every axis.
func maxUnpool[T float32 | float64](c *Call, pooled func(tensor.Shape) (tensor.Shape, error)) error {
	shape, err := pooled(c.In[0].Shape())
	if err != nil {
		return err
	}
	out := shape
	if t := input(c, 2); t != nil {
		out = ints(tensor.Of[int64](t))
	}
	if len(out) != len(shape) {
		return fmt.Errorf("ops: output_shape %v for an input of shape %v", out, c.In[0].Shape())
	}
	for i := range out {
		if shape[i] < 0 || out[i] < shape[i] {
			return fmt.Errorf("ops: output_shape %v is smaller than the shape %v that was pooled", out, shape)
		}
	}
	t, err := c.Alloc(0, c.In[0].DType(), out...)
	if err != nil {
		return err
	}
	x, index, y := tensor.Of[T](c.In[0]), tensor.Of[int64](c.In[1]), tensor.Of[T](t)
	if len(index) != len(x) {
		return fmt.Errorf("ops: indices have shape %v, want %v", c.In[1].Shape(), c.In[0].Shape())
	}
	clear(y)
	same, total := out.Equal(shape), int64(shape.Len())
	for i, at := range index {
		if at < 0 || at >= total {
			return fmt.Errorf("ops: index %d is out of range [0, %d)", at, total)
		}
		pos := int(at)
		if !same {
			rest, stride := pos, 1
			pos = 0
			for j := len(out) - 1; j >= 0; j-- {
				pos += rest % shape[j] * stride
				rest /= shape[j]
				stride *= out[j]
			}
		}
		y[pos] = x[i]
	}
	return nil
}

// maxUnpoolGrad reads dy where the elements went, in the shape that was pooled: indices count its positions.
func maxUnpoolGrad(c GradCtx) error {
	g := grads{c}
	dy, x := g.Dy(0), g.In(0)
	if dy == 0 || !g.Wants(0) {
		return nil
	}
	if g.In(2) != 0 {
		a, err := windowAttrs(g.Attrs())
		if err != nil {
			return err
		}
		strides, rests := []int64{1, 1}, []int64{1, 1} // (n-1)*1+1 keeps batch and channels
		for i := range a.Kernel {
			stride, rest := unpoolAxis(a.Strides, a.Pads, a.Kernel, i)
			strides, rests = append(strides, int64(stride)), append(rests, int64(rest))
		}
		pooled := g.add(g.mul(g.sub(g.shape(x), g.ints(1)), g.ints(strides...)), g.ints(rests...))
		dy = g.op("Slice", dy, g.ints(make([]int64, len(strides))...), pooled)
	}
	g.SetGrad(0, g.op("Gather", g.op("Reshape", dy, g.ints(-1)), g.In(1)))
	return nil
}
