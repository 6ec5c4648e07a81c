package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// broadcastDim returns the dimension that a and b broadcast to, and whether they can.
//
// For two unlike expressions one of which must turn out to be 1 the result is max(a, b), or 0 if either
// is 0: exact for every pair of sizes that broadcasts at all. Kernels find out about the others.
func broadcastDim(a, b Dim) (Dim, bool) {
	x, xConst := a.Const()
	y, yConst := b.Const()
	switch {
	case a.Equal(b), yConst && y == 1:
		return a, true
	case xConst && x == 1:
		return b, true
	case xConst && yConst:
		return Dim{}, false
	case xConst:
		return a, true
	case yConst:
		return b, true
	}
	low, _ := a.Lower()
	if low > 1 {
		return a, true
	}
	lowB, _ := b.Lower()
	if lowB > 1 {
		return b, true
	}
	greater := a.Max(b)
	if low > 0 && lowB > 0 {
		return greater, true
	}
	both := a.Min(b).Min(sym.Const(1))
	if both.Equal(greater.Min(sym.Const(1))) { // the greater one is 0 whenever the other is
		return greater, true
	}
	return greater.Mul(both), true
}

// broadcastDims returns the dimensions that two shapes broadcast to.
func (c *InferCtx) broadcastDims(a, b []Dim) ([]Dim, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := append(make([]Dim, 0, len(a)), a...)
	off := len(a) - len(b)
	for i, d := range b {
		m, ok := broadcastDim(out[off+i], d)
		if !ok {
			return nil, fmt.Errorf("ops: shapes %v and %v do not broadcast: dimension %d is %v and %v", a, b, off+i, out[off+i], d)
		}
		if m.Err() != nil {
			m = c.Fresh()
		}
		out[off+i] = m
	}
	return out, nil
}

// denseInput returns the type of input i, which must be a dense tensor.
func denseInput(c *InferCtx, i int) (Type, error) {
	t := c.Type(i)
	if t.Kind != tensor.KindTensor || t.DType == tensor.Undefined {
		return t, fmt.Errorf("ops: input %d is %v, want a dense tensor", i, t.Kind)
	}
	return t, nil
}

// broadcastInputs returns the type of element type d that inputs first to last broadcast to.
func broadcastInputs(c *InferCtx, d tensor.DType, first, last int) (Type, error) {
	out := TensorType(d)
	for i := first; i <= last; i++ {
		t, err := denseInput(c, i)
		if err != nil {
			return out, err
		}
		if !t.Ranked {
			out = Unranked(d)
		}
		if !out.Ranked {
			continue
		}
		if out.Dims, err = c.broadcastDims(out.Dims, t.Dims); err != nil {
			return out, err
		}
	}
	return out, nil
}

// sameTypes checks that inputs first to last have one element type.
func sameTypes(c *InferCtx, first, last int) error {
	for i := first + 1; i <= last; i++ {
		if a, b := c.Type(first).DType, c.Type(i).DType; a != b {
			return fmt.Errorf("ops: input %d has element type %v, want %v as input %d", i, b, a, first)
		}
	}
	return nil
}

// binaryInfer is the shape function of two inputs of one element type that broadcast to an output of that
// type.
func binaryInfer(c *InferCtx) error { return binaryInto(c, c.Type(0).DType) }

// predicateInfer is binaryInfer for outputs of truth values.
func predicateInfer(c *InferCtx) error { return binaryInto(c, tensor.Bool) }

func binaryInto(c *InferCtx, d tensor.DType) error {
	if err := sameTypes(c, 0, 1); err != nil {
		return err
	}
	t, err := broadcastInputs(c, d, 0, 1)
	c.SetType(0, t)
	return err
}

// variadicInfer is the shape function of any number of inputs that broadcast together.
func variadicInfer(c *InferCtx) error {
	if len(c.In) == 0 {
		return fmt.Errorf("ops: no inputs, want at least one")
	}
	if err := sameTypes(c, 0, len(c.In)-1); err != nil {
		return err
	}
	t, err := broadcastInputs(c, c.Type(0).DType, 0, len(c.In)-1)
	c.SetType(0, t)
	return err
}

// unaryInfer is the shape function of operators whose output is like their first input.
func unaryInfer(c *InferCtx) error {
	t, err := denseInput(c, 0)
	c.SetType(0, t)
	return err
}

// unaryPredicateInfer is unaryInfer for outputs of truth values.
func unaryPredicateInfer(c *InferCtx) error {
	t, err := denseInput(c, 0)
	t.DType = tensor.Bool
	c.SetType(0, t)
	return err
}

// broadcastsTo reports whether the shapes a and b broadcast to exactly out.
func broadcastsTo(out, a, b []int) bool {
	if len(out) != max(len(a), len(b)) {
		return false
	}
	for i := 1; i <= len(out); i++ {
		x, y := 1, 1
		if i <= len(a) {
			x = a[len(a)-i]
		}
		if i <= len(b) {
			y = b[len(b)-i]
		}
		if x != y && x != 1 && y != 1 {
			return false
		}
		if x == 1 {
			x = y
		}
		if out[len(out)-i] != x {
			return false
		}
	}
	return true
}

// spreadsTo reports whether the shape a broadcasts to out.
func spreadsTo(out, a []int) bool { return len(a) <= len(out) && broadcastsTo(out, out, a) }

// errBroadcast describes a call whose output has not the shape that its inputs broadcast to.
func errBroadcast(c *Call) error {
	var shapes []tensor.Shape
	for _, t := range c.In {
		if t != nil {
			shapes = append(shapes, t.Shape())
		}
	}
	return fmt.Errorf("ops: inputs of shapes %v do not broadcast to the planned output %v", shapes, c.Out[0].Shape())
}

// A binary2 applies a two-input kernel of package vec with broadcasting.
type binary2[D, A, B tensor.Element] struct{ f func(dst []D, a []A, b []B) }

// smallRun is the number of elements up to which a call without broadcasting needs no plan.
const smallRun = 1 << 15

func (r binary2[D, A, B]) run(c *Call) error {
	x, y, z := c.In[0], c.In[1], c.Out[0]
	if !broadcastsTo(z.Shape(), x.Shape(), y.Shape()) {
		return errBroadcast(c)
	}
	return r.apply(c, tensor.Raw[D](z), tensor.Raw[A](x), tensor.Raw[B](y))
}

// apply is run after the check of shapes.
func (r binary2[D, A, B]) apply(c *Call, dst []D, a []A, b []B) error {
	n := len(dst)
	if n == 0 {
		return nil
	}
	if n <= smallRun && (len(a) == n || len(a) == 1) && (len(b) == n || len(b) == 1) {
		r.f(dst, a, b)
		return nil
	}
	var p vec.Plan
	p.Plan2(c.Out[0].Shape(), c.In[0].Shape(), c.In[1].Shape())
	vec.Broadcast2(&p, dst, a, b, r.f, c.Threads)
	return nil
}

// binary binds a two-input kernel.
func binary[D, A, B tensor.Element](f func(dst []D, a []A, b []B)) (Kernel, error) {
	return Kernel{Run: binary2[D, A, B]{f}.run}, nil
}

// A unary1 applies a one-input kernel of package vec.
type unary1[D, A tensor.Element] struct{ f func(dst []D, x []A) }

func (r unary1[D, A]) run(c *Call) error {
	dst, x := tensor.Raw[D](c.Out[0]), tensor.Raw[A](c.In[0])
	if len(dst) != len(x) {
		return errBroadcast(c)
	}
	vec.Map(dst, x, r.f, c.Threads)
	return nil
}

// unary binds a one-input kernel.
func unary[D, A tensor.Element](f func(dst []D, x []A)) (Kernel, error) {
	return Kernel{Run: unary1[D, A]{f}.run}, nil
}
