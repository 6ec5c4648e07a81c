package ops

import (
	"fmt"
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// Clip takes its bounds from attributes up to version 6, from optional scalar inputs since version 11. If the
// lower bound is above the upper one, the result is the upper one. Without a bound the extreme finite value of the
// element type is it, so that infinities become finite.

func clipInfer(c *InferCtx) error {
	for i := 1; i < 3; i++ {
		if !c.Has(i) {
			continue
		}
		t, err := denseInput(c, i)
		if err != nil {
			return err
		}
		if t.DType != c.Type(0).DType {
			return fmt.Errorf("ops: input %d has element type %v, want %v as input 0", i, t.DType, c.Type(0).DType)
		}
	}
	return unaryInfer(c)
}

// clipAttrKernel is the kernel of versions 1 and 6.
func clipAttrKernel(k *KernelCtx) (Kernel, error) {
	lo, hi := math.Inf(-1), math.Inf(1)
	if k.HasAttr("min") {
		lo = float64(k.Float("min"))
	}
	if k.HasAttr("max") {
		hi = float64(k.Float("max"))
	}
	if k.DType(0) == tensor.Float64 {
		// The attributes are float32: their extremes mean that there is no bound.
		if lo == -math.MaxFloat32 {
			lo = -math.MaxFloat64
		}
		if hi == math.MaxFloat32 {
			hi = math.MaxFloat64
		}
	}
	return floatKernel(k, func(dst, x []float32) { vec.Clip(dst, x, float32(lo), float32(hi)) },
		func(dst, x []float64) { vec.ClipOf(dst, x, lo, hi) })
}

// clipKernel is the kernel since version 11.
func clipKernel(k *KernelCtx) (Kernel, error) {
	switch d := k.DType(0); d {
	case tensor.Float32:
		return clipOf(vec.Clip, -math.MaxFloat32, math.MaxFloat32)
	case tensor.Float64:
		return clipOf(vec.ClipOf[float64], -math.MaxFloat64, math.MaxFloat64)
	case tensor.Float16:
		return clipHalf(k, tensor.Float16Bits(0x7bff).Float32())
	case tensor.BFloat16:
		return clipHalf(k, tensor.BFloat16Bits(0x7f7f).Float32())
	case tensor.Int8:
		return clipInt[int8]()
	case tensor.Int16:
		return clipInt[int16]()
	case tensor.Int32:
		return clipInt[int32]()
	case tensor.Int64:
		return clipInt[int64]()
	case tensor.Uint8:
		return clipInt[uint8]()
	case tensor.Uint16:
		return clipInt[uint16]()
	case tensor.Uint32:
		return clipInt[uint32]()
	case tensor.Uint64:
		return clipInt[uint64]()
	default:
		return Kernel{}, Unsupported("element type %v", d)
	}
}

type clipNumber interface {
	vec.Number
	tensor.Element
}

func clipHalf(k *KernelCtx, most float32) (Kernel, error) {
	return widened(func(*KernelCtx) (Kernel, error) { return clipOf(vec.Clip, -most, most) })(k)
}

func clipInt[T clipNumber]() (Kernel, error) {
	return clipOf(vec.ClipOf[T], vec.Lowest[T](), vec.Highest[T]())
}

// clipOf binds a kernel; lo and hi stand for absent bounds.
func clipOf[T clipNumber](f func(dst, x []T, lo, hi T), lo, hi T) (Kernel, error) {
	r := &clipRun[T]{lo: lo, hi: hi}
	r.pool.New = func() any {
		b := &clipBounds[T]{}
		b.apply = func(dst, x []T) { f(dst, x, b.lo, b.hi) }
		return b
	}
	return Kernel{Run: r.run}, nil
}

// clipRun is a bound Clip. Its pool holds *clipBounds[T].
type clipRun[T clipNumber] struct {
	lo, hi T
	pool   sync.Pool
}

// clipBounds are the bounds of one call and the kernel that uses them.
type clipBounds[T clipNumber] struct {
	lo, hi T
	apply  func(dst, x []T)
}

func (r *clipRun[T]) run(c *Call) error {
	dst, x := tensor.Raw[T](c.Out[0]), tensor.Raw[T](c.In[0])
	if len(dst) != len(x) {
		return errBroadcast(c)
	}
	lo, err := clipBound(c, 1, r.lo)
	if err != nil {
		return err
	}
	hi, err := clipBound(c, 2, r.hi)
	if err != nil {
		return err
	}
	b := r.pool.Get().(*clipBounds[T])
	b.lo, b.hi = lo, hi
	vec.Map(dst, x, b.apply, c.Threads)
	r.pool.Put(b)
	return nil
}

// clipBound returns the one element of input i, or def if it is absent.
func clipBound[T clipNumber](c *Call, i int, def T) (T, error) {
	if i >= len(c.In) || c.In[i] == nil {
		return def, nil
	}
	v := tensor.Raw[T](c.In[i])
	if len(v) != 1 {
		return def, fmt.Errorf("ops: input %d (bound) has shape %v, want one element", i, c.In[i].Shape())
	}
	return v[0], nil
}

// clipAttrGrad and clipGrad let the gradient through between the bounds, and not at the bounds themselves.
func clipAttrGrad(c GradCtx) error {
	g := grads{c}
	bound := func(name string) Ref {
		if !g.Attrs().HasAttr(name) {
			return 0
		}
		return g.num(g.In(0), float64(g.Attrs().Float(name)))
	}
	return clipInside(g, bound("min"), bound("max"))
}

func clipGrad(c GradCtx) error {
	g := grads{c}
	dy, x, lo, hi := g.Dy(0), g.In(0), g.In(1), g.In(2)
	if dy == 0 {
		return nil
	}
	g.setSum(1, func() Ref {
		cut := g.op("Less", x, lo)
		if hi != 0 {
			cut = g.op("And", cut, g.op("Less", lo, hi))
		}
		return g.keep(cut, dy)
	})
	g.setSum(2, func() Ref {
		cut := g.op("Greater", x, hi)
		if lo != 0 {
			cut = g.op("Or", cut, g.op("Greater", lo, hi))
		}
		return g.keep(cut, dy)
	})
	return clipInside(g, lo, hi)
}

// clipInside is the gradient of the first input; a bound may be absent.
func clipInside(g grads, lo, hi Ref) error {
	dy, x := g.Dy(0), g.In(0)
	if dy == 0 || !g.Wants(0) {
		return nil
	}
	if lo != 0 {
		dy = g.keep(g.op("Greater", x, lo), dy)
	}
	if hi != 0 {
		dy = g.keep(g.op("Less", x, hi), dy)
	}
	g.SetGrad(0, dy)
	return nil
}
