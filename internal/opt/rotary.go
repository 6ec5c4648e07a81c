package opt

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// rotations finds rotary embeddings that are written as x*cos + Concat(-x[half:], x[:half])*sin over [batch, heads,
// length, size].
func rotations(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if is(n, "Add") && !r.gone(n) && n.In[0].DType == tensor.Float32 && n.Out[0].Rank() == 4 {
				r.rotation(n)
			}
		}
		return nil
	})
}

func (r *rewriter) rotation(sum *graph.Node) {
	for i := range 2 {
		straight, turned := r.by(sum.In[i], "Mul"), r.by(sum.In[1-i], "Mul")
		if straight == nil || turned == nil || r.only(sum.In[i]) != sum || r.only(sum.In[1-i]) != sum {
			continue
		}
		for j := range 4 {
			x, cos := straight.In[j&1], straight.In[1-j&1]
			half, sin := turned.In[j>>1], turned.In[1-j>>1]
			if drop := r.halves(half, x, turned); drop != nil && sameType(cos, sin) && sameType(sum.Out[0], x) && tableFits(cos, x) {
				r.emitRotation(x, cos, sin, sum, append(drop, straight, turned))
				return
			}
		}
	}
}

// halves returns the nodes that make v, read by user alone, of the negative second half of x and the first one; nil if
// that is not what v is.
func (r *rewriter) halves(v, x *graph.Value, user *graph.Node) []*graph.Node {
	c := r.by(v, "Concat")
	if c == nil || r.only(v) != user || len(c.In) != 2 || x.Rank() != 4 {
		return nil
	}
	if axis := c.Attrs.IntOr("axis", 0); axis != -1 && axis != 3 {
		return nil
	}
	neg := r.by(c.In[0], "Neg")
	size, ok := x.Dims[3].Const()
	if neg == nil || !ok || size%2 != 0 || r.only(c.In[0]) != c || !sameType(v, x) {
		return nil
	}
	nodes := []*graph.Node{c, neg}
	for i, part := range []*graph.Value{c.In[1], neg.In[0]} {
		n := part.From
		if n == nil || !r.live(n) || n.In[0] != x {
			return nil
		}
		at, ok := r.rangeOf(part, 3)
		d, known := part.Dims[3].Const()
		if !ok || !known || d != size/2 || at != int64(i)*size/2 {
			return nil
		}
		if r.only(part) != nil && len(n.Out) == 1 {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// tableFits reports whether a table has whole vectors and broadcasts to x without making it larger.
func tableFits(table, x *graph.Value) bool {
	if table.DType != tensor.Float32 || !table.Ranked || len(table.Dims) == 0 || len(table.Dims) > 4 {
		return false
	}
	for i := range table.Dims {
		d, want := table.Dims[len(table.Dims)-1-i], x.Dims[3-i]
		if c, ok := d.Const(); !d.Equal(want) && (i == 0 || !ok || c != 1) {
			return false
		}
	}
	return true
}

func (r *rewriter) emitRotation(x, cos, sin *graph.Value, sum *graph.Node, drop []*graph.Node) {
	h := r.headsOf(x)
	if h.base == nil || h.view == nil && h.base != x {
		h = heads{base: x}
	}
	attrs := ops.Attrs{onnx.NewInts("x_view", h.view...)}
	r.replace(newNode("onnxrun", "RotateHalf", 1, attrs, h.base, cos, sin), sum, drop...)
}
