package ops

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

func concatInfer(c *InferCtx) error {
	var out []Dim
	axis := 0
	for i := range c.In {
		x := c.Type(i)
		if !x.Ranked {
			continue
		}
		if out == nil {
			a, err := mvAxis(c.IntOr("axis", 1), len(x.Dims))
			if err != nil {
				return err
			}
			axis, out = a, slices.Clone(x.Dims)
			out[a] = sym.Const(0)
		}
		if len(x.Dims) != len(out) {
			return fmt.Errorf("ops: input %d has shape %v, want %d axes", i, x, len(out))
		}
		for k, d := range x.Dims {
			var err error
			if k == axis {
				out[k] = out[k].Add(d)
			} else if out[k], err = mvSame(out[k], d); err != nil {
				return fmt.Errorf("ops: input %d has shape %v: axis %d differs from that of other inputs: %w", i, x, k, err)
			}
		}
	}
	if out == nil {
		c.SetType(0, Unranked(c.Type(0).DType))
		return nil
	}
	if slices.ContainsFunc(c.In, func(v Value) bool { return !v.Ranked }) {
		out[axis] = c.Fresh()
	}
	if err := mvSet(c, 0, c.Type(0).DType, out...); err != nil {
		return err
	}
	if len(out) == 1 {
		concatElems(c)
	}
	return nil
}

func concatElems(c *InferCtx) {
	all := []Dim{}
	for i := range c.In {
		e, ok := mvElems(c, i)
		if !ok {
			return
		}
		all = append(all, e...)
	}
	mvSetElems(c, 0, all)
}

func concatKernel(k *KernelCtx) (Kernel, error) {
	attr := k.IntOr("axis", 1)
	return Kernel{Run: func(c *Call) error {
		var ob mvDims
		out := append(ob[:0], c.In[0].Shape()...)
		axis, err := mvAxis(attr, len(out))
		if err != nil {
			return err
		}
		for _, x := range c.In[1:] {
			s := x.Shape()
			if len(s) != len(out) || !slices.Equal(s[:axis], out[:axis]) || !slices.Equal(s[axis+1:], out[axis+1:]) {
				return fmt.Errorf("ops: inputs have shapes %v and %v, which differ beyond axis %d", c.In[0].Shape(), s, axis)
			}
			out[axis] += s[axis]
		}
		y, err := mvOut(c, 0, c.In[0].DType(), out)
		if err != nil {
			return err
		}
		outer, row, at := mvLen(out[:axis]), mvLen(out[axis:]), 0
		to := mvDataOf(y)
		for _, x := range c.In {
			n := mvLen(x.Shape()[axis:])
			blockCopy(to, mvDataOf(x), outer, n, row, at, n, 0, c.Threads)
			at += n
		}
		return nil
	}}, nil
}

// concatGrad cuts the gradient at the borders of the inputs.
func concatGrad(c GradCtx) error {
	g := grads{c}
	dy := g.Dy(0)
	if dy == 0 {
		return nil
	}
	axis := g.Attrs().IntOr("axis", 1)
	sizes := make([]Ref, g.Inputs())
	for i := range sizes {
		sizes[i] = g.op("Gather", g.shape(g.In(i)), g.ints(int64(axis)))
	}
	parts := g.EmitAll(len(sizes), "", "Split", map[string]any{"axis": axis}, dy, g.with("Concat", map[string]any{"axis": 0}, sizes...))
	for i, p := range parts {
		g.SetGrad(i, p)
	}
	return nil
}

// extent is the length of one axis of x as a list of one element.
func (g grads) extent(x Ref, axis int) Ref {
	return g.with("Shape", map[string]any{"start": axis, "end": axis + 1}, x)
}

// blockCopy copies outer runs of n elements from offset srcAt, srcRow elements apart, to dstAt, dstRow apart.
func blockCopy(dst, src mvData, outer, n, dstRow, dstAt, srcRow, srcAt, threads int) {
	if outer == 0 || n == 0 {
		return
	}
	if w := src.width; src.s == nil && outer*n*w <= 1<<16 {
		move.Rows(dst.b[dstAt*w:], src.b[srcAt*w:], outer, n*w, dstRow*w, srcRow*w)
		return
	}
	dims, to, from := [2]int{outer, n}, [2]int{dstRow, 1}, [2]int{srcRow, 1}
	mvStrided(dst, src, move.Copy{Dims: dims[:], DstStride: to[:], SrcStride: from[:], DstOff: dstAt, SrcOff: srcAt}, threads)
}

// splitInfer serves all versions: sizes come from the attribute split, from input 1, or the axis is cut evenly.
func splitInfer(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		for i := range c.Out {
			c.SetType(i, Unranked(x.DType))
		}
		return nil
	}
	axis, err := mvAxis(c.Int("axis"), len(x.Dims))
	if err != nil {
		return err
	}
	sizes, err := splitSizes(c, x.Dims[axis])
	if err != nil {
		return err
	}
	elems, known := mvElems(c, 0)
	at := 0
	for i := range c.Out {
		dims := slices.Clone(x.Dims)
		dims[axis] = sizes[i]
		if err := mvSet(c, i, x.DType, dims...); err != nil {
			return err
		}
		if n, ok := sizes[i].Const(); known && ok && at+int(n) <= len(elems) {
			mvSetElems(c, i, elems[at:at+int(n)])
			at += int(n)
		} else {
			known = false
		}
	}
	return nil
}

// splitSizes returns the lengths of the parts of an axis of length d.
func splitSizes(c *InferCtx, d Dim) ([]Dim, error) {
	var sizes []Dim
	switch {
	case c.HasAttr("split"):
		for _, v := range c.IntList("split") {
			sizes = append(sizes, sym.Const(v))
		}
	case c.Has(1):
		e, ok := c.Exprs(1)
		if t := c.In[1].Const; !ok && t != nil {
			for _, v := range splitList(t) {
				e = append(e, sym.Const(v))
			}
		} else if !ok {
			return c.FreshDims(len(c.Out)), nil
		}
		sizes = e
	default:
		return splitEven(c, d)
	}
	if len(sizes) != len(c.Out) {
		return nil, fmt.Errorf("ops: split %v for %d outputs", sizes, len(c.Out))
	}
	sum := sym.Const(0)
	for _, s := range sizes {
		if v, ok := s.Const(); ok && v < 0 {
			return nil, fmt.Errorf("ops: split %v has a negative element", sizes)
		}
		sum = sum.Add(s)
	}
	if _, err := mvSame(d, sum); err != nil {
		return nil, fmt.Errorf("ops: split %v does not add up to the axis: %w", sizes, err)
	}
	return slices.Clone(sizes), nil
}

// splitList returns the sizes of the parts; in version 1 they are of the data's floating-point type.
func splitList(t *tensor.Tensor) []int64 {
	if t.DType().IsInt() {
		return integers(t)
	}
	sizes := make([]int64, t.Len())
	for i, v := range tensor.Float64s(t, len(sizes)) {
		sizes[i] = int64(v)
	}
	return sizes
}

// splitEven cuts an axis into equal parts, the last of which may be shorter if num_outputs is given.
func splitEven(c *InferCtx, d Dim) ([]Dim, error) {
	n := len(c.Out)
	uneven := c.HasAttr("num_outputs")
	if uneven && c.Int("num_outputs") != n {
		return nil, fmt.Errorf("ops: num_outputs is %d for %d outputs", c.Int("num_outputs"), n)
	}
	if n == 0 {
		return nil, nil
	}
	sizes := make([]Dim, n)
	part := d.Div(mvConst(n))
	if v, ok := d.Const(); uneven {
		part = d.CeilDiv(mvConst(n))
	} else if ok && v%int64(n) != 0 {
		return nil, fmt.Errorf("ops: an axis of length %d does not split into %d equal parts", v, n)
	}
	for i := range sizes {
		sizes[i] = part
	}
	if uneven {
		sizes[n-1] = d.Sub(part.Mul(mvConst(n - 1)))
	}
	if v, ok := sizes[n-1].Const(); ok && v < 0 {
		return nil, fmt.Errorf("ops: an axis of length %v does not split into %d parts of %v", d, n, part)
	}
	return sizes, nil
}

func splitKernel(k *KernelCtx) (Kernel, error) {
	attr, list, given := k.Int("axis"), k.IntList("split"), k.HasAttr("split")
	uneven := k.HasAttr("num_outputs")
	return Kernel{Run: func(c *Call) error {
		sizes := list
		if !given && len(c.In) > 1 && c.In[1] != nil {
			sizes = splitList(c.In[1])
		}
		x := c.In[0]
		axis, err := mvAxis(attr, x.Rank())
		if err != nil {
			return err
		}
		return splitRun(c, x, axis, sizes, uneven)
	}}, nil
}

// splitGrad joins the gradients of the parts; those that nothing depends on are zeros.
func splitGrad(c GradCtx) error {
	g := grads{c}
	if !g.Wants(0) {
		return nil
	}
	parts := make([]Ref, g.Outputs())
	for i := range parts {
		if parts[i] = g.Dy(i); parts[i] == 0 {
			parts[i] = g.zeros(g.Save(i))
		}
	}
	g.SetGrad(0, g.with("Concat", map[string]any{"axis": g.Attrs().Int("axis")}, parts...))
	return nil
}

// splitRun copies the parts; without sizes the axis is cut evenly.
func splitRun(c *Call, x *tensor.Tensor, axis int, sizes []int64, uneven bool) error {
	s := x.Shape()
	n, outs := s[axis], len(c.Out)
	part := n / outs
	if uneven {
		part = (n + outs - 1) / outs
	} else if sizes == nil && n%outs != 0 {
		return fmt.Errorf("ops: an axis of length %d does not split into %d equal parts", n, outs)
	}
	if sizes != nil && len(sizes) != outs {
		return fmt.Errorf("ops: split %v for %d outputs", sizes, outs)
	}
	var buf mvDims
	dims := append(buf[:0], s...)
	outer, inner, at := mvLen(s[:axis]), mvLen(s[axis+1:]), 0
	from := mvDataOf(x)
	for i := range c.Out {
		m := part
		if sizes != nil {
			m = int(sizes[i])
		} else if i == outs-1 {
			m = n - at
		}
		if m < 0 || at+m > n || i == outs-1 && at+m != n {
			return fmt.Errorf("ops: split %v does not fit an axis of length %d", sizes, n)
		}
		dims[axis] = m
		if c.Out[i] != nil {
			y, err := mvOut(c, i, x.DType(), dims)
			if err != nil {
				return err
			}
			blockCopy(mvDataOf(y), from, outer, m*inner, m*inner, 0, n*inner, at*inner, c.Threads)
		}
		at += m
	}
	return nil
}
