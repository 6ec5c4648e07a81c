package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/tensor"
)

func cumulativeInfer(c *InferCtx) error {
	if t := c.Type(1); t.Rank() > 1 {
		return fmt.Errorf("ops: input 1 (axis) has shape %v, want a scalar", t)
	}
	c.SetType(0, c.Type(0))
	return nil
}

// cumulativeFn computes running values along the middle axis of src, seen as [outer, n, inner].
type cumulativeFn[T mvNumber] func(dst, src []T, outer, n, inner int, exclusive, reverse bool)

var cumSumKernel = widened(func(k *KernelCtx) (Kernel, error) {
	switch d := k.DType(0); d {
	case tensor.Float32:
		return cumulative(k, reduce.CumSum[float32])
	case tensor.Float64:
		return cumulative(k, reduce.CumSum[float64])
	case tensor.Int64:
		return cumulative(k, reduce.CumSum[int64])
	case tensor.Int32:
		return cumulative(k, reduce.CumSum[int32])
	case tensor.Int16:
		return cumulative(k, reduce.CumSum[int16])
	case tensor.Int8:
		return cumulative(k, reduce.CumSum[int8])
	case tensor.Uint64:
		return cumulative(k, reduce.CumSum[uint64])
	case tensor.Uint32:
		return cumulative(k, reduce.CumSum[uint32])
	case tensor.Uint16:
		return cumulative(k, reduce.CumSum[uint16])
	case tensor.Uint8:
		return cumulative(k, reduce.CumSum[uint8])
	default:
		return Kernel{}, Unsupported("CumSum of %v", d)
	}
})

// cumSumGrad sums in the other direction.
func cumSumGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, _, _ Ref) Ref {
		a := g.Attrs()
		return g.with("CumSum", map[string]any{"exclusive": a.Bool("exclusive"), "reverse": !a.Bool("reverse")}, dy, g.In(1))
	})(c)
}

var cumProdKernel = widened(func(k *KernelCtx) (Kernel, error) {
	switch d := k.DType(0); d {
	case tensor.Float32:
		return cumulative(k, cumProd[float32])
	case tensor.Float64:
		return cumulative(k, cumProd[float64])
	case tensor.Int64:
		return cumulative(k, cumProd[int64])
	case tensor.Int32:
		return cumulative(k, cumProd[int32])
	case tensor.Uint64:
		return cumulative(k, cumProd[uint64])
	case tensor.Uint32:
		return cumulative(k, cumProd[uint32])
	default:
		return Kernel{}, Unsupported("CumProd of %v", d)
	}
})

func cumulative[T mvNumber](k *KernelCtx, fn cumulativeFn[T]) (Kernel, error) {
	exclusive, reverse := k.Bool("exclusive"), k.Bool("reverse")
	return Kernel{Run: func(c *Call) error {
		x := c.In[0]
		list := integers(c.In[1])
		if len(list) != 1 {
			return fmt.Errorf("ops: input 1 (axis) has %d elements, want 1", len(list))
		}
		axis, err := mvAxis(int(list[0]), x.Rank())
		if err != nil {
			return err
		}
		s := x.Shape()
		y, err := mvOut(c, 0, x.DType(), s)
		if err != nil {
			return err
		}
		fn(tensor.Raw[T](y), tensor.Raw[T](x), mvLen(s[:axis]), s[axis], mvLen(s[axis+1:]), exclusive, reverse)
		return nil
	}}, nil
}

// cumProd is reduce.CumSum with products.
func cumProd[T mvNumber](dst, src []T, outer, n, inner int, exclusive, reverse bool) {
	for o := range outer {
		x, y := src[o*n*inner:(o+1)*n*inner], dst[o*n*inner:(o+1)*n*inner]
		for j := range inner {
			p := T(1)
			for i := range n {
				at := i*inner + j
				if reverse {
					at = (n-1-i)*inner + j
				}
				v := x[at]
				if exclusive {
					y[at] = p
				} else {
					y[at] = p * v
				}
				p *= v
			}
		}
	}
}
