package ops

import (
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/nhwc"
	"github.com/onnxrun/onnxrun/tensor"
)

// onnxrun NhwcConvGrad is NhwcConvGradX and NhwcConvGradW of a convolution in one node, which reads the gradient of the output once where
// the convolution is a depthwise one: from dy, x, w and the two shapes to dx and dw.

func nhwcConvGradInfer(c *InferCtx) error {
	if err := shapedInfer(c, 4); err != nil { // of the filter, at output 0 as yet
		return err
	}
	c.SetType(1, c.Out[0].Type)
	return shapedLastInfer(c, 3)
}

// nhwcGradsRun is a bound NhwcConvGrad.
type nhwcGradsRun struct {
	x, w *nhwcGradRun
	last atomic.Pointer[nhwcGradsPlan]
}

// nhwcGradsPlan is the plan for one set of shapes; both is nil where the gradients are better computed one after the other.
type nhwcGradsPlan struct {
	x, w *nhwcGradPlan
	both *nhwc.GradBoth
}

// nhwcConvGradKernel binds NhwcConvGrad, float32.
func nhwcConvGradKernel(k *KernelCtx) (Kernel, error) {
	x, err := bindNhwcGrad(k)
	if err != nil {
		return Kernel{}, err
	}
	r := &nhwcGradsRun{x: x, w: &nhwcGradRun{transposedAttrs: x.transposedAttrs, transposed: x.transposed}}
	return Kernel{Run: r.run, Scratch: r.scratch}, nil
}

func (r *nhwcGradsRun) planFor(dy, x, w tensor.Shape) (*nhwcGradsPlan, error) {
	toX, err := r.x.planFor(dy, x, w, true)
	if err != nil {
		return nil, err
	}
	toW, err := r.w.planFor(dy, x, w, false)
	if err != nil {
		return nil, err
	}
	if p := r.last.Load(); p != nil && p.x == toX && p.w == toW {
		return p, nil
	}
	p := &nhwcGradsPlan{x: toX, w: toW}
	if !r.x.transposed {
		g, err := r.x.geom(dy, x, w)
		if err != nil {
			return nil, err
		}
		p.both = nhwc.NewGradBoth(g)
	}
	r.last.Store(p)
	return p, nil
}

// floats is how many floats of scratch memory a run wants.
func (p *nhwcGradsPlan) floats() int {
	if p.both != nil {
		return p.both.Scratch()
	}
	return max(variableScratch(p.x.toX), p.w.toW.Scratch())
}

func (r *nhwcGradsRun) scratch(c *Call) int {
	p, err := r.planFor(c.In[0].Shape(), c.In[1].Shape(), c.In[2].Shape())
	if err != nil {
		return 0 // run reports it
	}
	return 4 * p.floats()
}

var nhwcGradBothArgs = sync.Pool{New: func() any { return new(nhwc.GradBothArgs) }}

func (r *nhwcGradsRun) run(c *Call) error {
	dy, x, w := c.In[0], c.In[1], c.In[2]
	p, err := r.planFor(dy.Shape(), x.Shape(), w.Shape())
	if err != nil {
		return err
	}
	dx, err := mvOut(c, 0, tensor.Float32, x.Shape())
	if err != nil {
		return err
	}
	dw, err := mvOut(c, 1, tensor.Float32, w.Shape())
	if err != nil {
		return err
	}
	scratch, err := gradScratch(c, p.floats())
	if err != nil {
		return err
	}
	if p.both == nil {
		p.x.runX(dy, w, dx, scratch, c.Threads)
		p.w.runW(dy, x, dw, scratch, c.Threads, r.w.transposed)
		return nil
	}
	a := nhwcGradBothArgs.Get().(*nhwc.GradBothArgs)
	*a = nhwc.GradBothArgs{
		X: tensor.Of[float32](x), Dy: tensor.Of[float32](dy), W: tensor.Of[float32](w), Dx: tensor.Of[float32](dx), Dw: tensor.Of[float32](dw),
		Scratch: scratch, Threads: c.Threads,
	}
	p.both.Run(a)
	*a = nhwc.GradBothArgs{}
	nhwcGradBothArgs.Put(a)
	return nil
}
