package ops

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/nhwc"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/tensor"
)

// onnxrun NhwcConvGradX and NhwcConvGradW are what the layout pass puts in the place of ConvGradX and ConvGradW: the
// gradient, the input and its gradient are [batch, spatial..., channels]; the filter and its gradient keep the model's order,
// and the two shapes are those of the model.

// nhwcConvGradXInfer infers the shape of the input.
func nhwcConvGradXInfer(c *InferCtx) error { return shapedLastInfer(c, 2) }

// nhwcGradRun is a bound NhwcConvGradX or NhwcConvGradW.
type nhwcGradRun struct {
	transposedAttrs
	transposed bool
	last       atomic.Pointer[nhwcGradPlan]
}

// nhwcGradPlan is what a run needs to know about one set of shapes; only one of the two is there.
type nhwcGradPlan struct {
	dy, x, w tensor.Shape // dy and x with the channels last
	toX      *nhwc.Plan
	toW      *nhwc.GradW
}

func bindNhwcGrad(k *KernelCtx) (*nhwcGradRun, error) {
	if k.DType(0) != tensor.Float32 {
		return nil, Unsupported("gradients of %v with the channels last", k.DType(0))
	}
	a, err := readTransposed(k.Attrs)
	return &nhwcGradRun{transposedAttrs: a, transposed: k.Bool("transposed")}, err
}

// nhwcConvGradXKernel binds NhwcConvGradX, float32.
func nhwcConvGradXKernel(k *KernelCtx) (Kernel, error) {
	r, err := bindNhwcGrad(k)
	if err != nil {
		return Kernel{}, err
	}
	return Kernel{Run: r.toX, Scratch: r.xScratch}, nil
}

// nhwcConvGradWKernel binds NhwcConvGradW, float32.
func nhwcConvGradWKernel(k *KernelCtx) (Kernel, error) {
	r, err := bindNhwcGrad(k)
	if err != nil {
		return Kernel{}, err
	}
	return Kernel{Run: r.toW, Scratch: r.wScratch}, nil
}

// planFor returns the plan for the given shapes, the last one used if it fits: with ofX of the gradient of the input.
func (r *nhwcGradRun) planFor(dy, x, w tensor.Shape, ofX bool) (*nhwcGradPlan, error) {
	if p := r.last.Load(); p != nil && p.dy.Equal(dy) && p.x.Equal(x) && p.w.Equal(w) {
		return p, nil
	}
	g, err := r.geom(dy, x, w)
	if err != nil {
		return nil, err
	}
	p := &nhwcGradPlan{dy: dy.Clone(), x: x.Clone(), w: w.Clone()}
	switch {
	case !ofX:
		p.toW = nhwc.NewGradW(g)
	case r.transposed:
		p.toX = nhwc.NewPlan(g)
	default:
		p.toX = nhwc.NewGradXPlan(g)
	}
	r.last.Store(p)
	return p, nil
}

// geom returns the convolution from the larger to the smaller image: x to dy, or the other way if the node is transposed.
func (r *nhwcGradRun) geom(dy, x, w tensor.Shape) (g conv.Geom, err error) {
	var bufX, bufY, got [window.MaxRank + 2]int
	planes, err := channelsSecond(bufX[:], x)
	if err != nil {
		return g, err
	}
	y, err := channelsSecond(bufY[:], dy)
	if err != nil {
		return g, err
	}
	small := &g
	if r.transposed {
		if g, err = conv.NewTransposedGeom(r.Attrs, r.groups, r.outPad, r.outShape, planes, w); err != nil {
			return g, err
		}
		large := g
		small = &large
		g = g.Flipped().Convolution()
	} else if g, err = conv.NewGeom(r.Attrs, r.groups, planes, w); err != nil {
		return g, err
	}
	want := append(got[:0], small.Batch, small.OutC)
	for _, a := range small.Axes[:small.Rank] {
		want = append(want, a.Out)
	}
	if !slices.Equal(want, y) {
		return g, fmt.Errorf("ops: gradient has shape %v for an input of shape %v and a filter of shape %v", dy, x, w)
	}
	return g, nil
}

func (r *nhwcGradRun) xScratch(c *Call) int {
	p, err := r.planFor(c.In[0].Shape(), c.Out[0].Shape(), c.In[1].Shape(), true)
	if err != nil {
		return 0 // run reports it
	}
	return 4 * variableScratch(p.toX)
}

func (r *nhwcGradRun) wScratch(c *Call) int {
	p, err := r.planFor(c.In[0].Shape(), c.In[1].Shape(), c.Out[0].Shape(), false)
	if err != nil {
		return 0 // run reports it
	}
	return 4 * p.toW.Scratch()
}

// gradScratch returns n floats of scratch memory; shapes that were unknown before the run have none yet.
func gradScratch(c *Call, n int) ([]float32, error) {
	if len(c.Scratch) >= 4*n {
		return scratchOf[float32](c.Scratch, n), nil
	}
	b, err := c.Memory.Bytes(4 * n)
	if err != nil {
		return nil, err
	}
	return scratchOf[float32](b, n), nil
}

func (r *nhwcGradRun) toX(c *Call) error {
	var dims [window.MaxRank + 2]int
	shape, err := channelsLastList(dims[:], c.In[2])
	if err != nil {
		return err
	}
	dx, err := mvOut(c, 0, tensor.Float32, shape)
	if err != nil {
		return err
	}
	p, err := r.planFor(c.In[0].Shape(), dx.Shape(), c.In[1].Shape(), true)
	if err != nil {
		return err
	}
	scratch, err := gradScratch(c, variableScratch(p.toX))
	if err != nil {
		return err
	}
	p.runX(c.In[0], c.In[1], dx, scratch, c.Threads)
	return nil
}

// runX computes the gradient of the input in scratch memory of variableScratch elements.
func (p *nhwcGradPlan) runX(dy, w, dx *tensor.Tensor, scratch []float32, threads int) {
	a := nhwcArgs.Get().(*nhwc.Args)
	*a = nhwc.Args{X: tensor.Of[float32](dy), Y: tensor.Of[float32](dx), Threads: threads}
	runVariable(p.toX, a, tensor.Of[float32](w), scratch)
	*a = nhwc.Args{}
	nhwcArgs.Put(a)
}

// channelsLastList reads the shape of a tensor of the model and moves its second axis to the end.
func channelsLastList(buf []int, t *tensor.Tensor) (tensor.Shape, error) {
	list := integers(t)
	if len(list) < 3 || len(list) > len(buf) {
		return nil, fmt.Errorf("ops: shape %v has %d axes, want 3 to %d", list, len(list), len(buf))
	}
	s := append(buf[:0], int(list[0]))
	for _, d := range list[2:] {
		s = append(s, int(d))
	}
	return append(s, int(list[1])), nil
}

var nhwcGradArgs = sync.Pool{New: func() any { return new(nhwc.GradWArgs) }}

func (r *nhwcGradRun) toW(c *Call) error {
	dw, err := shapedOut(c, 3)
	if err != nil {
		return err
	}
	p, err := r.planFor(c.In[0].Shape(), c.In[1].Shape(), dw.Shape(), false)
	if err != nil {
		return err
	}
	scratch, err := gradScratch(c, p.toW.Scratch())
	if err != nil {
		return err
	}
	p.runW(c.In[0], c.In[1], dw, scratch, c.Threads, r.transposed)
	return nil
}

// runW computes the gradient of the filter.
func (p *nhwcGradPlan) runW(dy, x, dw *tensor.Tensor, scratch []float32, threads int, transposed bool) {
	large, small := tensor.Of[float32](x), tensor.Of[float32](dy)
	if transposed {
		large, small = small, large
	}
	a := nhwcGradArgs.Get().(*nhwc.GradWArgs)
	*a = nhwc.GradWArgs{X: large, Dy: small, Dw: tensor.Of[float32](dw), Scratch: scratch, Threads: threads}
	p.toW.Run(a)
	*a = nhwc.GradWArgs{}
	nhwcGradArgs.Put(a)
}
