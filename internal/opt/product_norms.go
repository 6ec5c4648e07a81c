package opt

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/onnx"
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

// scaleGemm folds factors and sums into the weights and the bias of a Gemm.
func (r *rewriter) scaleGemm(n *graph.Node) {
	w := n.In[1].Const
	across := n.Attrs.Bool("transB")
	columns := w.Shape()[1]
	if across {
		columns = w.Shape()[0]
	}
	a := r.affineOf(n.Out[0], 1, columns)
	own := func(int) float64 { return 0 }
	if len(n.In) > 2 && n.In[2] != nil {
		beta := float64(n.Attrs.Float("beta"))
		c := channelConst(n.In[2], 2, 1, columns)
		if c == nil {
			return
		}
		own = func(i int) float64 { return beta * c(i) }
	}
	if len(a.nodes) == 0 {
		return
	}
	a.compute(columns)
	scale, bias := singles(a.scale), a.shift
	for i := range bias {
		bias[i] += own(i) * a.scale[i]
	}
	m := *n
	m.Attrs = with(n.Attrs, onnx.NewFloat("beta", 1))
	m.In = []*graph.Value{n.In[0], n.In[1], vector(n.Path()+"/bias", bias)}
	if a.scaled {
		m.In[1] = graph.Derive(n.In[1].Name, n.In[1], func(dst, src []float32, first int) {
			if across {
				scaleRows(dst, src, scale[first:], w.Shape()[1])
				return
			}
			for i := 0; i < len(src); i += columns {
				vec.Mul(dst[i:i+columns], src[i:i+columns], scale)
			}
		})
	}
	r.collapse(&m, n, a)
}
