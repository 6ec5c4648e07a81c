package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// arrayFeatureExtractorInfer infers the last axis of X replaced by the picked indices. A vector becomes a row.
func arrayFeatureExtractorInfer(c *InferCtx) error {
	x, y := c.Type(0), c.Type(1)
	n := sym.Const(1)
	if y.Ranked {
		for _, d := range y.Dims {
			n = n.Mul(d)
		}
	}
	if !y.Ranked || n.Err() != nil {
		n = c.Fresh()
	}
	if !x.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	switch len(x.Dims) {
	case 0:
		return fmt.Errorf("ops: input 0 (X) is a scalar, want at least 1 axis")
	case 1:
		c.Set(0, x.DType, sym.Const(1), n)
	default:
		dims := append([]Dim(nil), x.Dims...)
		dims[len(dims)-1] = n
		c.Set(0, x.DType, dims...)
	}
	return nil
}

func arrayFeatureExtractorKernel(k *KernelCtx) (Kernel, error) {
	switch k.DType(0) {
	case tensor.Float32:
		return Kernel{Run: extractFeatures[float32]}, nil
	case tensor.Float64:
		return Kernel{Run: extractFeatures[float64]}, nil
	case tensor.Int64:
		return Kernel{Run: extractFeatures[int64]}, nil
	case tensor.Int32:
		return Kernel{Run: extractFeatures[int32]}, nil
	case tensor.String:
		return Kernel{Run: extractFeatures[string]}, nil
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
}

func extractFeatures[T float32 | float64 | int64 | int32 | string](c *Call) error {
	x, idx := tensor.Of[T](c.In[0]), tensor.Of[int64](c.In[1])
	s := c.In[0].Shape()
	if len(s) == 0 {
		return fmt.Errorf("ops: input 0 (X) is a scalar, want at least 1 axis")
	}
	width := s[len(s)-1]
	for _, i := range idx {
		if i < 0 || i >= int64(width) {
			return fmt.Errorf("ops: feature %d of %d", i, width)
		}
	}
	if c.In[0].DType() == tensor.String {
		dims := append([]int{1}, s[:len(s)-1]...)
		if len(s) > 1 {
			dims = dims[1:]
		}
		if _, err := c.Alloc(0, tensor.String, append(dims, len(idx))...); err != nil {
			return err
		}
	}
	y := tensor.Of[T](c.Out[0])
	if width == 0 {
		return nil
	}
	rows := len(x) / width
	if len(y) != rows*len(idx) {
		return fmt.Errorf("ops: output has %d elements for %d rows of %d", len(y), rows, len(idx))
	}
	for r := range rows {
		row := x[r*width:][:width]
		for j, i := range idx {
			y[r*len(idx)+j] = row[i]
		}
	}
	return nil
}
