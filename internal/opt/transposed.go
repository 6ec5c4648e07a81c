package opt

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// transposedProducts lets a MatMul read an operand in place whose last two axes a Transpose swaps.
func transposedProducts(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if !takesTransposed(n) || r.gone(n) {
				continue
			}
			in := [2]*graph.Value{n.In[0], n.In[1]}
			var flip [2]int64
			var drop []*graph.Node
			for i := range in {
				if t := r.by(in[i], "Transpose"); t != nil && swapsLast(t) {
					in[i], flip[i] = t.In[0], 1
					if r.only(t.Out[0]) == n {
						drop = append(drop, t)
					}
				}
			}
			if flip == [2]int64{} {
				continue
			}
			attrs := ops.Attrs{onnx.NewString("activation", ""), floats(nil), onnx.NewFloat("alpha", 1), onnx.NewInt("transA", flip[0]), onnx.NewInt("transB", flip[1])}
			f := newNode("onnxrun", "FusedMatMul", 1, attrs, in[0], in[1])
			f.Name = n.Name
			r.replace(f, n, drop...)
		}
		return nil
	})
}

// takesTransposed reports whether n is a product whose operands can be read transposed.
func takesTransposed(n *graph.Node) bool {
	return is(n, "MatMul") && n.In[0].DType == tensor.Float32 && n.In[0].Rank() >= 2 && n.In[1].Rank() >= 2
}

func swapsLast(t *graph.Node) bool {
	perm := t.Attrs.IntList("perm")
	n := len(perm)
	if n == 0 {
		return t.In[0].Rank() == 2
	}
	for i, p := range perm {
		want := i
		if i >= n-2 {
			want = 2*n - 3 - i
		}
		if int(p) != want {
			return false
		}
	}
	return n >= 2
}
