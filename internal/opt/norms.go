package opt

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// norms finds layer normalisation and root-mean-square normalisation over the last axis that are written as
// means, differences and roots.
func norms(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if !is(n, "Sqrt") || r.gone(n) || n.In[0].DType != tensor.Float32 {
				continue
			}
			r.norm(n)
		}
		return nil
	})
}

// norm matches around root = Sqrt(ReduceMean(d^2) + eps). d is x for the root mean square, and
// x - ReduceMean(x) for layer normalisation.
func (r *rewriter) norm(root *graph.Node) {
	sum := r.by(root.In[0], "Add")
	if sum == nil || r.only(root.In[0]) != root {
		return
	}
	eps, k := 0.0, -1
	for i := range 2 {
		if v, ok := scalar(sum.In[i]); ok {
			eps, k = v, 1-i
		}
	}
	if k < 0 {
		return
	}
	mean := r.lastMean(sum.In[k])
	if mean == nil || r.only(mean.Out[0]) != sum {
		return
	}
	d, square := r.squared(mean.In[0])
	if d == nil || r.only(square.Out[0]) != mean {
		return
	}
	div, inverse := r.divided(root, d)
	if div == nil || !sameType(div.Out[0], d) {
		return
	}
	drop := append(inverse, root, sum, mean, square)
	scale := r.only(div.Out[0])
	gamma := r.lastAxisConst(scale, "Mul", div.Out[0])
	if gamma == nil {
		return
	}
	drop = append(drop, div)
	if sub := r.by(d, "Sub"); sub != nil && len(r.users()[d]) <= 3 && r.readBy(d, square, div) {
		if m := r.lastMean(sub.In[1]); m != nil && m.In[0] == sub.In[0] && r.only(m.Out[0]) == sub {
			r.layerNorm(sub.In[0], gamma, eps, scale, append(drop, sub, m))
			return
		}
	}
	r.replace(newNode("", "RMSNormalization", 23, normAttrs(eps), d, gamma), scale, drop...)
}

func (r *rewriter) layerNorm(x, gamma *graph.Value, eps float64, scale *graph.Node, drop []*graph.Node) {
	in := []*graph.Value{x, gamma}
	last := scale
	if add := r.only(scale.Out[0]); add != nil {
		if beta := r.lastAxisConst(add, "Add", scale.Out[0]); beta != nil {
			in, drop, last = append(in, beta), append(drop, scale), add
		}
	}
	r.replace(newNode("", "LayerNormalization", 17, normAttrs(eps), in...), last, drop...)
}

func normAttrs(eps float64) ops.Attrs {
	return ops.Attrs{onnx.NewInt("axis", -1), onnx.NewFloat("epsilon", float32(eps)), onnx.NewInt("stash_type", 1)}
}

// lastMean returns the node if v is a mean over the last axis that keeps it.
func (r *rewriter) lastMean(v *graph.Value) *graph.Node {
	n := r.by(v, "ReduceMean")
	if n == nil || n.Attrs.IntOr("keepdims", 1) != 1 || !n.In[0].Ranked {
		return nil
	}
	axes := axesOf(n)
	if len(axes) != 1 || axes[0] != -1 && axes[0] != int64(n.In[0].Rank()-1) {
		return nil
	}
	return n
}

// squared returns x if v is x^2 or x*x.
func (r *rewriter) squared(v *graph.Value) (*graph.Value, *graph.Node) {
	if p := r.by(v, "Pow"); p != nil && near(p.In[1], 2) {
		return p.In[0], p
	}
	if m := r.by(v, "Mul"); m != nil && m.In[0] == m.In[1] {
		return m.In[0], m
	}
	return nil, nil
}

// divided returns the node that divides d by root, directly or by multiplying with 1/root.
func (r *rewriter) divided(root *graph.Node, d *graph.Value) (*graph.Node, []*graph.Node) {
	n := r.only(root.Out[0])
	if is(n, "Div") && n.In[0] == d && n.In[1] == root.Out[0] {
		return n, nil
	}
	if is(n, "Reciprocal") || is(n, "Div") && near(n.In[0], 1) && n.In[1] == root.Out[0] {
		if m := r.only(n.Out[0]); is(m, "Mul") && other(m, n.Out[0]) == d {
			return m, []*graph.Node{n}
		}
	}
	return nil, nil
}

// lastAxisConst returns the other operand of n if n is the named operator and the operand a float32
// constant vector as long as the last axis of v.
func (r *rewriter) lastAxisConst(n *graph.Node, op string, v *graph.Value) *graph.Value {
	if !is(n, op) || len(v.Dims) == 0 || !sameType(n.Out[0], v) {
		return nil
	}
	c := other(n, v)
	if c == nil || c.Rank() != 1 || !rowBias(c, v.Dims[len(v.Dims)-1]) {
		return nil
	}
	return c
}

// readBy reports whether only the given nodes read v.
func (r *rewriter) readBy(v *graph.Value, nodes ...*graph.Node) bool {
	for _, u := range r.users()[v] {
		found := false
		for _, n := range nodes {
			found = found || u == n
		}
		if !found {
			return false
		}
	}
	return true
}
