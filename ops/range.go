package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

func rangeInfer(c *InferCtx) error {
	d := c.Type(0).DType
	for i := range 3 {
		if n := c.Type(i).Rank(); n > 1 {
			return fmt.Errorf("ops: input %d has shape %v, want a scalar", i, c.Type(i))
		}
	}
	var e [3]Dim
	for i := range e {
		x, ok := c.Exprs(i)
		if !ok || len(x) != 1 {
			return rangeConst(c, d)
		}
		e[i] = x[0]
	}
	step, ok := e[2].Const()
	if !ok || step == math.MinInt64 {
		c.Set(0, d, c.Fresh())
		return nil
	}
	if step == 0 {
		return fmt.Errorf("ops: input 2 (delta) is zero")
	}
	n := e[1].Sub(e[0])
	if step < 0 {
		n, step = n.Neg(), -step
	}
	if n = n.CeilDiv(sym.Const(step)); !n.NonNegative() {
		n = n.Max(sym.Const(0))
	}
	if err := mvSet(c, 0, d, n); err != nil {
		return err
	}
	if m, ok := n.Const(); ok && m <= maxElems {
		elems := make([]Dim, m)
		for i := range elems {
			elems[i] = e[0].Add(e[2].Mul(mvConst(i)))
		}
		mvSetElems(c, 0, elems)
	}
	return nil
}

// rangeConst infers a range of floats, whose length is known only if all inputs are constant.
func rangeConst(c *InferCtx, d tensor.DType) error {
	var v [3]float64
	for i := range v {
		t := c.In[i].Const
		if t == nil || t.Len() != 1 {
			c.Set(0, d, c.Fresh())
			return nil
		}
		v[i] = tensor.Float64s(t, 1)[0]
	}
	if d == tensor.Float32 {
		v[1], v[0] = float64(float32(v[1])-float32(v[0])), 0
	}
	n, err := rangeLen(v[1]-v[0], v[2])
	if err != nil {
		return err
	}
	c.Set(0, d, mvConst(n))
	return nil
}

// rangeLen is the number of steps of size delta in a span.
func rangeLen(span, delta float64) (int, error) {
	n := math.Ceil(span / delta)
	if delta == 0 || math.IsNaN(n) || n > 1<<40 {
		return 0, fmt.Errorf("ops: a range over %v in steps of %v", span, delta)
	}
	return int(max(n, 0)), nil
}

func rangeKernel(k *KernelCtx) (Kernel, error) {
	switch d := k.DType(0); d {
	case tensor.Float32:
		return rangeOf[float32]()
	case tensor.Float64:
		return rangeOf[float64]()
	case tensor.Int64:
		return rangeOf[int64]()
	case tensor.Int32:
		return rangeOf[int32]()
	case tensor.Int16:
		return rangeOf[int16]()
	case tensor.Float16, tensor.BFloat16:
		return Kernel{Run: rangeHalf}, nil
	default:
		return Kernel{}, Unsupported("Range of %v", d)
	}
}

func rangeOf[T mvNumber]() (Kernel, error) {
	return Kernel{Run: func(c *Call) error {
		var v [3]T
		for i := range v {
			t := c.In[i]
			if t.Len() != 1 {
				return fmt.Errorf("ops: input %d has shape %v, want a scalar", i, t.Shape())
			}
			v[i] = tensor.Raw[T](t)[0]
		}
		n, err := rangeCount(v[0], v[1], v[2])
		if err != nil {
			return err
		}
		y, err := mvOut(c, 0, c.In[0].DType(), []int{n})
		if err != nil {
			return err
		}
		out := tensor.Raw[T](y)
		for i := range out {
			out[i] = v[0] + T(i)*v[2]
		}
		return nil
	}}, nil
}

// rangeCount is the length of a range. Integers are counted exactly.
func rangeCount[T mvNumber](start, limit, delta T) (int, error) {
	if half := T(1); half/2 != 0 { // floating point
		return rangeLen(float64(limit-start), float64(delta))
	}
	if delta == 0 {
		return 0, fmt.Errorf("ops: input 2 (delta) is zero")
	}
	from, to, step := int64(start), int64(limit), int64(delta)
	if step < 0 {
		from, to = to, from
	}
	if from >= to {
		return 0, nil
	}
	span, by := uint64(to)-uint64(from), uint64(step)
	if step < 0 {
		by = -by
	}
	n := (span-1)/by + 1
	if n > 1<<40 {
		return 0, fmt.Errorf("ops: a range of %d elements", n)
	}
	return int(n), nil
}

// rangeHalf is Range of half-precision floats, computed in float32.
func rangeHalf(c *Call) error {
	d := c.In[0].DType()
	var v [3]float64
	for i := range v {
		if c.In[i].Len() != 1 {
			return fmt.Errorf("ops: input %d has shape %v, want a scalar", i, c.In[i].Shape())
		}
		v[i] = tensor.Float64s(c.In[i], 1)[0]
	}
	n, err := rangeLen(v[1]-v[0], v[2])
	if err != nil {
		return err
	}
	y, err := mvOut(c, 0, d, []int{n})
	if err != nil {
		return err
	}
	wide := make([]float32, n)
	for i := range wide {
		wide[i] = float32(v[0]) + float32(i)*float32(v[2])
	}
	narrowTo(y, tensor.FromSlice(wide))
	return nil
}

// rangeGrad sums dy, for the step times the number of steps. The limit has no influence.
func rangeGrad(c GradCtx) error {
	g := grads{c}
	dy := g.Dy(0)
	if dy == 0 {
		return nil
	}
	sum := func(v Ref) Ref { return g.with("ReduceSum", map[string]any{"keepdims": 0}, v) }
	g.set(0, func() Ref { return g.like(sum(dy), g.In(0)) })
	g.set(2, func() Ref { return g.like(sum(g.mul(dy, g.op("CastLike", g.upTo(g.extent(dy, 0)), dy))), g.In(2)) })
	return nil
}
