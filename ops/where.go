package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// Where chooses between two inputs of any type that is stored in whole bytes, or of strings. Elements are
// moved by width.

func whereInfer(c *InferCtx) error {
	if d := c.Type(0).DType; d != tensor.Bool {
		return fmt.Errorf("ops: input 0 (condition) has element type %v, want bool", d)
	}
	if err := sameTypes(c, 1, 2); err != nil {
		return err
	}
	t, err := broadcastInputs(c, c.Type(1).DType, 0, 2)
	if err != nil {
		return err
	}
	c.SetType(0, t)
	if t.DType == tensor.Int64 || t.DType == tensor.Int32 {
		follow(c, 3, func(x []Dim) (Dim, bool) {
			cond, ok := x[0].Const()
			if x[1].Equal(x[2]) {
				return x[1], true
			}
			if cond != 0 {
				return x[1], ok
			}
			return x[2], ok
		})
	}
	return nil
}

func whereKernel(k *KernelCtx) (Kernel, error) {
	d := k.DType(1)
	if d == tensor.String {
		return Kernel{Run: whereStrings}, nil
	}
	switch d.Size() {
	case 1:
		return whereOf[uint8]()
	case 2:
		return whereOf[uint16]()
	case 4:
		return whereOf[uint32]()
	case 8:
		return whereOf[uint64]()
	case 16:
		return whereOf[complex128]()
	default:
		return Kernel{}, Unsupported("element type %v", d)
	}
}

func whereGrad(c GradCtx) error {
	g := grads{c}
	dy := g.Dy(0)
	if dy == 0 {
		return nil
	}
	zero := g.num(dy, 0)
	g.setSum(1, func() Ref { return g.where(g.In(0), dy, zero) })
	g.setSum(2, func() Ref { return g.where(g.In(0), zero, dy) })
	return nil
}

// whereRun holds vec.Where for one width: made once, since a generic function value costs an allocation.
type whereRun[T tensor.Element] struct {
	f func(dst []T, cond []bool, a, b []T)
}

func whereOf[T tensor.Element]() (Kernel, error) {
	return Kernel{Run: whereRun[T]{vec.Where[T]}.run}, nil
}

func (r whereRun[T]) run(c *Call) error {
	if !foldsTo(c.Out[0].Shape(), c.In) {
		return errBroadcast(c)
	}
	dst, cond := tensor.Raw[T](c.Out[0]), tensor.Raw[bool](c.In[0])
	a, b := tensor.Raw[T](c.In[1]), tensor.Raw[T](c.In[2])
	n := len(dst)
	if n == 0 {
		return nil
	}
	if n <= smallRun && (len(cond) == n || len(cond) == 1) && (len(a) == n || len(a) == 1) && (len(b) == n || len(b) == 1) {
		r.f(dst, cond, a, b)
		return nil
	}
	var p vec.Plan
	p.Plan3(c.Out[0].Shape(), c.In[0].Shape(), c.In[1].Shape(), c.In[2].Shape())
	vec.Broadcast3(&p, dst, cond, a, b, r.f, c.Threads)
	return nil
}

// whereStrings makes its output itself: strings have no place in the planned memory.
func whereStrings(c *Call) error {
	shape, err := broadcastShape(c.In)
	if err != nil {
		return err
	}
	z, err := c.Alloc(0, tensor.String, shape...)
	if err != nil {
		return err
	}
	return whereRun[string]{vec.Where[string]}.run(&Call{In: c.In, Out: []*tensor.Tensor{z}, Threads: c.Threads})
}

// broadcastShape returns the shape that tensors broadcast to.
func broadcastShape(in []*tensor.Tensor) (tensor.Shape, error) {
	rank := 0
	for _, t := range in {
		rank = max(rank, t.Rank())
	}
	out := make(tensor.Shape, rank)
	for i := range out {
		out[i] = 1
	}
	for _, t := range in {
		off := rank - t.Rank()
		for i, d := range t.Shape() {
			if d != 1 && out[off+i] != 1 && d != out[off+i] {
				return nil, fmt.Errorf("ops: shape %v does not broadcast with the other inputs", t.Shape())
			}
			if d != 1 {
				out[off+i] = d
			}
		}
	}
	return out, nil
}
