package opt

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
)

// Nodes that keep the order of elements and give them another shape.

// reshape moves a Reshape that keeps batch and channels: the spatial axes become others. One of a tensor with a
// single position keeps its order of elements.
func (l *layout) reshape(n *graph.Node) bool {
	v, out := n.In[0], n.Out[0]
	if !l.moves(n) {
		return false
	}
	if fits(out) && out.Rank() != v.Rank() && v.Dims[0].Equal(out.Dims[0]) && v.Dims[1].Equal(out.Dims[1]) {
		if shape := shapeOf(lastType(out.Type).Dims); shape != nil {
			l.moved(newNode("", "Reshape", 14, ops.Attrs{onnx.NewInt("allowzero", 0)}, l.last(v), ints(n.Path()+"/shape", shape...)), out)
			return true
		}
	}
	return l.flatten(n)
}

// shapeOf returns dims for a Reshape that keeps the first of them, if the others are known.
func shapeOf(dims []ops.Dim) []int64 {
	shape := make([]int64, len(dims))
	for i, d := range dims[1:] {
		c, ok := d.Const()
		if !ok {
			return nil
		}
		shape[i+1] = c
	}
	return shape
}

// flatten moves a node that keeps the order of elements, for a tensor in which both layouts have the same.
func (l *layout) flatten(n *graph.Node) bool {
	v := n.In[0]
	if !l.moves(n) || stationary(v, toLast(v.Rank())) == nil || !n.Out[0].Ranked {
		return false
	}
	shape := make([]int64, len(n.Out[0].Dims))
	for i, d := range n.Out[0].Dims {
		c, ok := d.Const()
		switch {
		case ok:
			shape[i] = c
		case i == 0 && d.Equal(v.Dims[0]):
		default:
			return false
		}
	}
	l.takeOver(newNode("", "Reshape", 14, ops.Attrs{onnx.NewInt("allowzero", 0)}, l.last(v), ints(n.Path()+"/shape", shape...)), n.Out[0])
	return true
}

// squeeze drops spatial axes of which others stay, and unsqueeze adds some among them: both layouts keep batch and channels.
func (l *layout) squeeze(n *graph.Node) bool {
	return l.moves(n) && fits(n.Out[0]) && l.between(n, n.In[0].Rank()) || l.flatten(n)
}

func (l *layout) unsqueeze(n *graph.Node) bool {
	return l.moves(n) && fits(n.Out[0]) && l.between(n, n.Out[0].Rank())
}

// between moves a Squeeze or Unsqueeze whose axes, of the given rank, are known and all lie behind the channels.
func (l *layout) between(n *graph.Node, rank int) bool {
	axes := axesOf(n)
	if len(axes) == 0 {
		return false
	}
	moved := make([]int64, len(axes))
	for i, a := range axes {
		if moved[i] = lastAxis(a, rank); moved[i] < 1 || moved[i] == int64(rank-1) {
			return false
		}
	}
	m := newNode("", n.Type, 13, nil, l.last(n.In[0]), ints(n.Path()+"/axes", moved...))
	m.Name = n.Name
	l.moved(m, n.Out[0])
	return true
}
