package opt

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/tensor"
)

// productNorms writes a BatchNormalization in inference form of the columns of a product with constant weights as a factor and a sum, which
// the pass scales folds into the product. A Reshape between them that keeps the columns, as exporters write where a layer for vectors is
// used on sequences, follows the sum.
func productNorms(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if is(n, "BatchNormalization") && !r.gone(n) {
				r.productNorm(n)
			}
		}
		return nil
	})
}

func (r *rewriter) productNorm(bn *graph.Node) {
	v := bn.In[0]
	if v == nil || !v.Ranked || v.Rank() != 2 || len(bn.Out) != 1 || bn.Attrs.Bool("training_mode") {
		return
	}
	scale, shift := normFactors(bn)
	if scale == nil || r.only(v) != bn {
		return
	}
	view := v.From
	if keepsColumns(view) && r.live(view) && r.only(view.In[0]) == view {
		v = view.In[0]
	} else {
		view = nil
	}
	if !r.columns(v, len(scale)) {
		return
	}
	factor := newNode("", "Mul", 14, nil, v, vector(bn.Path()+"/scale", scale))
	sum := newNode("", "Add", 14, nil, r.insert(bn, factor, v.Type), vector(bn.Path()+"/shift", shift))
	if view == nil {
		r.replace(sum, bn)
		return
	}
	again := *view
	again.In = append([]*graph.Value{r.insert(bn, sum, v.Type)}, view.In[1:]...)
	r.replace(&again, bn, view)
}

// keepsColumns reports whether n gives its input another shape with the same last axis.
func keepsColumns(n *graph.Node) bool {
	if !is(n, "Reshape") && !is(n, "Flatten") || len(n.Out) != 1 || n.In[0] == nil || !n.In[0].Ranked || n.In[0].Rank() < 1 {
		return false
	}
	in, out := n.In[0].Dims, n.Out[0].Dims
	return in[len(in)-1].Equal(out[len(out)-1])
}

// columns reports whether v is a product of so many columns with constant weights, constants added perhaps, and what v is made of has no other reader.
func (r *rewriter) columns(v *graph.Value, n int) bool {
	p := v.From
	for is(p, "Add") && r.live(p) {
		u := p.In[0]
		if u.Const != nil {
			u = p.In[1]
		}
		if channelConst(other(p, u), v.Rank(), v.Rank()-1, n) == nil || !sameType(u, v) || r.only(u) != p {
			return false
		}
		p = u.From
	}
	return (is(p, "MatMul") || is(p, "Gemm")) && r.live(p) && constMatrix(p.In[1])
}

// constMatrix reports whether v is a constant matrix of float32.
func constMatrix(v *graph.Value) bool {
	return v != nil && v.Const != nil && v.Const.DType() == tensor.Float32 && v.Rank() == 2
}
