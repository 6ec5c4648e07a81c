package ops

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/tensor"
)

// convInfer infers Conv and FusedConv.
func convInfer(c *InferCtx) error {
	x, w := c.Type(0), c.Type(1)
	if !x.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	rank, err := spatialRank(x, "input")
	if err != nil {
		return err
	}
	if w.Ranked && len(w.Dims) != len(x.Dims) {
		return fmt.Errorf("ops: filter %v does not fit input %v", w, x)
	}
	a, err := windowAttrs(c.Attrs)
	if err != nil {
		return err
	}
	dims := []Dim{x.Dims[0], c.Fresh()}
	if w.Ranked {
		dims[1] = w.Dims[0]
		if err := convChannels(x.Dims[1], w.Dims[1], c.IntOr("group", 1)); err != nil {
			return err
		}
		if len(a.Kernel) == 0 {
			a.Kernel = constDims(w.Dims[2:])
		}
	}
	if len(a.Kernel) == 0 {
		c.Set(0, x.DType, append(dims, c.FreshDims(rank)...)...)
		return nil
	}
	if err := a.Check(rank); err != nil {
		return err
	}
	out, err := windowDims(&a, x.Dims[2:])
	if err != nil {
		return err
	}
	c.Set(0, x.DType, append(dims, out...)...)
	return nil
}

func convChannels(x, w Dim, groups int) error {
	cx, okX := x.Const()
	cw, okW := w.Const()
	if okX && okW && cx != cw*int64(groups) {
		return fmt.Errorf("ops: filter takes %d channels in %d groups, input has %d", cw, groups, cx)
	}
	return nil
}

// constDims returns dimensions that are all known, else nil.
func constDims(dims []Dim) []int {
	var out []int
	for _, d := range dims {
		v, ok := d.Const()
		if !ok {
			return nil
		}
		out = append(out, int(v))
	}
	return out
}

// convRun is a bound Conv: inputs X, W, B and, for FusedConv, the residual Z.
type convRun struct {
	attrs  window.Attrs
	groups int
	act    gemm.Activation
	plan   atomic.Pointer[convPlan]
}

// convPlan is the plan for one pair of shapes.
type convPlan struct {
	x, w tensor.Shape
	*conv.Plan
	outLen int
}

// convKernel binds Conv.
var convKernel = widened(func(k *KernelCtx) (Kernel, error) { return bindConv(k, gemm.Activation{}) })

// fusedConvKernel binds FusedConv.
var fusedConvKernel = widened(func(k *KernelCtx) (Kernel, error) {
	act, err := fusedActivation(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	return bindConv(k, act)
})

func bindConv(k *KernelCtx, act gemm.Activation) (Kernel, error) {
	a, err := windowAttrs(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	r := &convRun{attrs: a, groups: k.IntOr("group", 1), act: act}
	if k.DType(0) == tensor.Float64 {
		if k.Has(3) || act.Kind != gemm.None {
			return Kernel{}, Unsupported("FusedConv of float64")
		}
		return Kernel{Run: r.run64}, nil
	}
	x, okX := k.Type(0).Static()
	w, okW := k.Type(1).Static()
	if okX && okW {
		if _, err := r.planFor(x, w); err != nil {
			return Kernel{}, err
		}
	}
	return Kernel{Run: r.run32, Work: r.work}, nil
}

// planFor returns the plan for the given shapes, the last one used if it fits.
func (r *convRun) planFor(x, w tensor.Shape) (*convPlan, error) {
	if p := r.plan.Load(); p != nil && p.x.Equal(x) && p.w.Equal(w) {
		return p, nil
	}
	g, err := conv.NewGeom(r.attrs, r.groups, x, w)
	if err != nil {
		return nil, err
	}
	p := &convPlan{x.Clone(), w.Clone(), conv.NewPlan(g), g.Batch * g.OutC * g.OutSize()}
	r.plan.Store(p)
	return p, nil
}

func (r *convRun) run32(c *Call) error {
	p, err := r.planFor(c.In[0].Shape(), c.In[1].Shape())
	if err != nil {
		return err
	}
	a := convArgs{}
	if err := a.read(c, p.w[0]); err != nil {
		return err
	}
	if len(a.Y) != p.outLen {
		return fmt.Errorf("ops: output has shape %v, want %d elements", c.Out[0].Shape(), p.outLen)
	}
	a.Act = r.act
	p.Run(&a.Args)
	return nil
}

// convArgs are the operands of a call.
type convArgs struct{ conv.Args }

// read takes X, W, B and Z of the call.
func (a *convArgs) read(c *Call, outC int) error {
	a.X, a.W, a.Y = tensor.Of[float32](c.In[0]), tensor.Of[float32](c.In[1]), tensor.Of[float32](c.Out[0])
	var err error
	if a.Bias, err = convBias[float32](c, outC); err != nil {
		return err
	}
	if z := input(c, 3); z != nil {
		if a.Residual = tensor.Of[float32](z); !slices.Equal(z.Shape(), c.Out[0].Shape()) {
			return fmt.Errorf("ops: residual has shape %v, want %v", z.Shape(), c.Out[0].Shape())
		}
	}
	a.Threads = c.Threads
	return nil
}

// convBias returns input 2 of a convolution, the bias, one for each output channel, nil if there is none.
func convBias[T tensor.Element](c *Call, channels int) ([]T, error) {
	b := input(c, 2)
	if b == nil {
		return nil, nil
	}
	bias := tensor.Of[T](b)
	if len(bias) != channels {
		return nil, fmt.Errorf("ops: bias has shape %v, want [%d]", b.Shape(), channels)
	}
	return bias, nil
}

func (r *convRun) run64(c *Call) error {
	g, err := conv.NewGeom(r.attrs, r.groups, c.In[0].Shape(), c.In[1].Shape())
	if err != nil {
		return err
	}
	bias, err := convBias[float64](c, g.OutC)
	if err != nil {
		return err
	}
	conv.Reference(&g, tensor.Of[float64](c.In[0]), tensor.Of[float64](c.In[1]), bias, tensor.Of[float64](c.Out[0]))
	return nil
}
