package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/tensor"
)

// cropAxes returns the axes that the target lengths of a CenterCropPad are about.
func cropAxes(a Attrs, rank, targets int) ([]int, error) {
	axes := ints(a.IntList("axes"))
	if len(axes) == 0 {
		for i := range rank {
			axes = append(axes, i)
		}
	}
	if len(axes) != targets {
		return nil, fmt.Errorf("ops: shape has %d values for %d axes", targets, len(axes))
	}
	for i, x := range axes {
		if x < 0 {
			axes[i] += rank
		}
		if axes[i] < 0 || axes[i] >= rank {
			return nil, fmt.Errorf("ops: axis %d is not in a tensor of rank %d", x, rank)
		}
	}
	return axes, nil
}

func centerCropPadInfer(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	dims := append([]Dim(nil), x.Dims...)
	want, ok := c.Exprs(1)
	if !ok {
		n := len(c.IntList("axes"))
		if n == 0 {
			n = len(dims)
		}
		want = c.FreshDims(n)
	}
	axes, err := cropAxes(c.Attrs, len(dims), len(want))
	if err != nil {
		return err
	}
	for i, a := range axes {
		dims[a] = want[i]
	}
	c.Set(0, x.DType, dims...)
	return nil
}

func centerCropPadKernel(k *KernelCtx) (Kernel, error) {
	attrs := k.Attrs
	return Kernel{Run: func(c *Call) error {
		x := c.In[0]
		want := ints(integers(c.In[1]))
		axes, err := cropAxes(attrs, x.Rank(), len(want))
		if err != nil {
			return err
		}
		out := x.Shape().Clone()
		for i, a := range axes {
			out[a] = want[i]
		}
		y, err := c.Alloc(0, x.DType(), out...)
		if err != nil {
			return err
		}
		cropPad(y, x, c.Threads)
		return nil
	}}, nil
}

// integers returns the elements of an int64 or int32 tensor.
func integers(t *tensor.Tensor) []int64 {
	v, _ := Value{Const: t}.Ints()
	return v
}

// cropPad copies the middle of x to the middle of y; the rest of y is zero, or empty strings.
func cropPad(y, x *tensor.Tensor, threads int) {
	src, dst := mvDataOf(x), mvDataOf(y)
	clear(dst.b)
	clear(dst.s)
	from, to := x.Shape(), y.Shape()
	c := move.Copy{Dims: make([]int, len(from)), SrcStride: from.Strides(), DstStride: to.Strides()}
	for i := range from {
		c.Dims[i] = min(from[i], to[i])
		if from[i] > to[i] {
			c.SrcOff += (from[i] - to[i]) / 2 * c.SrcStride[i]
		} else {
			c.DstOff += (to[i] - from[i]) / 2 * c.DstStride[i]
		}
		if c.Dims[i] == 0 {
			return
		}
	}
	mvStrided(dst, src, c, threads)
}

// centerCropPadGrad crops what was padded and pads what was cropped: the same positions meet in both directions.
func centerCropPadGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		axes := g.Attrs().IntList("axes")
		if len(axes) == 0 {
			return g.op("CenterCropPad", dy, g.shape(x))
		}
		size := g.op("Gather", g.shape(x), g.ints(axes...))
		return g.with("CenterCropPad", map[string]any{"axes": axes}, dy, size)
	})(c)
}

// lrnInfer keeps type and shape.
func lrnInfer(c *InferCtx) error {
	c.SetType(0, c.Type(0))
	return nil
}
