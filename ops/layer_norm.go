package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// layerNormInfer infers LayerNormalization, RMSNormalization and SimplifiedLayerNormalization.
func layerNormInfer(c *InferCtx) error {
	x := c.Type(0)
	out := x
	if c.Has(1) {
		out.DType = c.Type(1).DType
	}
	c.SetType(0, out)
	stat := tensor.DType(c.IntOr("stash_type", int(tensor.Float32)))
	if !x.Ranked {
		c.SetType(1, Unranked(stat))
		c.SetType(2, Unranked(stat))
		return nil
	}
	axis, err := wrapAxis(c.IntOr("axis", -1), len(x.Dims))
	if err != nil {
		return err
	}
	if s := c.Type(1); s.Rank() > len(x.Dims) {
		return fmt.Errorf("ops: scale is %v, want one that broadcasts to %v", s, x)
	}
	c.Set(1, stat, normStatDims(x.Dims, axis)...)
	c.Set(2, stat, normStatDims(x.Dims, axis)...)
	return nil
}

func normStatDims(x []Dim, axis int) []Dim {
	out := append([]Dim(nil), x[:axis]...)
	for range len(x) - axis {
		out = append(out, sym.Const(1))
	}
	return out
}

// skipNormInfer infers SkipLayerNormalization and SkipSimplifiedLayerNormalization.
func skipNormInfer(c *InferCtx) error {
	x := c.Type(0)
	if err := sameElements(c, 0, 1, 2, 3, 4); err != nil {
		return err
	}
	c.SetType(0, x)
	c.SetType(3, x)
	if !x.Ranked {
		c.SetType(1, Unranked(tensor.Float32))
		c.SetType(2, Unranked(tensor.Float32))
		return nil
	}
	if len(x.Dims) == 0 {
		return fmt.Errorf("ops: input is %v, want at least 1 axis", x)
	}
	c.Set(1, tensor.Float32, normStatDims(x.Dims, len(x.Dims)-1)...)
	c.Set(2, tensor.Float32, normStatDims(x.Dims, len(x.Dims)-1)...)
	return nil
}

// layerNorm is a bound normalisation of rows. The fields say which input or output plays which part, -1 for none.
type layerNorm struct {
	axis                        int
	eps                         float32
	rms                         bool
	skip, scale, bias, skipBias int
	mean, inv, sum              int
}

func layerNormOf(l layerNorm) func(*KernelCtx) (Kernel, error) {
	return widened(func(k *KernelCtx) (Kernel, error) {
		b := l
		b.axis, b.eps = k.IntOr("axis", -1), k.Float("epsilon")
		for i := range k.In {
			if k.Has(i) && k.DType(i) != k.DType(0) {
				return throughFloat64(k, func(*KernelCtx) (Kernel, error) { return Kernel{Run: b.run64}, nil }, 0, 1, 2, 3, 4)
			}
		}
		switch k.DType(0) {
		case tensor.Float32:
			return Kernel{Run: b.run32, Scratch: b.scratch}, nil
		case tensor.Float64:
			return Kernel{Run: b.run64}, nil
		}
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	})
}

// The parts of the inputs and outputs.
var (
	layerNormParts      = layerNorm{skip: -1, scale: 1, bias: 2, skipBias: -1, mean: 1, inv: 2, sum: -1}
	rmsNormParts        = layerNorm{rms: true, skip: -1, scale: 1, bias: -1, skipBias: -1, mean: -1, inv: -1, sum: -1}
	simpleNormParts     = layerNorm{rms: true, skip: -1, scale: 1, bias: -1, skipBias: -1, mean: -1, inv: 1, sum: -1}
	skipNormParts       = layerNorm{skip: 1, scale: 2, bias: 3, skipBias: 4, mean: 1, inv: 2, sum: 3}
	skipSimpleNormParts = layerNorm{rms: true, skip: 1, scale: 2, bias: -1, skipBias: 3, mean: 1, inv: 2, sum: 3}
)

// rows returns the number and length of the rows.
func (l *layerNorm) rows(c *Call) (rows, cols, axis int, err error) {
	shape := c.In[0].Shape()
	if axis, err = wrapAxis(l.axis, len(shape)); err != nil {
		return 0, 0, 0, err
	}
	return shape[:axis].Len(), shape[axis:].Len(), axis, nil
}

// scratch returns the room for a skip connection that has to be repeated.
func (l *layerNorm) scratch(c *Call) int {
	if s := part(c.In, l.skip); s != nil && s.Len() != c.In[0].Len() {
		return 4 * c.In[0].Len()
	}
	return 0
}

func (l *layerNorm) run32(c *Call) error {
	rows, cols, axis, err := l.rows(c)
	if err != nil || c.In[0].Len() == 0 {
		return err
	}
	x, y := tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0])
	a := reduce.RowNorm{Rows: rows, Cols: cols, Eps: l.eps}
	a.Mean, a.InvStd = tensor.Of[float32](part(c.Out, l.mean)), tensor.Of[float32](part(c.Out, l.inv))
	a.Sum = tensor.Of[float32](part(c.Out, l.sum))
	if s := part(c.In, l.skip); s != nil {
		if a.Skip, err = l.skipRows(s, c); err != nil {
			return err
		}
	}
	if b := part(c.In, l.skipBias); b != nil {
		if a.SkipBias = tensor.Of[float32](b); len(a.SkipBias) != cols {
			return fmt.Errorf("ops: bias has shape %v, want [%d]", b.Shape(), cols)
		}
	}
	scale, bias := part(c.In, l.scale), part(c.In, l.bias)
	inRow := normFits(scale, c.In[0].Shape(), axis) && normFits(bias, c.In[0].Shape(), axis)
	if inRow {
		a.Scale, a.Bias = tensor.Of[float32](scale), tensor.Of[float32](bias)
	}
	if l.rms {
		reduce.RMSNorm(y, x, a, c.Threads)
	} else {
		reduce.LayerNorm(y, x, a, c.Threads)
	}
	if inRow {
		return nil
	}
	if err := normBroadcast(c, scale, vec.Mul); err != nil {
		return err
	}
	return normBroadcast(c, bias, vec.Add)
}

// normFits reports whether t, if there is one, holds one value for each element of a row.
func normFits(t *tensor.Tensor, shape tensor.Shape, axis int) bool {
	if t == nil {
		return true
	}
	s, row := t.Shape(), shape[axis:]
	for len(s) > len(row) && s[0] == 1 {
		s = s[1:]
	}
	return s.Equal(row)
}

// normBroadcast combines the output with t, which is repeated as its shape asks for.
func normBroadcast[T float32 | float64](c *Call, t *tensor.Tensor, f func(dst, a, b []T)) error {
	if t == nil {
		return nil
	}
	shape := c.Out[0].Shape()
	if !spreadsTo(shape, t.Shape()) {
		return fmt.Errorf("ops: scale or bias has shape %v, which does not broadcast to %v", t.Shape(), shape)
	}
	var p vec.Plan
	p.Plan2(shape, shape, t.Shape())
	y := tensor.Of[T](c.Out[0])
	vec.Broadcast2(&p, y, y, tensor.Of[T](t), f, c.Threads)
	return nil
}

// skipRows returns the skip connection, repeated in the scratch memory if it is shorter than the input.
func (l *layerNorm) skipRows(s *tensor.Tensor, c *Call) ([]float32, error) {
	v, n := tensor.Of[float32](s), c.In[0].Len()
	if len(v) == n {
		return v, nil
	}
	if !spreadsTo(c.In[0].Shape(), s.Shape()) || len(v) == 0 || n%len(v) != 0 {
		return nil, fmt.Errorf("ops: skip connection has shape %v, which does not broadcast to %v", s.Shape(), c.In[0].Shape())
	}
	var p vec.Plan
	p.Plan1(c.In[0].Shape(), s.Shape())
	out := scratchOf[float32](c.Scratch, n)
	vec.Broadcast1(&p, out, v, vec.CopyOf[float32], c.Threads)
	return out, nil
}
