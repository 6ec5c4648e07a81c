package ops

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/tensor"
)

func gatherInfer(c *InferCtx) error {
	x, index := c.Type(0), c.Type(1)
	if !x.Ranked || !index.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	axis, err := mvAxis(c.Int("axis"), len(x.Dims))
	if err != nil {
		return err
	}
	out := slices.Concat(x.Dims[:axis], index.Dims, x.Dims[axis+1:])
	c.Set(0, x.DType, out...)
	if len(x.Dims) == 1 {
		return gatherElems(c)
	}
	return nil
}

// gatherElems follows the elements of a list that constant indices name.
func gatherElems(c *InferCtx) error {
	e, ok := mvElems(c, 0)
	index, okI := c.Ints(1)
	if !ok || !okI || len(index) > maxElems {
		return nil
	}
	out := make([]Dim, len(index))
	for i, v := range index {
		at := v
		if at < 0 {
			at += int64(len(e))
		}
		if at < 0 || at >= int64(len(e)) {
			return mvIndexError(v, len(e))
		}
		out[i] = e[at]
	}
	mvSetElems(c, 0, out)
	return nil
}

func gatherKernel(k *KernelCtx) (Kernel, error) {
	attr := k.Int("axis")
	if d := k.DType(1); d != tensor.Int64 && d != tensor.Int32 {
		return Kernel{}, Unsupported("Gather with indices of %v", d)
	}
	rows := newRowCache(k, attr)
	return Kernel{Run: func(c *Call) error {
		x, index := c.In[0], c.In[1]
		s := x.Shape()
		axis, err := mvAxis(attr, len(s))
		if err != nil {
			return err
		}
		var buf mvDims
		dims := append(append(append(buf[:0], s[:axis]...), index.Shape()...), s[axis+1:]...)
		y, err := mvOut(c, 0, x.DType(), dims)
		if err != nil {
			return err
		}
		if index.DType() == tensor.Int32 {
			return gatherRun(c, y, x, tensor.Of[int32](index), axis, rows)
		}
		return gatherRun(c, y, x, tensor.Of[int64](index), axis, rows)
	}}, nil
}

func gatherRun[I move.Index](c *Call, y, x *tensor.Tensor, index []I, axis int, rows *rowCache) error {
	s := x.Shape()
	outer, n, block := mvLen(s[:axis]), s[axis], mvLen(s[axis+1:])
	if x.DType() == tensor.String {
		return move.GatherOf(y.Strings(), x.Strings(), index, outer, n, block)
	}
	if rows.of(x) {
		if done, err := gatherKept(rows, y.Bytes(), index); done {
			return err
		}
	}
	if outer == 1 {
		if done, err := gatherFew(y.Bytes(), x.Bytes(), index, n, block*x.DType().Size()); done {
			return err
		}
	}
	return move.Gather(y.Bytes(), x.Bytes(), index, outer, n, block*x.DType().Size(), c.Threads)
}

func gatherGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		return g.own("GatherGrad", map[string]any{"axis": g.Attrs().Int("axis")}, dy, g.In(1), g.shape(x))
	})(c)
}

// GatherGrad of the onnxrun domain makes zeros of a given shape and adds what was gathered back to where it came
// from, in the order of the indices.
func gatherGradInfer(c *InferCtx) error { return shapedInfer(c, 2) }

var gatherGradKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if d := k.DType(1); d != tensor.Int64 && d != tensor.Int32 {
		return Kernel{}, Unsupported("GatherGrad with indices of %v", d)
	}
	axis := k.Int("axis")
	switch d := k.DType(0); d {
	case tensor.Float32:
		return Kernel{Run: func(c *Call) error { return gatherGradRun[float32](c, axis) }}, nil
	case tensor.Float64:
		return Kernel{Run: func(c *Call) error { return gatherGradRun[float64](c, axis) }}, nil
	default:
		return Kernel{}, Unsupported("element type %v", d)
	}
})

func gatherGradRun[T float32 | float64](c *Call, axis int) error {
	dy, index := c.In[0], c.In[1]
	y, err := shapedOut(c, 2)
	if err != nil {
		return err
	}
	s := y.Shape()
	if axis, err = mvAxis(axis, len(s)); err != nil {
		return err
	}
	outer, n, block := mvLen(s[:axis]), s[axis], mvLen(s[axis+1:])
	if dy.Len() != outer*index.Len()*block {
		return fmt.Errorf("ops: gradient has shape %v for indices of shape %v into %v", dy.Shape(), index.Shape(), s)
	}
	if index.DType() == tensor.Int32 {
		return reduce.AddRows(tensor.Of[T](y), tensor.Of[T](dy), tensor.Of[int32](index), outer, n, block, c.Threads)
	}
	return reduce.AddRows(tensor.Of[T](y), tensor.Of[T](dy), tensor.Of[int64](index), outer, n, block, c.Threads)
}

// gatherGradGrad gathers.
func gatherGradGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, _, _ Ref) Ref {
		return g.with("Gather", map[string]any{"axis": g.Attrs().Int("axis")}, dy, g.In(1))
	})(c)
}

// gatherElementsInfer also serves ScatterElements' check of its index.
func gatherElementsInfer(c *InferCtx) error {
	x, index := c.Type(0), c.Type(1)
	if !index.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	if err := checkElementAxes(c); err != nil {
		return err
	}
	c.Set(0, x.DType, index.Dims...)
	return nil
}

// checkElementAxes checks that data and indices have the same rank and that the axis is in it.
func checkElementAxes(c *InferCtx) error {
	x, index := c.Type(0), c.Type(1)
	if !x.Ranked || !index.Ranked {
		return nil
	}
	if len(x.Dims) != len(index.Dims) {
		return fmt.Errorf("ops: input 1 (indices) has shape %v, want the rank of input 0 (data), %v", index, x)
	}
	_, err := mvAxis(c.Int("axis"), len(x.Dims))
	return err
}

func gatherNDInfer(c *InferCtx) error {
	x, index := c.Type(0), c.Type(1)
	if !x.Ranked || !index.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	batch := c.Int("batch_dims")
	if len(index.Dims) == 0 || batch < 0 || batch >= len(index.Dims) || batch > len(x.Dims) {
		return fmt.Errorf("ops: batch_dims %d for data %v and indices %v", batch, x, index)
	}
	last := len(index.Dims) - 1
	for i := range batch {
		if _, err := mvSame(x.Dims[i], index.Dims[i]); err != nil {
			return fmt.Errorf("ops: batch axis %d of data %v and indices %v: %w", i, x, index, err)
		}
	}
	k, ok := index.Dims[last].Const()
	if !ok {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	if k < 1 || batch+int(k) > len(x.Dims) {
		return fmt.Errorf("ops: input 1 (indices) has shape %v: tuples of %d, want 1 to %d", index, k, len(x.Dims)-batch)
	}
	c.Set(0, x.DType, slices.Concat(index.Dims[:last], x.Dims[batch+int(k):])...)
	return nil
}
