package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// axes returns for each input of n the axis whose positions the same positions of the output's axis are computed from: -1 where
// the input is needed as a whole. It returns nil where n mixes positions, or is not known.
func (s *selection) axes(n *graph.Node, axis int) []int {
	out := n.Out[0]
	if !out.Ranked || slices.ContainsFunc(n.In, func(v *graph.Value) bool { return v != nil && !v.Ranked }) {
		return nil
	}
	whole := slices.Repeat([]int{-1}, len(n.In))
	first := func(a int) []int {
		if whole[0] = a; a < 0 {
			return nil
		}
		return whole
	}
	rank := out.Rank()
	switch {
	case n.Op != nil && n.Op.Flags&ops.Elementwise != 0:
		return s.spread(n, axis, rank)
	case is(n, "MatMul"):
		return s.product(n, axis)
	case is(n, "Gemm") && axis == 0 && !n.Attrs.Bool("transA"):
		if len(n.In) > 2 && n.In[2] != nil && n.In[2].Rank() == 2 && !one(n.In[2].Dims[0]) {
			whole[2] = 0
		}
		return first(0)
	case is(n, "LayerNormalization"), is(n, "RMSNormalization"):
		from := n.Attrs.IntOr("axis", -1)
		if from < 0 {
			from += rank
		}
		if axis >= from || slices.ContainsFunc(n.In[1:], func(v *graph.Value) bool { return v != nil && v.Rank() > rank-from }) {
			return nil
		}
		return first(axis)
	case (is(n, "Softmax") || is(n, "LogSoftmax")) && n.Version >= 13:
		if a := n.Attrs.IntOr("axis", -1); a == axis || a == axis-rank {
			return nil
		}
		return first(axis)
	case is(n, "Transpose"):
		if perm, ok := axes(n); ok {
			return first(int(perm[axis]))
		}
	case is(n, "Reshape"):
		if s.keeps(n, axis) {
			return first(axis)
		}
	case is(n, "Attention"):
		return s.queries(n, axis)
	}
	return nil
}

func one(d ops.Dim) bool { c, ok := d.Const(); return ok && c == 1 }

// spread serves inputs that broadcast, their last axes being the last of rank ones.
func (s *selection) spread(n *graph.Node, axis, rank int) []int {
	list := make([]int, len(n.In))
	for i, v := range n.In {
		list[i] = -1
		if v == nil {
			continue
		}
		a := axis - rank + v.Rank()
		switch {
		case a < 0 || one(v.Dims[a]) && !one(n.Out[0].Dims[axis]):
		case !v.Dims[a].Equal(n.Out[0].Dims[axis]):
			return nil
		default:
			list[i] = a
		}
	}
	return list
}

// product serves MatMul: the rows of the first operand, or an axis of matrices.
func (s *selection) product(n *graph.Node, axis int) []int {
	a, b := n.In[0], n.In[1]
	rank := n.Out[0].Rank()
	switch {
	case a.Rank() < 2 || b.Rank() < 2 || axis == rank-1:
		return nil
	case axis == rank-2:
		return []int{a.Rank() - 2, -1}
	}
	return s.spread(n, axis, rank)
}

// keeps reports whether an axis, and those before it, stay as they are when n changes the shape.
func (s *selection) keeps(n *graph.Node, axis int) bool {
	x, y := n.In[0], n.Out[0]
	list, ok := n.In[1].Ints()
	if !ok || axis >= x.Rank() || len(list) != y.Rank() {
		return false
	}
	for i := range axis + 1 {
		if !x.Dims[i].Equal(y.Dims[i]) {
			return false
		}
	}
	return true
}

// shape returns the second input of a Reshape whose axis has been selected.
func (s *selection) shape(n *graph.Node, axis int) *graph.Value {
	list, _ := n.In[1].Ints()
	if list[axis] == -1 || list[axis] == 0 && !n.Attrs.Bool("allowzero") {
		return n.In[1]
	}
	list = slices.Clone(list)
	list[axis] = s.count
	return &graph.Value{Name: n.Path() + "/shape", Value: ops.ConstValue(tensor.FromSlice(list, len(list)))}
}

// queries serves Attention: positions of the result are those of the queries, as far as no position counts.
func (s *selection) queries(n *graph.Node, axis int) []int {
	window := max(n.Attrs.IntOr("left_window_size", -1), n.Attrs.IntOr("right_window_size", -1)) >= 0
	rank := n.Out[0].Rank()
	if window || n.Attrs.Bool("is_causal") || axis != rank-2 {
		return nil
	}
	list := slices.Repeat([]int{-1}, len(n.In))
	list[0] = axis
	for i, v := range n.In[3:] {
		if v == nil {
			continue
		}
		if i > 0 { // a past, or lengths, that positions count from
			return nil
		}
		if r := v.Rank(); r > 1 && !one(v.Dims[r-2]) {
			if !v.Dims[r-2].Equal(n.In[0].Dims[axis]) {
				return nil
			}
			list[3] = r - 2
		}
	}
	return list
}
