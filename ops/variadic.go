package ops

import (
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// Max, Min, Sum and Mean take one or more inputs, which broadcast since version 8. They are folded from the
// left. Sums of half precision are kept in float32 and rounded once.

var (
	maxInfer = foldInfer(Dim.Max)
	minInfer = foldInfer(Dim.Min)
)

// fold binds a kernel that combines all inputs two by two, and after that finishes the result.
func fold[T tensor.Element](f func(dst, a, b []T), finish func(dst []T, threads int)) (Kernel, error) {
	return Kernel{Run: foldRun[T]{f, finish, vec.CopyOf[T]}.run}, nil
}

type foldRun[T tensor.Element] struct {
	f      func(dst, a, b []T)
	finish func(dst []T, threads int)
	copy   func(dst, x []T)
}

func (r foldRun[T]) run(c *Call) error {
	if err := r.combine(c); err != nil {
		return err
	}
	if r.finish != nil {
		r.finish(tensor.Raw[T](c.Out[0]), c.Threads)
	}
	return nil
}

func (r foldRun[T]) combine(c *Call) error {
	if len(c.In) == 2 {
		return binary2[T, T, T]{r.f}.run(c)
	}
	z := c.Out[0].Shape()
	if !foldsTo(z, c.In) {
		return errBroadcast(c)
	}
	dst := tensor.Raw[T](c.Out[0])
	if len(dst) == 0 {
		return nil
	}
	var p vec.Plan
	if len(c.In) == 1 {
		vec.Map(dst, tensor.Raw[T](c.In[0]), r.copy, c.Threads)
		return nil
	}
	acc, shape := tensor.Raw[T](c.In[0]), c.In[0].Shape()
	for _, t := range c.In[1:] {
		p.Plan2(z, shape, t.Shape())
		vec.Broadcast2(&p, dst, acc, tensor.Raw[T](t), r.f, c.Threads)
		acc, shape = dst, z
	}
	return nil
}

// foldsTo reports whether the inputs broadcast to exactly out.
func foldsTo(out tensor.Shape, in []*tensor.Tensor) bool {
	rank := 0
	for _, t := range in {
		if !spreadsTo(out, t.Shape()) {
			return false
		}
		rank = max(rank, t.Rank())
	}
	if rank != len(out) {
		return false
	}
	for i, d := range out {
		reached := d == 1
		for _, t := range in {
			j := i - (len(out) - t.Rank())
			reached = reached || j >= 0 && t.Shape()[j] == d
		}
		if !reached {
			return false
		}
	}
	return true
}

var (
	maxFns = arithFns{vec.Max, vec.MaxOf[float64], vec.MaxOf[int8], vec.MaxOf[int16], vec.MaxOf[int32], vec.MaxOf[int64],
		vec.MaxOf[uint8], vec.MaxOf[uint16], vec.MaxOf[uint32], vec.MaxOf[uint64]}
	minFns = arithFns{vec.Min, vec.MinOf[float64], vec.MinOf[int8], vec.MinOf[int16], vec.MinOf[int32], vec.MinOf[int64],
		vec.MinOf[uint8], vec.MinOf[uint16], vec.MinOf[uint32], vec.MinOf[uint64]}
)

func (f *arithFns) foldKernel(k *KernelCtx) (Kernel, error) {
	switch d := k.DType(0); d {
	case tensor.Float32:
		return fold(f.f32, nil)
	case tensor.Float64:
		return fold(f.f64, nil)
	case tensor.Float16:
		return fold(vec.Half2[tensor.Float16Bits](f.f32), nil)
	case tensor.BFloat16:
		return fold(vec.Half2[tensor.BFloat16Bits](f.f32), nil)
	case tensor.Int8:
		return fold(f.i8, nil)
	case tensor.Int16:
		return fold(f.i16, nil)
	case tensor.Int32:
		return fold(f.i32, nil)
	case tensor.Int64:
		return fold(f.i64, nil)
	case tensor.Uint8:
		return fold(f.u8, nil)
	case tensor.Uint16:
		return fold(f.u16, nil)
	case tensor.Uint32:
		return fold(f.u32, nil)
	case tensor.Uint64:
		return fold(f.u64, nil)
	default:
		return Kernel{}, Unsupported("element type %v", d)
	}
}

func maxKernel(k *KernelCtx) (Kernel, error) { return maxFns.foldKernel(k) }
func minKernel(k *KernelCtx) (Kernel, error) { return minFns.foldKernel(k) }

// extremeGrad is the rule of Max and Min: inputs that share the extreme share the gradient evenly.
func extremeGrad(c GradCtx) error {
	g := grads{c}
	dy, y := g.Dy(0), g.Out(0)
	if dy == 0 {
		return nil
	}
	one := g.num(dy, 1)
	hits := make([]Ref, g.Inputs())
	counts := make([]Ref, g.Inputs())
	for i := range hits {
		hits[i] = g.op("Equal", g.In(i), y)
		counts[i] = g.where(hits[i], one, g.num(dy, 0))
	}
	share := g.div(dy, g.op("Sum", counts...))
	for i, hit := range hits {
		g.setSum(i, func() Ref { return g.keep(hit, share) })
	}
	return nil
}

var sumKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(0) == tensor.Float64 {
		return fold(vec.AddOf[float64], nil)
	}
	return fold(vec.Add, nil)
})

var meanKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(0) == tensor.Float64 {
		return fold(vec.AddOf[float64], divideBy(vec.DivOf[float64], len(k.In)))
	}
	return fold(vec.Add, divideBy(vec.Div, len(k.In)))
})

// divideBy returns a function that divides all of dst by n.
func divideBy[T vec.Float](div func(dst, a, b []T), n int) func(dst []T, threads int) {
	by := []T{T(n)}
	each := func(dst, x []T) { div(dst, x, by) }
	return func(dst []T, threads int) { vec.Map(dst, dst, each, threads) }
}

// sumGrad and meanGrad hand the gradient, or its equal share, to each input.
func sumGrad(c GradCtx) error { return shareGrad(c, 1) }

func meanGrad(c GradCtx) error { return shareGrad(c, 1/float64(c.Inputs())) }

func shareGrad(c GradCtx, by float64) error {
	g := grads{c}
	dy := g.Dy(0)
	if dy == 0 {
		return nil
	}
	dy = g.scale(dy, by)
	for i := range g.Inputs() {
		g.setSum(i, func() Ref { return dy })
	}
	return nil
}
