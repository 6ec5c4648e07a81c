package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// argInfer infers ArgMax and ArgMin.
func argInfer(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		c.SetType(0, Unranked(tensor.Int64))
		return nil
	}
	if len(x.Dims) == 0 {
		c.Set(0, tensor.Int64)
		return nil
	}
	axis, err := wrapAxis(c.Int("axis"), len(x.Dims))
	if err != nil {
		return err
	}
	if n, ok := x.Dims[axis].Const(); ok && n == 0 {
		return fmt.Errorf("ops: axis %d of %v has no elements", axis, x)
	}
	dims := append([]Dim(nil), x.Dims[:axis]...)
	if c.IntOr("keepdims", 1) != 0 {
		dims = append(dims, sym.Const(1))
	}
	c.Set(0, tensor.Int64, append(dims, x.Dims[axis+1:]...)...)
	return nil
}

// argReduce is a bound ArgMax or ArgMin.
type argReduce[T reducible | int16 | uint16] struct {
	axis int
	last bool
	find func(dst []int64, src []T, outer, n, inner int, last bool, threads int)
}

var argMaxKernel = widened(func(k *KernelCtx) (Kernel, error) {
	switch k.DType(0) {
	case tensor.Float32:
		return bindArg(k, reduce.ArgMax[float32]), nil
	case tensor.Float64:
		return bindArg(k, reduce.ArgMax[float64]), nil
	case tensor.Int8:
		return bindArg(k, reduce.ArgMax[int8]), nil
	case tensor.Uint8:
		return bindArg(k, reduce.ArgMax[uint8]), nil
	case tensor.Int16:
		return bindArg(k, reduce.ArgMax[int16]), nil
	case tensor.Uint16:
		return bindArg(k, reduce.ArgMax[uint16]), nil
	case tensor.Int32:
		return bindArg(k, reduce.ArgMax[int32]), nil
	case tensor.Int64:
		return bindArg(k, reduce.ArgMax[int64]), nil
	case tensor.Uint32:
		return bindArg(k, reduce.ArgMax[uint32]), nil
	case tensor.Uint64:
		return bindArg(k, reduce.ArgMax[uint64]), nil
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
})

var argMinKernel = widened(func(k *KernelCtx) (Kernel, error) {
	switch k.DType(0) {
	case tensor.Float32:
		return bindArg(k, reduce.ArgMin[float32]), nil
	case tensor.Float64:
		return bindArg(k, reduce.ArgMin[float64]), nil
	case tensor.Int8:
		return bindArg(k, reduce.ArgMin[int8]), nil
	case tensor.Uint8:
		return bindArg(k, reduce.ArgMin[uint8]), nil
	case tensor.Int16:
		return bindArg(k, reduce.ArgMin[int16]), nil
	case tensor.Uint16:
		return bindArg(k, reduce.ArgMin[uint16]), nil
	case tensor.Int32:
		return bindArg(k, reduce.ArgMin[int32]), nil
	case tensor.Int64:
		return bindArg(k, reduce.ArgMin[int64]), nil
	case tensor.Uint32:
		return bindArg(k, reduce.ArgMin[uint32]), nil
	case tensor.Uint64:
		return bindArg(k, reduce.ArgMin[uint64]), nil
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
})

func bindArg[T reducible | int16 | uint16](k *KernelCtx, find func([]int64, []T, int, int, int, bool, int)) Kernel {
	a := &argReduce[T]{k.Int("axis"), k.Bool("select_last_index"), find}
	return Kernel{Run: a.run}
}

func (a *argReduce[T]) run(c *Call) error {
	shape := c.In[0].Shape()
	outer, n, inner := 1, 1, 1
	if len(shape) > 0 {
		axis, err := wrapAxis(a.axis, len(shape))
		if err != nil {
			return err
		}
		outer, n, inner = shape[:axis].Len(), shape[axis], shape[axis+1:].Len()
	}
	y := tensor.Of[int64](c.Out[0])
	if n == 0 || len(y) != outer*inner {
		return fmt.Errorf("ops: extreme along an axis of %v gives %v", shape, c.Out[0].Shape())
	}
	a.find(y, tensor.Of[T](c.In[0]), outer, n, inner, a.last, c.Threads)
	return nil
}
