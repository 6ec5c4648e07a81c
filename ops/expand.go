package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

func expandInfer(c *InferCtx) error {
	x := c.Type(0)
	if err := mvIsList(c, 1, "shape"); err != nil {
		return err
	}
	want, ok := c.Exprs(1)
	if n, counted := mvListLen(c, 1); !ok && counted && x.Ranked {
		dims := c.FreshDims(max(n, len(x.Dims)))
		for i, d := range x.Dims {
			// past the list there is nothing to broadcast with; beside a size other than 1 there is 1 or the same
			if v, known := d.Const(); len(x.Dims)-i > n || known && v != 1 {
				dims[len(dims)-len(x.Dims)+i] = d
			}
		}
		c.Set(0, x.DType, dims...)
		return nil
	}
	if !ok || !x.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	out := make([]Dim, max(len(want), len(x.Dims)))
	for i := range out {
		a, b := sym.Const(1), sym.Const(1)
		if j := i - len(out) + len(x.Dims); j >= 0 {
			a = x.Dims[j]
		}
		if j := i - len(out) + len(want); j >= 0 {
			b = want[j]
		}
		var fits bool
		if out[i], fits = broadcastDim(a, b); !fits {
			return fmt.Errorf("ops: input 0 has shape %v, which does not broadcast with input 1 (shape), %v", x, want)
		}
	}
	if err := mvSet(c, 0, x.DType, out...); err != nil {
		return err
	}
	if e, ok := mvElems(c, 0); ok && len(out) == 1 && len(e) == 1 {
		fillElems(c, out[0], e[0])
	}
	return nil
}

func expandKernel(*KernelCtx) (Kernel, error) {
	return Kernel{Run: func(c *Call) error {
		x := c.In[0]
		want := integers(c.In[1])
		s := x.Shape()
		var db, sb mvDims
		dims, strides := db[:0], sb[:0]
		n := max(len(want), len(s))
		for i := range n {
			a, b := 1, 1
			if j := i - n + len(s); j >= 0 {
				a = s[j]
			}
			if j := i - n + len(want); j >= 0 {
				b = int(want[j])
			}
			if a != b && a != 1 && b != 1 || b < 0 {
				return expandError(x, want)
			}
			if a == 1 {
				dims = append(dims, b)
			} else {
				dims = append(dims, a)
			}
		}
		y, err := mvOut(c, 0, x.DType(), dims)
		if err != nil {
			return err
		}
		strides = append(strides, dims...)
		expandStrides(strides, s)
		var ob mvDims
		mvStrided(mvDataOf(y), mvDataOf(x), move.Copy{Dims: dims, DstStride: mvStrides(ob[:0], dims), SrcStride: strides}, c.Threads)
		return nil
	}}, nil
}

var expandGrad = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.sumTo(dy, x) })

func expandError(x *tensor.Tensor, want []int64) error {
	return fmt.Errorf("ops: input 0 has shape %v, which does not broadcast with %v", x.Shape(), want)
}

// expandStrides sets strides to those of a tensor of shape s, aligned at the end; broadcast axes have stride 0.
func expandStrides(strides []int, s []int) {
	step := 1
	for i := len(strides) - 1; i >= 0; i-- {
		j := i - len(strides) + len(s)
		if j < 0 || s[j] == 1 {
			strides[i] = 0
			continue
		}
		strides[i] = step
		step *= s[j]
	}
}

// tile1Infer is Tile before version 6: one axis, named by an input, is repeated.
func tile1Infer(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		c.SetType(0, x)
		return nil
	}
	n, okN := c.Exprs(1)
	axis, okA := c.Ints(2)
	if !okA || len(axis) != 1 {
		c.Set(0, x.DType, c.FreshDims(len(x.Dims))...)
		return nil
	}
	a, err := mvAxis(int(axis[0]), len(x.Dims))
	if err != nil {
		return err
	}
	out := append([]Dim(nil), x.Dims...)
	if out[a] = c.Fresh(); okN && len(n) == 1 {
		out[a] = x.Dims[a].Mul(n[0])
	}
	return mvSet(c, 0, x.DType, out...)
}

func tileInfer(c *InferCtx) error {
	x := c.Type(0)
	if err := mvIsList(c, 1, "repeats"); err != nil {
		return err
	}
	if !x.Ranked {
		c.SetType(0, x)
		return nil
	}
	n, ok := c.Exprs(1)
	if !ok {
		c.Set(0, x.DType, c.FreshDims(len(x.Dims))...)
		return nil
	}
	if len(n) != len(x.Dims) {
		return fmt.Errorf("ops: input 1 (repeats) has %d elements for an input of shape %v", len(n), x)
	}
	out := make([]Dim, len(n))
	for i := range out {
		out[i] = x.Dims[i].Mul(n[i])
	}
	if err := mvSet(c, 0, x.DType, out...); err != nil {
		return err
	}
	if e, ok := mvElems(c, 0); ok && len(out) == 1 {
		if m, ok := n[0].Const(); ok && m >= 0 && int(m)*len(e) <= maxElems {
			all := []Dim{}
			for range m {
				all = append(all, e...)
			}
			mvSetElems(c, 0, all)
		}
	}
	return nil
}

func tileKernel(k *KernelCtx) (Kernel, error) {
	one := len(k.In) > 2 && k.Has(2) // version 1
	return Kernel{Run: func(c *Call) error {
		s := c.In[0].Shape()
		var rb mvDims
		reps := rb[:0]
		if one {
			tiles, axis := tensor.Float64s(c.In[1], 1), tensor.Float64s(c.In[2], 1)
			if len(tiles) != 1 || len(axis) != 1 {
				return fmt.Errorf("ops: tiles and axis have %d and %d elements, want 1", len(tiles), len(axis))
			}
			a, err := mvAxis(int(axis[0]), len(s))
			if err != nil {
				return err
			}
			for range s {
				reps = append(reps, 1)
			}
			reps[a] = int(tiles[0])
		} else {
			for _, v := range integers(c.In[1]) {
				reps = append(reps, int(v))
			}
		}
		return tileRun(c, reps)
	}}, nil
}

// tileRun repeats the input reps[i] times along axis i: a copy with an axis of stride 0 before each axis.
func tileRun(c *Call, reps []int) error {
	x := c.In[0]
	s := x.Shape()
	if len(reps) != len(s) {
		return fmt.Errorf("ops: input 1 (repeats) has %d elements for an input of shape %v", len(reps), s)
	}
	var ob mvDims
	out := ob[:0]
	for i, n := range reps {
		if n < 0 {
			return fmt.Errorf("ops: input 1 (repeats) has a negative element %d", n)
		}
		out = append(out, s[i]*n)
	}
	y, err := mvOut(c, 0, x.DType(), out)
	if err != nil {
		return err
	}
	var buf [3][16]int
	dims, to, from := buf[0][:0], buf[1][:0], buf[2][:0]
	step, back := y.Len(), x.Len()
	if step == 0 {
		return nil
	}
	for i, n := range reps {
		step /= n
		dims, to, from = append(dims, n), append(to, step), append(from, 0)
		step, back = step/s[i], back/s[i]
		dims, to, from = append(dims, s[i]), append(to, step), append(from, back)
	}
	mvStrided(mvDataOf(y), mvDataOf(x), move.Copy{Dims: dims, DstStride: to, SrcStride: from}, c.Threads)
	return nil
}

// tileGrad sees every axis of dy as repetitions of the input's axis and sums over the repetitions.
func tileGrad(c GradCtx) error {
	g := grads{c}
	x, dy := g.In(0), g.Dy(0)
	if dy == 0 || !g.Wants(0) {
		return nil
	}
	rank, err := g.rank(x)
	if err != nil {
		return err
	}
	column := g.ints(1)
	pairs := g.with("Concat", map[string]any{"axis": 1}, g.op("Unsqueeze", g.In(1), column), g.op("Unsqueeze", g.shape(x), column))
	axes := make([]int64, rank)
	for i := range axes {
		axes[i] = int64(2 * i)
	}
	blocks := g.with("Reshape", map[string]any{"allowzero": 1}, dy, g.op("Reshape", pairs, g.ints(-1)))
	g.SetGrad(0, g.with("ReduceSum", map[string]any{"keepdims": 0, "noop_with_empty_axes": 1}, blocks, g.ints(axes...)))
	return nil
}

// tile1Grad is tileGrad for one axis.
func tile1Grad(c GradCtx) error {
	g := grads{c}
	x, dy := g.In(0), g.Dy(0)
	if dy == 0 || !g.Wants(0) {
		return nil
	}
	rank, err := g.rank(x)
	if err != nil {
		return err
	}
	axis := g.Of(g.In(2)).Const // a number of the type of x
	if axis == nil || axis.Len() != 1 {
		return Unsupported("no gradient of Tile along an axis that is not constant")
	}
	at, err := mvAxis(int(tensor.Float64s(axis, 1)[0]), rank)
	if err != nil {
		return err
	}
	before := g.with("Shape", map[string]any{"end": at}, x)
	behind := g.with("Shape", map[string]any{"start": at}, x)
	times := g.with("Cast", map[string]any{"to": tensor.Int64}, g.op("Reshape", g.In(1), g.ints(1)))
	blocks := g.with("Concat", map[string]any{"axis": 0}, before, times, behind)
	g.SetGrad(0, g.with("ReduceSum", map[string]any{"keepdims": 0},
		g.with("Reshape", map[string]any{"allowzero": 1}, dy, blocks), g.ints(int64(at))))
	return nil
}
