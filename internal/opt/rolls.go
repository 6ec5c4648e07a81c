package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// rolls finds cyclic shifts along one axis or several, each of which is written as two slices that change places.
func rolls(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if is(n, "Concat") && !r.gone(n) && len(n.In) == 2 && n.Out[0].DType == tensor.Float32 {
				r.roll(n)
			}
		}
		return nil
	})
}

func (r *rewriter) roll(c *graph.Node) {
	front, back := r.by(c.In[0], "Slice"), r.by(c.In[1], "Slice")
	if front == nil || back == nil || front.In[0] != back.In[0] || !sameType(c.Out[0], front.In[0]) || c.Out[0].Rank() > 8 {
		return
	}
	x := front.In[0]
	axis := c.Attrs.IntOr("axis", 0)
	if axis < 0 {
		axis += x.Rank()
	}
	shift, ok := sliceStart(front, axis)
	first, okFirst := sliceStart(back, axis)
	n, okN := x.Dims[axis].Const()
	a, okA := c.In[0].Dims[axis].Const()
	b, okB := c.In[1].Dims[axis].Const()
	if !ok || !okFirst || !okN || !okA || !okB || first != 0 || a != n-shift || b != shift {
		return
	}
	var drop []*graph.Node
	for _, s := range []*graph.Node{front, back} {
		if r.only(s.Out[0]) == c {
			drop = append(drop, s)
		}
	}
	axes, shifts := []int64{int64(axis)}, []int64{shift}
	if m := x.From; m != nil && m.Domain == "onnxrun" && m.Type == "Roll" && len(drop) == 2 && r.readBy(x, front, back) {
		if before := m.Attrs.IntList("axes"); !slices.Contains(before, int64(axis)) {
			axes, shifts = append(axes, before...), append(shifts, m.Attrs.IntList("shifts")...)
			x = m.In[0] // the other one has no reader left
		}
	}
	r.replace(newNode("onnxrun", "Roll", 1, ops.Attrs{onnx.NewInts("axes", axes...), onnx.NewInts("shifts", shifts...)}, x), c, drop...)
}
