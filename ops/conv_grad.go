package ops

import (
	"fmt"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/tensor"
)

// The gradient of a convolution with respect to its input is a transposed convolution of dy, that of a transposed
// one a convolution; the gradient with respect to the filter correlates input and dy. ConvGradX and ConvGradW of the
// onnxrun domain compute them, with the attributes of the forward node and transposed=1 for ConvTranspose. They
// take the shape that they make as their last input, since attributes alone do not tell it.

func convGrad(c GradCtx) error { return convRule(c, false, c.Dy(0)) }

func convTransposeGrad(c GradCtx) error { return convRule(c, true, c.Dy(0)) }

// fusedConvGrad is the rule of Conv with a summand and an activation.
var fusedConvGrad = fusedGrad(func(c GradCtx, dy Ref) error {
	g := grads{c}
	g.set(3, func() Ref { return dy })
	return convRule(c, false, dy)
}, func(g grads) Ref {
	y := g.with("Conv", convGradAttrs(g.Attrs(), false), g.In(0), g.In(1), g.In(2))
	if sum := g.In(3); sum != 0 {
		y = g.add(y, sum)
	}
	return y
})

func convRule(c GradCtx, transposed bool, dy Ref) error {
	g := grads{c}
	if dy == 0 {
		return nil
	}
	attrs := convGradAttrs(g.Attrs(), transposed)
	g.set(0, func() Ref { return g.own("ConvGradX", attrs, dy, g.In(1), g.shape(g.In(0)), g.shape(g.In(1))) })
	g.set(1, func() Ref { return g.own("ConvGradW", attrs, dy, g.In(0), g.shape(g.In(0)), g.shape(g.In(1))) })
	if !g.Wants(2) {
		return nil
	}
	rank, err := g.rank(dy)
	if err != nil {
		return err
	}
	axes := []int64{0}
	for i := 2; i < rank; i++ {
		axes = append(axes, int64(i))
	}
	g.SetGrad(2, g.with("ReduceSum", map[string]any{"keepdims": 0}, dy, g.ints(axes...)))
	return nil
}

// convGradAttrs are the attributes that settle the geometry of a node.
func convGradAttrs(a Attrs, transposed bool) map[string]any {
	attrs := map[string]any{"group": a.IntOr("group", 1)}
	if transposed {
		attrs["transposed"] = true
	}
	if auto := a.Str("auto_pad"); auto != "" {
		attrs["auto_pad"] = auto
	}
	for _, name := range []string{"kernel_shape", "strides", "dilations", "pads", "output_padding", "output_shape"} {
		if a.HasAttr(name) {
			attrs[name] = a.IntList(name)
		}
	}
	return attrs
}

// convGradXInfer infers the shape of the input, convGradWInfer that of the filter.
func convGradXInfer(c *InferCtx) error { return shapedInfer(c, 2) }
func convGradWInfer(c *InferCtx) error { return shapedInfer(c, 3) }

// convGradRun is a bound ConvGradX or ConvGradW.
type convGradRun struct {
	transposedAttrs
	transposed bool
	last       atomic.Pointer[convGradPlan]
}

// convGradPlan is what a run needs to know about one pair of shapes.
type convGradPlan struct {
	x, w  tensor.Shape
	g     conv.Geom        // of the convolution from the larger to the smaller image
	plain *conv.Plan       // computes it
	back  *conv.Transposed // computes its transpose, nil where plain loops must
}

func bindConvGrad(k *KernelCtx) (*convGradRun, error) {
	a, err := readTransposed(k.Attrs)
	return &convGradRun{transposedAttrs: a, transposed: k.Bool("transposed")}, err
}

func (r *convGradRun) planFor(c *Call) (*convGradPlan, error) {
	x, w := listOf(c.In[2]), listOf(c.In[3])
	if p := r.last.Load(); p != nil && p.x.Equal(x) && p.w.Equal(w) {
		return p, nil
	}
	p := &convGradPlan{x: x, w: w}
	var err error
	if r.transposed {
		if p.g, err = conv.NewTransposedGeom(r.Attrs, r.groups, r.outPad, r.outShape, x, w); err != nil {
			return nil, err
		}
		p.g = p.g.Flipped().Convolution()
		p.plain = conv.NewPlan(p.g)
	} else {
		if p.g, err = conv.NewGeom(r.Attrs, r.groups, x, w); err != nil {
			return nil, err
		}
		p.back = conv.NewTransposed(p.g.Flipped())
	}
	small, large := p.g.Batch*p.g.OutC*p.g.OutSize(), p.g.Batch*p.g.InC*p.g.InSize()
	if r.transposed {
		small, large = large, small
	}
	if n := c.In[0].Len(); n != small || x.Len() != large {
		return nil, fmt.Errorf("ops: gradient has shape %v for an input of shape %v and a filter of shape %v", c.In[0].Shape(), x, w)
	}
	r.last.Store(p)
	return p, nil
}

// listOf reads a shape.
func listOf(t *tensor.Tensor) tensor.Shape { return ints(integers(t)) }

var convGradXKernel = widened(func(k *KernelCtx) (Kernel, error) {
	r, err := bindConvGrad(k)
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: r.x64}, err
	}
	return Kernel{Run: r.x32, Scratch: func(c *Call) int { return 4 * c.In[1].Len() }}, err
})

func (r *convGradRun) x32(c *Call) error {
	p, err := r.planFor(c)
	if err != nil {
		return err
	}
	dx, err := shapedOut(c, 2)
	if err != nil {
		return err
	}
	w := tensor.Of[float32](c.In[1])
	if len(w) != p.w.Len() {
		return fmt.Errorf("ops: filter has shape %v, want %v", c.In[1].Shape(), p.w)
	}
	a := conv.Args{X: tensor.Of[float32](c.In[0]), W: w, Y: tensor.Of[float32](dx), Threads: c.Threads}
	switch {
	case r.transposed:
		p.plain.Run(&a)
	case p.back == nil:
		g := p.g.Flipped()
		conv.ReferenceTransposed(&g, a.X, a.W, nil, a.Y)
	default:
		a.W = scratchOf[float32](c.Scratch, len(w))
		p.back.Pack(a.W, w)
		p.back.Run(&a)
	}
	return nil
}

func (r *convGradRun) x64(c *Call) error {
	p, err := r.planFor(c)
	if err != nil {
		return err
	}
	dx, err := shapedOut(c, 2)
	if err != nil {
		return err
	}
	dy, w, y := tensor.Of[float64](c.In[0]), tensor.Of[float64](c.In[1]), tensor.Of[float64](dx)
	if r.transposed {
		conv.Reference(&p.g, dy, w, nil, y)
		return nil
	}
	g := p.g.Flipped()
	conv.ReferenceTransposed(&g, dy, w, nil, y)
	return nil
}

var convGradWKernel = widened(func(k *KernelCtx) (Kernel, error) {
	r, err := bindConvGrad(k)
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return convGradW[float64](r, c) }}, err
	}
	return Kernel{Run: func(c *Call) error { return convGradW[float32](r, c) }}, err
})

func convGradW[T float32 | float64](r *convGradRun, c *Call) error {
	p, err := r.planFor(c)
	if err != nil {
		return err
	}
	dw, err := shapedOut(c, 3)
	if err != nil {
		return err
	}
	large, small := tensor.Of[T](c.In[1]), tensor.Of[T](c.In[0])
	if r.transposed {
		large, small = small, large
	}
	if c.In[1].Len() != p.x.Len() {
		return fmt.Errorf("ops: input has shape %v, want %v", c.In[1].Shape(), p.x)
	}
	conv.GradW(&p.g, large, small, tensor.Of[T](dw), c.Threads)
	return nil
}
