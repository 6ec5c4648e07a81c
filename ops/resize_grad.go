package ops

import (
	"fmt"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/resize"
	"github.com/onnxrun/onnxrun/tensor"
)

// ResizeGrad of the onnxrun domain is the transpose of a resampling. Its inputs are dy, the shape of the input, and
// roi, scales and sizes as far as the forward node has them; with upsample=1 the attributes are those of Upsample.

func resizeGrad(c GradCtx) error { return resizeRule(c, false) }

func upsampleGrad(c GradCtx) error { return resizeRule(c, true) }

func resizeRule(c GradCtx, upsample bool) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		attrs := g.Attrs().values()
		attrs["upsample"] = upsample
		if upsample {
			return g.own("ResizeGrad", attrs, dy, g.shape(x), 0, g.In(1))
		}
		return g.own("ResizeGrad", attrs, dy, g.shape(x), g.In(1), g.In(2), g.In(3))
	})(c)
}

func resizeGradInfer(c *InferCtx) error { return shapedInfer(c, 1) }

var resizeGradKernel = widened(func(k *KernelCtx) (Kernel, error) {
	read := readResize
	if k.Bool("upsample") {
		read = readUpsample
	}
	n, err := read(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	if n.roi, n.scale, n.size = 2, 3, 4; k.Bool("upsample") {
		n.roi, n.size = -1, -1
	}
	r := &resizeRun{resizeNode: n, dtype: k.DType(0)}
	switch k.DType(0) {
	case tensor.Float32:
		last := new(atomic.Pointer[transposedBox[float32]])
		return Kernel{Run: func(c *Call) error { return resizeGradRun(c, r, last) }}, nil
	case tensor.Float64:
		last := new(atomic.Pointer[transposedBox[float64]])
		return Kernel{Run: func(c *Call) error { return resizeGradRun(c, r, last) }}, nil
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
})

// transposedBox is the resampling that belongs to a plan.
type transposedBox[T float32 | float64] struct {
	plan *resizePlan
	box  *resize.Box[T]
}

func resizeGradRun[T float32 | float64](c *Call, r *resizeRun, last *atomic.Pointer[transposedBox[T]]) error {
	dx, err := shapedOut(c, 1)
	if err != nil {
		return err
	}
	forward := Call{In: append([]*tensor.Tensor{dx, nil}, c.In[2:]...), Out: []*tensor.Tensor{new(tensor.Tensor)}, Memory: c.Memory}
	p, err := r.planFor(&forward)
	if err != nil {
		return err
	}
	dy := c.In[0]
	if !dy.Shape().Equal(p.out) {
		return fmt.Errorf("ops: gradient has shape %v, want %v", dy.Shape(), p.out)
	}
	if dy.Len() == 0 {
		clear(dx.Bytes())
		return nil
	}
	t := last.Load()
	if t == nil || t.plan != p {
		t = &transposedBox[T]{p, boxOf[T](p)}
		last.Store(t)
	}
	t.box.RunGrad(c.Threads, tensor.Of[T](dy), tensor.Of[T](dx))
	return nil
}

// boxOf returns the resampling of a plan, which keeps positions alone for the nearest neighbour.
func boxOf[T float32 | float64](p *resizePlan) *resize.Box[T] {
	if p.nearest == nil {
		var b any = p.box32
		if p.box64 != nil {
			b = p.box64
		}
		return b.(*resize.Box[T])
	}
	tables := make([]resize.Table[T], len(p.nearest))
	for i, index := range p.nearest {
		tables[i] = resize.Table[T]{In: p.x[i], Out: p.out[i], Taps: 1, Index: index}
	}
	return resize.NewBox(tables, 0)
}
