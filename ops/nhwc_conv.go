package ops

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/nhwc"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// onnxrun NhwcConv is what the layout pass puts in the place of Conv and FusedConv: X [batch, spatial..., channels], the
// filter W of Conv, the bias B, and a residual Z of the output's shape; the attributes of Conv, those of an activation, and those of
// WideRows; exact leaves out algorithms that trade accuracy for speed. With scaled the bias is B [3, channels], whose other rows are
// multiplied with what the activation makes, and added to that before a residual that comes last.

// nhwcFusedConvInfer infers NhwcConv of the onnxrun domain.
func nhwcFusedConvInfer(c *InferCtx) error { return channelsLastInfer(c, convInfer) }

// nhwcConvRun is a bound NhwcConv or NhwcConvTranspose.
type nhwcConvRun struct {
	newPlan func(planes, w tensor.Shape) (*nhwc.Plan, error) // planes has the channels second
	act     gemm.Activation
	addLast bool
	scaled  bool
	rows    WideRows
	filter  *tensor.Tensor // nil: it is computed while running
	weights Weights
	keeps   atomic.Bool // plans have filters, if filter is not nil
	plan    atomic.Pointer[nhwcPlan]
}

// nhwcPlan is the plan for one pair of shapes, with the filter that it wants if that is constant and kept.
type nhwcPlan struct {
	x, w tensor.Shape
	*nhwc.Plan
	filter *nhwc.Filter
}

// nhwcFusedConvKernel binds NhwcConv of the onnxrun domain, float32.
func nhwcFusedConvKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("NhwcConv of %v", k.DType(0))
	}
	a, err := windowAttrs(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	groups, choose := k.IntOr("group", 1), nhwc.NewPlan
	if k.Attrs.Bool("exact") {
		choose = nhwc.NewExactPlan
	}
	return bindNhwcConv(k, func(planes, w tensor.Shape) (*nhwc.Plan, error) {
		g, err := conv.NewGeom(a, groups, planes, w)
		if err != nil {
			return nil, err
		}
		return choose(g), nil
	})
}

// SumsInPlace reports whether an NhwcConv of such attributes and such a filter may write its output over the residual: products of single
// pixels, which read the residual where they are about to write. The bits are those of other storage but where dot products take the place of
// tiles, for one pixel or few output channels, whose sums begin with a residual that lies in Y.
func SumsInPlace(attrs Attrs, w Type) bool {
	shape, ok := w.Static()
	a, err := windowAttrs(attrs)
	if !ok || err != nil || len(shape) < 3 || shape[1] < 2 || attrs.IntOr("group", 1) != 1 || attrs.Bool("add_last") || WideRowsOf(attrs).Any() || !gemm.SumsAtOnce(shape[1]) {
		return false
	}
	for i, v := range shape[2:] {
		if v != 1 || i < len(a.Strides) && a.Strides[i] != 1 {
			return false
		}
	}
	return a.AutoPad == window.NotSet && !slices.ContainsFunc(a.Pads, func(p int) bool { return p != 0 })
}

// bindNhwcConv binds a convolution whose plans newPlan makes.
func bindNhwcConv(k *KernelCtx, newPlan func(planes, w tensor.Shape) (*nhwc.Plan, error)) (Kernel, error) {
	act, err := fusedActivation(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	r := &nhwcConvRun{newPlan: newPlan, act: act, addLast: k.Attrs.Bool("add_last"), scaled: k.Attrs.Bool("scaled"), rows: WideRowsOf(k.Attrs), filter: k.Const(1), weights: k.Weights}
	if k.Lean {
		r.filter = nil
	} else {
		k.Unread(1)
	}
	x, okX := likelyShape(k.Type(0))
	w, okW := k.Type(1).Static()
	b := Kernel{Run: r.run, Scratch: r.scratch, Work: r.work}
	if r.filter != nil {
		b.Keep = r.keep
	}
	if okX && okW {
		p, err := r.planFor(x, w)
		if err != nil {
			return Kernel{}, err
		}
		b.Spare = p.OnceLen(k.Threads)
	}
	return b, nil
}

// likelyShape returns the shape of t with a batch of 1 if its size is open, so that filters are packed when a model is
// loaded.
func likelyShape(t Type) (tensor.Shape, bool) {
	if t.Ranked && len(t.Dims) > 0 {
		if _, ok := t.Dims[0].Const(); !ok {
			t.Dims = append([]Dim{sym.Const(1)}, t.Dims[1:]...)
		}
	}
	return t.Static()
}

// keep is Kernel.Keep.
func (r *nhwcConvRun) keep() {
	r.keeps.Store(true)
	if last := r.plan.Load(); last != nil {
		p := *last
		r.pack(&p)
		r.plan.Store(&p)
	}
}

// pack packs the filter for p.
func (r *nhwcConvRun) pack(p *nhwcPlan) {
	pack := func(room *Room) any { return p.PackIn(room, tensor.Of[float32](r.filter)) }
	var rows func(Rows) any
	if p.TakesRows() {
		rows = func(w Rows) any { return p.PackRows(nil, w) }
	}
	p.filter = r.weights.PackedRows(r.filter, fmt.Sprintf("%s %v", p.Format(), p.w), pack, rows).(*nhwc.Filter)
}

// planFor returns the plan for the given shapes, the last one used if it fits.
func (r *nhwcConvRun) planFor(x, w tensor.Shape) (*nhwcPlan, error) {
	keeps := r.filter != nil && r.keeps.Load()
	if p := r.plan.Load(); p != nil && p.x.Equal(x) && p.w.Equal(w) && (p.filter != nil || !keeps) {
		return p, nil
	}
	var buf [window.MaxRank + 2]int
	planes, err := channelsSecond(buf[:], x)
	if err != nil {
		return nil, err
	}
	_, planes[1] = r.rows.channels(0, planes[1])
	plan, err := r.newPlan(planes, w)
	if err != nil {
		return nil, err
	}
	p := &nhwcPlan{x: x.Clone(), w: w.Clone(), Plan: plan}
	if keeps {
		r.pack(p)
	}
	r.plan.Store(p)
	return p, nil
}

func (r *nhwcConvRun) scratch(c *Call) int {
	p, err := r.planFor(c.In[0].Shape(), c.In[1].Shape())
	if err != nil {
		return 0 // run reports it
	}
	if r.filter != nil {
		return 4 * p.Scratch()
	}
	return 4 * variableScratch(p.Plan)
}

// variableScratch is the number of floats of scratch memory of a plan whose filter is packed in each run.
func variableScratch(p *nhwc.Plan) int { return align64(4*p.Scratch())/4 + p.FilterLen() }

// variableFilters are packed filters whose memory is part of a call's scratch memory.
var variableFilters = sync.Pool{New: func() any { return new(nhwc.Filter) }}

// runVariable runs a plan with the filter w, which is packed in scratch memory of variableScratch elements.
func runVariable(p *nhwc.Plan, a *nhwc.Args, w, scratch []float32) {
	f := variableFilters.Get().(*nhwc.Filter)
	p.PackInto(f, w, scratch[len(scratch)-p.FilterLen():], a.Threads)
	a.Filter, a.Scratch = f, scratch[:p.Scratch()]
	p.Run(a)
	variableFilters.Put(f)
}

func (r *nhwcConvRun) run(c *Call) error {
	p, err := r.planFor(c.In[0].Shape(), c.In[1].Shape())
	if err != nil {
		return err
	}
	a := nhwcArgs.Get().(*nhwc.Args)
	defer nhwcArgs.Put(a)
	*a = nhwc.Args{Filter: p.filter, AddLast: r.addLast, Act: r.act, Threads: c.Threads}
	first, _ := r.rows.channels(0, 0)
	a.X, a.XStep = wideData(c.In[0], first)
	a.Y, a.YStep = wideData(c.Out[0], r.rows.At)
	channels := p.Geom().OutC
	if err = r.bias(a, c, channels); err != nil {
		return err
	}
	if z := input(c, 3); z != nil {
		if err := r.residual(a, z, c.Out[0].Shape(), channels); err != nil {
			return err
		}
	}
	if r.filter == nil {
		runVariable(p.Plan, a, tensor.Of[float32](c.In[1]), scratchOf[float32](c.Scratch, variableScratch(p.Plan)))
	} else {
		a.Scratch = scratchOf[float32](c.Scratch, p.Scratch())
		r.runConst(p, a, c.Spare)
	}
	*a = nhwc.Args{}
	return nil
}

// byRows tells whether a filter that has to be computed is best packed row by row in a run that does not keep it: unless it can be read
// where it lies.
func (r *nhwcConvRun) byRows(p *nhwcPlan) bool { return p.TakesRows() && p.OnceLen(1) > 0 }

// runConst runs p with the constant filter, which is packed in spare if it is not kept.
func (r *nhwcConvRun) runConst(p *nhwcPlan, a *nhwc.Args, spare *Spare) {
	if a.Filter != nil {
		p.Run(a)
		return
	}
	f := variableFilters.Get().(*nhwc.Filter)
	if !r.byRows(p) || !r.weights.ReadRows(r.filter, func(w Rows) { p.RunOnceRows(a, f, w, spare.Floats(p.OnceLen(a.Threads))) }) {
		r.weights.Read(r.filter, spare, func(w []float32) { p.RunOnce(a, f, w, spare.Floats(p.OnceLen(a.Threads))) })
	}
	variableFilters.Put(f)
	spare.Reset()
}

// bias adds the bias to the arguments, with scale and shift if there are.
func (r *nhwcConvRun) bias(a *nhwc.Args, c *Call, channels int) (err error) {
	if !r.scaled {
		a.Bias, err = convBias[float32](c, channels)
		return err
	}
	b := input(c, 2)
	if b == nil || !b.Shape().Equal(tensor.Shape{3, channels}) {
		return fmt.Errorf("ops: bias, scale and shift: want 3 rows of %d channels", channels)
	}
	all := tensor.Of[float32](b)
	a.Bias, a.Scale, a.Shift = all[:channels], all[channels:][:channels], all[2*channels:]
	return nil
}

// residual adds z, or the channels of it that are meant, to the arguments.
func (r *nhwcConvRun) residual(a *nhwc.Args, z *tensor.Tensor, out tensor.Shape, channels int) error {
	s, last := z.Shape(), len(out)-1
	from, count := r.rows.channels(3, s[len(s)-1])
	if len(s) != len(out) || !slices.Equal(s[:last], out[:last]) || count != channels || from+count > s[last] {
		return fmt.Errorf("ops: residual has shape %v, want %d channels for %v", s, channels, out)
	}
	a.Residual, a.ResidualStep = wideData(z, from)
	return nil
}

var nhwcArgs = sync.Pool{New: func() any { return new(nhwc.Args) }}
