package ops

import (
	"slices"

	"github.com/onnxrun/onnxrun/tensor"
)

// shapeRange resolves the attributes start and end of Shape.
func shapeRange(a Attrs, rank int) (lo, hi int) {
	clamp := func(v int) int {
		if v < 0 {
			v += rank
		}
		return min(max(v, 0), rank)
	}
	lo = clamp(a.IntOr("start", 0))
	return lo, max(lo, clamp(a.IntOr("end", rank)))
}

func shapeInfer(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		c.Set(0, tensor.Int64, c.Fresh())
		return nil
	}
	lo, hi := shapeRange(c.Attrs, len(x.Dims))
	c.Set(0, tensor.Int64, mvConst(hi-lo))
	mvSetElems(c, 0, slices.Clone(x.Dims[lo:hi]))
	return nil
}

func shapeKernel(k *KernelCtx) (Kernel, error) {
	attrs := k.Attrs
	return Kernel{Run: func(c *Call) error {
		s := c.In[0].Shape()
		lo, hi := shapeRange(attrs, len(s))
		y, err := mvOut(c, 0, tensor.Int64, []int{hi - lo})
		if err != nil {
			return err
		}
		out := tensor.Of[int64](y)
		for i, d := range s[lo:hi] {
			out[i] = int64(d)
		}
		return nil
	}}, nil
}

func sizeInfer(c *InferCtx) error {
	c.Set(0, tensor.Int64)
	if x := c.Type(0); x.Ranked {
		mvSetElems(c, 0, []Dim{mvProduct(x.Dims)})
	}
	return nil
}

func sizeKernel(*KernelCtx) (Kernel, error) {
	return Kernel{Run: func(c *Call) error {
		y, err := mvOut(c, 0, tensor.Int64, nil)
		if err != nil {
			return err
		}
		tensor.Of[int64](y)[0] = int64(c.In[0].Shape().Len())
		return nil
	}}, nil
}
