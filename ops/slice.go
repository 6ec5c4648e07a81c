package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// sliceFar is the least end that stands for the end of any axis: exporters write the largest int32 or int64.
const sliceFar = math.MaxInt32

// sliceClamp resolves start and end on an axis of length n and returns where the slice begins and how many
// elements it has. step is not zero.
func sliceClamp(start, end, step int64, n int) (from, count int) {
	lo, hi := int64(0), int64(n) // bounds of start and end
	if step < 0 {
		lo, hi = -1, int64(n)-1
	}
	if n == 0 {
		return 0, 0
	}
	resolve := func(v, lowest int64) int64 {
		if v < 0 {
			v += int64(n)
		}
		return min(max(v, lowest), hi)
	}
	s, e := resolve(start, 0), resolve(end, lo)
	switch {
	case step > 0 && s < e:
		count = int((uint64(e-s) + uint64(step) - 1) / uint64(step))
	case step < 0 && e < s:
		count = int((uint64(s-e) + uint64(-step) - 1) / uint64(-step))
	}
	return int(s), count
}

// sliceLen is the number of elements of a slice of an axis of length d as an expression.
func sliceLen(c *InferCtx, start, end Dim, step int64, d Dim) Dim {
	s, okS := start.Const()
	e, okE := end.Const()
	n, okN := d.Const()
	switch {
	case okS && okE && okN:
		_, count := sliceClamp(s, e, step, int(n))
		return mvConst(count)
	case step == math.MinInt64:
		return c.Fresh()
	case step < 0:
		if whole := okS && okE && (s == -1 || s >= sliceFar) && e <= -sliceFar; !whole {
			return c.Fresh()
		}
		return d.CeilDiv(sym.Const(-step))
	}
	length, ok := sliceSpan(start, end, d)
	if !ok {
		return c.Fresh()
	}
	return length.CeilDiv(sym.Const(step))
}

// sliceSpan is the distance from start to end on an axis of length d, going forward. It fails where the sign of a
// bound is not known.
func sliceSpan(start, end, d Dim) (Dim, bool) {
	zero := sym.Const(0)
	s, okS := start.Const()
	e, okE := end.Const()
	negS, negE := okS && s < 0, okE && e < 0
	far := okE && e >= sliceFar || end.Equal(d)
	if !negS && !start.NonNegative() || !negE && !far && !end.NonNegative() || negS && s <= -sliceFar || negE && e <= -sliceFar {
		return zero, false
	}
	switch {
	case far && okS && s == 0:
		return d, true
	case far && negS:
		return d.Min(start.Neg()), true
	case far:
		return d.Sub(start).Max(zero), true
	case okS && s == 0 && !negE:
		return d.Min(end), true
	case okS && s == 0:
		return d.Add(end).Max(zero), true
	}
	from, to := d.Min(start), d.Min(end)
	if negS {
		from = d.Add(start).Max(zero)
	}
	if negE {
		to = d.Add(end).Max(zero)
	}
	return to.Sub(from).Max(zero), true
}

// sliceArgs are the arguments of a Slice that are known, one entry per named axis.
type sliceArgs struct {
	starts, ends []Dim
	axes         []int
	steps        []int64
}

// sliceRead reads the arguments of Slice: attributes before version 10, then inputs. ok is false if the axes or steps
// are not known; starts and ends are nil where they are not.
func sliceRead(c *InferCtx, rank int) (a sliceArgs, ok bool, err error) {
	var axes []int64
	n := 0
	if c.HasAttr("starts") {
		for _, v := range c.IntList("starts") {
			a.starts = append(a.starts, sym.Const(v))
		}
		for _, v := range c.IntList("ends") {
			a.ends = append(a.ends, sym.Const(v))
		}
		axes = c.IntList("axes")
		if n = len(a.starts); n != len(a.ends) {
			return a, false, fmt.Errorf("ops: %d starts and %d ends", n, len(a.ends))
		}
	} else {
		a.starts, _ = c.Exprs(1)
		a.ends, _ = c.Exprs(2)
		axes, _ = c.Ints(3)
		a.steps, _ = c.Ints(4)
		known := false
		for i := 1; i < 5 && !known; i++ {
			if c.Has(i) {
				n, known = mvListLen(c, i)
			}
		}
		if !known || c.Has(3) && axes == nil || c.Has(4) && a.steps == nil {
			return a, false, nil
		}
	}
	return sliceComplete(a, axes, n, rank)
}

// sliceComplete fills in the default axes and steps and checks that all lists have n elements.
func sliceComplete(a sliceArgs, axes []int64, n, rank int) (sliceArgs, bool, error) {
	if a.steps == nil {
		a.steps = slices.Repeat([]int64{1}, n)
	}
	if axes == nil {
		for i := range n {
			axes = append(axes, int64(i))
		}
	}
	if len(axes) != n || len(a.steps) != n || a.starts != nil && len(a.starts) != n || a.ends != nil && len(a.ends) != n {
		return a, false, fmt.Errorf("ops: starts, ends, axes and steps have %d, %d, %d and %d elements", len(a.starts), len(a.ends), len(axes), len(a.steps))
	}
	if _, err := mvAxisSet(axes, rank); err != nil {
		return a, false, err
	}
	for i, v := range axes {
		axis, _ := mvAxis(int(v), rank)
		a.axes = append(a.axes, axis)
		if a.steps[i] == 0 {
			return a, false, fmt.Errorf("ops: input 4 (steps) has a zero for axis %d", axis)
		}
	}
	return a, true, nil
}

func sliceInfer(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		c.SetType(0, x)
		return nil
	}
	a, ok, err := sliceRead(c, len(x.Dims))
	if err != nil {
		return err
	}
	if !ok {
		c.Set(0, x.DType, c.FreshDims(len(x.Dims))...)
		return nil
	}
	out := slices.Clone(x.Dims)
	for i, axis := range a.axes {
		if a.starts == nil || a.ends == nil || a.starts[i].Err() != nil || a.ends[i].Err() != nil {
			out[axis] = c.Fresh()
			continue
		}
		out[axis] = sliceLen(c, a.starts[i], a.ends[i], a.steps[i], x.Dims[axis])
	}
	if err := mvSet(c, 0, x.DType, out...); err != nil {
		return err
	}
	sliceElems(c, a)
	return nil
}

// sliceElems follows the elements of a list through a slice with constant bounds.
func sliceElems(c *InferCtx, a sliceArgs) {
	e, ok := mvElems(c, 0)
	if !ok || c.Type(0).Rank() != 1 || len(a.axes) != 1 || a.starts == nil || a.ends == nil {
		return
	}
	start, okS := a.starts[0].Const()
	end, okE := a.ends[0].Const()
	if !okS || !okE {
		return
	}
	from, n := sliceClamp(start, end, a.steps[0], len(e))
	out := make([]Dim, n)
	for i := range out {
		out[i] = e[from+i*int(a.steps[0])]
	}
	mvSetElems(c, 0, out)
}

func sliceKernel(k *KernelCtx) (Kernel, error) {
	attrs := k.Attrs
	given := k.HasAttr("starts")
	return Kernel{Run: func(c *Call) error {
		if given {
			return sliceRun(c, attrs.IntList("starts"), attrs.IntList("ends"), attrs.IntList("axes"), nil)
		}
		var axes, steps []int64
		if len(c.In) > 3 && c.In[3] != nil {
			axes = integers(c.In[3])
		}
		if len(c.In) > 4 && c.In[4] != nil {
			steps = integers(c.In[4])
		}
		return sliceRun(c, integers(c.In[1]), integers(c.In[2]), axes, steps)
	}}, nil
}

func sliceRun(c *Call, starts, ends, axes, steps []int64) error {
	x := c.In[0]
	s := x.Shape()
	var db, sb, tb mvDims
	dims, strides := append(db[:0], s...), mvStrides(sb[:0], s)
	off, err := sliceBox(dims, strides, starts, ends, axes, steps)
	if err != nil {
		return err
	}
	y, err := mvOut(c, 0, x.DType(), dims)
	if err != nil || mvLen(dims) == 0 {
		return err
	}
	mvStrided(mvDataOf(y), mvDataOf(x), move.Copy{Dims: dims, DstStride: mvStrides(tb[:0], dims), SrcStride: strides, SrcOff: off}, c.Threads)
	return nil
}

// sliceBox turns the shape and strides of a tensor into those of a slice of it and returns where that begins. axes
// and steps may be nil.
func sliceBox(dims, strides []int, starts, ends, axes, steps []int64) (off int, err error) {
	if len(starts) != len(ends) || axes != nil && len(axes) != len(starts) || steps != nil && len(steps) != len(starts) {
		return 0, fmt.Errorf("ops: starts, ends, axes and steps have %d, %d, %d and %d elements", len(starts), len(ends), len(axes), len(steps))
	}
	for i := range starts {
		axis, step := int64(i), int64(1)
		if axes != nil {
			axis = axes[i]
		}
		if steps != nil {
			step = steps[i]
		}
		a, err := mvAxis(int(axis), len(dims))
		if err != nil {
			return 0, err
		}
		if step == 0 {
			return 0, fmt.Errorf("ops: input 4 (steps) has a zero for axis %d", a)
		}
		from, n := sliceClamp(starts[i], ends[i], step, dims[a])
		dims[a] = n
		off += from * strides[a]
		if n > 1 {
			strides[a] *= int(step)
		}
	}
	return off, nil
}

// sliceGrad puts the gradient where the slice was cut from.
func sliceGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		a := g.Attrs()
		if !a.HasAttr("starts") {
			return g.own("SliceGrad", nil, dy, g.shape(x), g.In(1), g.In(2), g.In(3), g.In(4))
		}
		axes := Ref(0)
		if a.HasAttr("axes") {
			axes = g.ints(a.IntList("axes")...)
		}
		return g.own("SliceGrad", nil, dy, g.shape(x), g.ints(a.IntList("starts")...), g.ints(a.IntList("ends")...), axes)
	})(c)
}

// SliceGrad of the onnxrun domain makes zeros of a given shape with its first input in the place of a slice.
func sliceGradInfer(c *InferCtx) error { return shapedInfer(c, 1) }

// shapedInfer infers an output of the element type of input 0 whose shape is the list in input i.
func shapedInfer(c *InferCtx, i int) error {
	d := c.Type(0).DType
	if dims, ok := c.Exprs(i); ok {
		return mvSet(c, 0, d, append([]Dim(nil), dims...)...)
	}
	if n, ok := mvListLen(c, i); ok {
		c.Set(0, d, c.FreshDims(n)...)
		return nil
	}
	c.SetType(0, Unranked(d))
	return nil
}

func sliceGradKernel(*KernelCtx) (Kernel, error) {
	list := func(c *Call, i int) []int64 {
		if i >= len(c.In) || c.In[i] == nil {
			return nil
		}
		return integers(c.In[i])
	}
	return Kernel{Run: func(c *Call) error {
		dy := c.In[0]
		y, err := shapedOut(c, 1)
		if err != nil {
			return err
		}
		var db, sb, tb mvDims
		dims, strides := append(db[:0], y.Shape()...), mvStrides(sb[:0], y.Shape())
		off, err := sliceBox(dims, strides, list(c, 2), list(c, 3), list(c, 4), list(c, 5))
		if err != nil {
			return err
		}
		if !dy.Shape().Equal(dims) {
			return fmt.Errorf("ops: gradient has shape %v, want %v", dy.Shape(), append([]int(nil), dims...))
		}
		clear(y.Bytes())
		if dy.Len() == 0 {
			return nil
		}
		mvStrided(mvDataOf(y), mvDataOf(dy), move.Copy{Dims: dims, SrcStride: mvStrides(tb[:0], dims), DstStride: strides, DstOff: off}, c.Threads)
		return nil
	}}, nil
}

// shapedOut returns output 0 with the element type of input 0 and the shape that input i lists.
func shapedOut(c *Call, i int) (*tensor.Tensor, error) {
	var buf mvDims
	dims := buf[:0]
	for _, d := range integers(c.In[i]) {
		dims = append(dims, int(d))
	}
	return mvOut(c, 0, c.In[0].DType(), dims)
}

// sliceGradGrad is the slice itself.
func sliceGradGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, _, _ Ref) Ref { return g.op("Slice", dy, g.In(2), g.In(3), g.In(4), g.In(5)) })(c)
}
