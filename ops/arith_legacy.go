package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// Before version 7 two-input operators took shapes of inputs to be equal unless the attribute broadcast was set.
// Then the shape of the second input had to be part of the shape of the first, starting at axis (without one:
// a suffix), and the output had the shape of the first. PRelu had the same rule for its slope, with axis 1.

// legacyAxis returns the number of dimensions of 1 to append to the second shape, and whether the shapes fit.
func legacyAxis(a Attrs, rank, rank2 int) (ones int, err error) {
	if rank2 > rank {
		return 0, fmt.Errorf("ops: input 1 has rank %d, want at most %d as input 0", rank2, rank)
	}
	if !a.HasAttr("axis") || rank2 == 0 {
		return 0, nil
	}
	axis := a.Int("axis")
	if axis < 0 {
		axis += rank
	}
	if axis < 0 || axis > rank-rank2 {
		return 0, fmt.Errorf("ops: axis %d is out of range for inputs of rank %d and %d", a.Int("axis"), rank, rank2)
	}
	return rank - rank2 - axis, nil
}

// legacyInfer is the shape function of the old versions, with the element type of the first input.
func legacyInfer(c *InferCtx) error { return legacyInto(c, c.Type(0).DType) }

// legacyPredicateInfer is legacyInfer for outputs of truth values.
func legacyPredicateInfer(c *InferCtx) error { return legacyInto(c, tensor.Bool) }

func legacyInto(c *InferCtx, d tensor.DType) error {
	if err := sameTypes(c, 0, 1); err != nil {
		return err
	}
	a, err := denseInput(c, 0)
	if err != nil {
		return err
	}
	b, err := denseInput(c, 1)
	if err != nil {
		return err
	}
	if a.Ranked && b.Ranked {
		if err := legacyFits(c.Attrs, a.Dims, b.Dims); err != nil {
			return err
		}
	}
	a.DType = d
	c.SetType(0, a)
	return nil
}

func legacyFits(attrs Attrs, a, b []Dim) error {
	if !attrs.Bool("broadcast") && len(a) != len(b) {
		return fmt.Errorf("ops: inputs have shapes %v and %v, want equal ones without broadcast", a, b)
	}
	ones, err := legacyAxis(attrs, len(a), len(b))
	if err != nil {
		return err
	}
	off := len(a) - ones - len(b)
	for i, d := range b {
		x, xConst := a[off+i].Const()
		y, yConst := d.Const()
		if xConst && yConst && x != y && (y != 1 || !attrs.Bool("broadcast")) {
			return fmt.Errorf("ops: inputs have shapes %v and %v: dimension %d is %d and %d", a, b, off+i, x, y)
		}
	}
	return nil
}

// legacy makes the kernel of an old version from that of the version with today's broadcasting.
func legacy(build func(*KernelCtx) (Kernel, error)) func(*KernelCtx) (Kernel, error) {
	return func(k *KernelCtx) (Kernel, error) {
		inner, err := build(k)
		if err != nil || !k.HasAttr("axis") {
			return inner, err
		}
		return alignedKernel(inner, k.Attrs), nil
	}
}

// legacyGrad makes the rule of an old version from that of the version with today's broadcasting.
func legacyGrad(rule func(GradCtx) error) func(GradCtx) error {
	return func(c GradCtx) error { return alignedGrad(c, rule, c.Attrs()) }
}

// alignedGrad applies a rule with dimensions of 1 appended to the shape of the second input.
func alignedGrad(c GradCtx, rule func(GradCtx) error, attrs Attrs) error {
	g := grads{c}
	rank, err := g.rank(g.In(0))
	if err != nil {
		return err
	}
	rank2, err := g.rank(g.In(1))
	if err != nil {
		return err
	}
	ones, err := legacyAxis(attrs, rank, rank2)
	if err != nil {
		return err
	}
	if ones == 0 {
		return rule(c)
	}
	axes := make([]int64, ones)
	for i := range axes {
		axes[i] = int64(rank2 + i)
	}
	return rule(&alignedCtx{c, g.op("Unsqueeze", g.In(1), g.ints(axes...))})
}

// alignedCtx shows a rule another form of the second input.
type alignedCtx struct {
	GradCtx
	second Ref
}

// In names input i.
func (c *alignedCtx) In(i int) Ref {
	if i == 1 {
		return c.second
	}
	return c.GradCtx.In(i)
}

// SetGrad gives the gradient of the second input its own shape.
func (c *alignedCtx) SetGrad(i int, dx Ref) {
	if i == 1 {
		dx = grads{c.GradCtx}.like(dx, c.GradCtx.In(1))
	}
	c.GradCtx.SetGrad(i, dx)
}

// alignedKernel runs inner with dimensions of 1 appended to the shape of the second input.
func alignedKernel(inner Kernel, attrs Attrs) Kernel {
	r := &alignedRun{inner: inner.Run, attrs: attrs}
	return Kernel{Run: r.run, Scratch: inner.Scratch}
}

type alignedRun struct {
	inner   func(*Call) error
	attrs   Attrs
	headers sync.Pool // of *alignedHeader
}

type alignedHeader struct {
	t     tensor.Tensor
	shape []int
}

func (r *alignedRun) run(c *Call) error {
	b := c.In[1]
	ones, err := legacyAxis(r.attrs, c.In[0].Rank(), b.Rank())
	if err != nil {
		return err
	}
	if ones == 0 {
		return r.inner(c)
	}
	h, _ := r.headers.Get().(*alignedHeader)
	if h == nil {
		h = new(alignedHeader)
	}
	h.shape = append(h.shape[:0], b.Shape()...)
	for range ones {
		h.shape = append(h.shape, 1)
	}
	h.t.Reset(b.DType(), h.shape, b.Bytes())
	c.In[1] = &h.t
	err = r.inner(c)
	c.In[1] = b
	r.headers.Put(h)
	return err
}

// channelAxis is the alignment of a slope of one number per channel.
var channelAxis = Attrs{DefaultAttr("axis", int64(1)), DefaultAttr("broadcast", int64(1))}

// legacySlopeInfer is the shape function of PRelu before version 7.
func legacySlopeInfer(c *InferCtx) error {
	if err := unaryInfer(c); err != nil {
		return err
	}
	x, s := c.Type(0), c.Type(1)
	if err := sameTypes(c, 0, 1); err != nil || !x.Ranked || !s.Ranked {
		return err
	}
	if len(s.Dims) > 1 {
		return fmt.Errorf("ops: input 1 (slope) has shape %v, want one axis", s)
	}
	if len(s.Dims) == 1 && !s.Dims[0].Equal(sym.Const(1)) {
		return legacyFits(channelAxis, x.Dims, s.Dims)
	}
	return nil
}

// legacyPReluGrad aligns a slope of one number per channel.
func legacyPReluGrad(c GradCtx) error {
	slope := c.Of(c.In(1))
	if n, ok := slope.Static(); ok && n.Len() == 1 {
		return preluGrad(c)
	}
	return alignedGrad(c, preluGrad, channelAxis)
}
