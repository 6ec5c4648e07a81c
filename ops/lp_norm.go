package ops

import (
	"fmt"
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// lpNormKernel binds LpNormalization: every element is divided by the norm along one axis, and vectors of norm 0 give 0.
var lpNormKernel = widened(func(k *KernelCtx) (Kernel, error) {
	axis, p := k.IntOr("axis", -1), k.IntOr("p", 2)
	if p != 1 && p != 2 {
		return Kernel{}, fmt.Errorf("ops: p is %d, want 1 or 2", p)
	}
	switch k.DType(0) {
	case tensor.Float32:
		return Kernel{Run: func(c *Call) error { return lpNorm[float32](c, axis, p) }}, nil
	case tensor.Float64:
		return Kernel{Run: func(c *Call) error { return lpNorm[float64](c, axis, p) }}, nil
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
})

func lpNorm[T float32 | float64](c *Call, axis, p int) error {
	shape := c.In[0].Shape()
	outer, n, inner := 1, 1, 1
	if len(shape) > 0 {
		axis, err := wrapAxis(axis, len(shape))
		if err != nil {
			return err
		}
		outer, n, inner = shape[:axis].Len(), shape[axis], shape[axis+1:].Len()
	}
	x, y := tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0])
	if x32, ok := any(x).([]float32); ok && inner == 1 {
		reduce.LpNormalize(any(y).([]float32), x32, n, p, c.Threads)
		return nil
	}
	for o := range outer {
		for j := range inner {
			lo, hi := o*n*inner+j, (o+1)*n*inner
			norm := reduce.LpNorm(x[min(lo, hi):hi], inner, p)
			for i := lo; i < hi; i += inner {
				y[i] = T(float64(x[i]) / norm)
			}
		}
	}
	return nil
}

// mvnInfer infers MeanVarianceNormalization.
func mvnInfer(c *InferCtx) error {
	x := c.Type(0)
	c.SetType(0, x)
	if !x.Ranked {
		return nil
	}
	var m reduceMarks
	return m.set(mvnAxes(c.Attrs), len(x.Dims), true)
}

// mvnAxes returns the attribute axes.
func mvnAxes(a Attrs) []int64 {
	if v := a.IntList("axes"); v != nil {
		return v
	}
	return []int64{0, 2, 3}
}

// mvn is a bound MeanVarianceNormalization.
type mvn[T float32 | float64] struct {
	axes     []int64
	sub, mul func(dst, a, b []T)
	plans    sync.Pool // of *mvnPlan
}

// mvnPlan is the state of one call.
type mvnPlan struct {
	vec.Plan
	kept []int
}

var mvnKernel = widened(func(k *KernelCtx) (Kernel, error) {
	axes := mvnAxes(k.Attrs)
	switch k.DType(0) {
	case tensor.Float32:
		m := &mvn[float32]{axes: axes, sub: vec.Sub, mul: vec.Mul}
		return Kernel{Run: m.run, Scratch: m.scratch}, nil
	case tensor.Float64:
		m := &mvn[float64]{axes: axes, sub: vec.SubOf[float64], mul: vec.MulOf[float64]}
		return Kernel{Run: m.run, Scratch: m.scratch}, nil
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
})

// scratch returns the room for the statistics and the passes of two reductions.
func (m *mvn[T]) scratch(c *Call) int { return 16 * c.In[0].Len() }

func (m *mvn[T]) run(c *Call) error {
	shape := c.In[0].Shape()
	var marks reduceMarks
	if err := marks.set(m.axes, len(shape), true); err != nil || c.In[0].Len() == 0 {
		return err
	}
	p, _ := m.plans.Get().(*mvnPlan)
	if p == nil {
		p = new(mvnPlan)
	}
	defer m.plans.Put(p)
	p.kept = append(p.kept[:0], shape...)
	stats := 1
	for i, d := range shape {
		if marks[i] {
			p.kept[i] = 1
		} else {
			stats *= d
		}
	}
	x, y := tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0])
	room := scratchOf[T](c.Scratch, stats+reduce.ScratchLen(shape, marks[:]))
	stat, room := room[:stats], room[stats:]
	p.Plan2(shape, shape, p.kept)
	reduce.Axes(reduce.Mean, stat, x, shape, marks[:], room, c.Threads)
	vec.Broadcast2(&p.Plan, y, x, stat, m.sub, c.Threads)
	reduce.Axes(reduce.SumSquare, stat, y, shape, marks[:], room, c.Threads)
	n := float64(len(x) / stats)
	for i, v := range stat {
		stat[i] = T(1 / (math.Sqrt(float64(v)/n) + 1e-9))
	}
	vec.Broadcast2(&p.Plan, y, y, stat, m.mul, c.Threads)
	return nil
}
