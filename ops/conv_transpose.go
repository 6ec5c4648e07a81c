package ops

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// transposedAttrs are the attributes of a ConvTranspose.
type transposedAttrs struct {
	window.Attrs
	outPad, outShape []int
	groups           int
}

func readTransposed(a Attrs) (transposedAttrs, error) {
	w, err := windowAttrs(a)
	return transposedAttrs{w, ints(a.IntList("output_padding")), ints(a.IntList("output_shape")), a.IntOr("group", 1)}, err
}

func convTransposeInfer(c *InferCtx) error {
	x, w := c.Type(0), c.Type(1)
	if !x.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	rank, err := spatialRank(x, "input")
	if err != nil {
		return err
	}
	a, err := readTransposed(c.Attrs)
	if err != nil {
		return err
	}
	dims := append([]Dim{x.Dims[0]}, c.FreshDims(rank+1)...)
	if w.Ranked {
		if len(w.Dims) != len(x.Dims) {
			return fmt.Errorf("ops: filter %v does not fit input %v", w, x)
		}
		dims[1] = w.Dims[1].Mul(sym.Const(int64(a.groups)))
		if len(a.Kernel) == 0 {
			a.Kernel = constDims(w.Dims[2:])
		}
	}
	if len(a.Kernel) == 0 {
		c.Set(0, x.DType, dims...)
		return nil
	}
	if err := a.Check(rank); err != nil {
		return err
	}
	return transposedDims(c, &a, x, dims)
}

// transposedDims infers the spatial dimensions.
func transposedDims(c *InferCtx, a *transposedAttrs, x Type, dims []Dim) error {
	rank := len(a.Kernel)
	for _, list := range [][]int{a.outPad, a.outShape} {
		if len(list) != 0 && len(list) < rank {
			return fmt.Errorf("ops: output_padding or output_shape has %d values, want %d", len(list), rank)
		}
	}
	for i, in := range x.Dims[2:] {
		stride, pad := 1, 0
		if len(a.Strides) > 0 {
			stride = a.Strides[i]
		}
		if len(a.outPad) > 0 {
			pad = a.outPad[i]
		}
		switch {
		case len(a.outShape) > 0:
			dims[2+i] = sym.Const(int64(a.outShape[len(a.outShape)-rank+i]))
		case a.AutoPad == window.SameUpper || a.AutoPad == window.SameLower:
			dims[2+i] = in.Mul(sym.Const(int64(stride)))
		default:
			dilation := 1
			if len(a.Dilations) > 0 {
				dilation = a.Dilations[i]
			}
			extra := pad + (a.Kernel[i]-1)*dilation + 1
			if a.AutoPad == window.NotSet && len(a.Pads) > 0 {
				extra -= a.Pads[i] + a.Pads[rank+i]
			}
			dims[2+i] = in.Sub(sym.Const(1)).Mul(sym.Const(int64(stride))).Add(sym.Const(int64(extra)))
		}
	}
	c.Set(0, x.DType, dims...)
	return nil
}

// transposeRun is a bound ConvTranspose.
type transposeRun struct {
	transposedAttrs
	constant *tensor.Tensor // the filter, if it is constant
	plan     atomic.Pointer[transposePlan]
	packs    sync.Pool // of *[]float32: packed forms of filters that are not constant
}

// transposePlan is the plan for one pair of shapes.
type transposePlan struct {
	x, w   tensor.Shape
	g      conv.Geom
	t      *conv.Transposed // nil: plain loops
	packed []float32        // of a constant filter
}

var convTransposeKernel = widened(func(k *KernelCtx) (Kernel, error) {
	a, err := readTransposed(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	r := &transposeRun{transposedAttrs: a}
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return runTransposedPlain[float64](r, c) }}, nil
	}
	r.constant = k.Const(1)
	x, okX := k.Type(0).Static()
	w, okW := k.Type(1).Static()
	if okX && okW {
		shared := func(key string, pack func(*Room) any) any { return k.Packed(1, key, pack) }
		if _, err := r.planFor(x, w, shared); err != nil {
			return Kernel{}, err
		}
		if r.plan.Load().packed != nil {
			k.Unread(1)
		}
	}
	return Kernel{Run: r.run}, nil
})

// planFor returns the plan for the given shapes, the last one used if it fits. A constant filter is packed through store, if
// that is not nil.
func (r *transposeRun) planFor(x, w tensor.Shape, store func(key string, pack func(*Room) any) any) (*transposePlan, error) {
	last := r.plan.Load()
	if last != nil && last.x.Equal(x) && last.w.Equal(w) {
		return last, nil
	}
	g, err := conv.NewTransposedGeom(r.Attrs, r.groups, r.outPad, r.outShape, x, w)
	if err != nil {
		return nil, err
	}
	p := &transposePlan{x: x.Clone(), w: w.Clone(), g: g, t: conv.NewTransposed(g)}
	if r.constant != nil && p.t != nil {
		pack := func(room *Room) any {
			packed := room.Floats(w.Len())
			if !room.Filled() {
				p.t.Pack(packed, tensor.Of[float32](r.constant))
			}
			return packed
		}
		switch {
		case last != nil && samePhases(&last.g, &g):
			p.packed = last.packed
		case store != nil:
			p.packed = store(phaseKey(&g), pack).([]float32)
		default:
			p.packed = pack(nil).([]float32)
		}
	}
	r.plan.Store(p)
	return p, nil
}

// samePhases tells whether two geometries of one node pack their filter in the same way.
func samePhases(a, b *conv.Geom) bool {
	for i := range a.Rank {
		if a.Axes[i].Lo != b.Axes[i].Lo || a.Axes[i].Out < a.Axes[i].Stride || b.Axes[i].Out < b.Axes[i].Stride {
			return false
		}
	}
	return true
}

// phaseKey names the way that a geometry packs its filter.
func phaseKey(g *conv.Geom) string {
	key := fmt.Sprintf("conv transposed, groups %d", g.Groups)
	for _, a := range g.Axes[:g.Rank] {
		key += fmt.Sprintf(", %d/%d/%d/%d/%d", a.Kernel, a.Stride, a.Dilation, a.Lo, min(a.Out, a.Stride))
	}
	return key
}

func (r *transposeRun) run(c *Call) error {
	p, err := r.planFor(c.In[0].Shape(), c.In[1].Shape(), nil)
	if err != nil {
		return err
	}
	if p.t == nil {
		return runTransposedPlain[float32](r, c)
	}
	var a convArgs
	if err := a.read(c, p.g.OutC); err != nil {
		return err
	}
	if want := p.g.Batch * p.g.OutC * p.g.OutSize(); len(a.Y) != want {
		return fmt.Errorf("ops: output has shape %v, want %d elements", c.Out[0].Shape(), want)
	}
	if p.packed != nil {
		a.W = p.packed
		p.t.Run(&a.Args)
		return nil
	}
	buf, _ := r.packs.Get().(*[]float32)
	if buf == nil {
		buf = new([]float32)
	}
	n := len(a.W)
	*buf = slices.Grow((*buf)[:0], n)[:n]
	p.t.Pack(*buf, a.W)
	a.W = *buf
	p.t.Run(&a.Args)
	r.packs.Put(buf)
	return nil
}

func runTransposedPlain[T float32 | float64](r *transposeRun, c *Call) error {
	g, err := conv.NewTransposedGeom(r.Attrs, r.groups, r.outPad, r.outShape, c.In[0].Shape(), c.In[1].Shape())
	if err != nil {
		return err
	}
	bias, err := convBias[T](c, g.OutC)
	if err != nil {
		return err
	}
	conv.ReferenceTransposed(&g, tensor.Of[T](c.In[0]), tensor.Of[T](c.In[1]), bias, tensor.Of[T](c.Out[0]))
	return nil
}
