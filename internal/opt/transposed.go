package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// transposedProducts lets a product read an operand in place whose last two axes a Transpose swaps, and makes a product of two
// matrices that is transposed, as the gradient of a transposed weight is, of the factors in the other order.
func transposedProducts(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			switch {
			case r.gone(n):
			case takesTransposed(n):
				r.transposedOperands(n)
			case is(n, "Transpose") && n.In[0] != nil && n.In[0].Rank() == 2 && swapsLast(n):
				r.transposedResult(n)
			}
		}
		return nil
	})
}

// transposedOperands drops the transpositions of the operands of n.
func (r *rewriter) transposedOperands(n *graph.Node) {
	in := slices.Clone(n.In)
	flip := transpositions(n)
	found := false
	var drop []*graph.Node
	for i := range 2 {
		if t := r.by(in[i], "Transpose"); t != nil && swapsLast(t) {
			in[i], flip[i], found = t.In[0], !flip[i], true
			if r.only(t.Out[0]) == n {
				drop = append(drop, t)
			}
		}
	}
	if found {
		r.replace(productOf(n, flip, in), n, drop...)
	}
}

// transposedResult makes the product whose result t transposes give the transposed result.
func (r *rewriter) transposedResult(t *graph.Node) {
	n := t.In[0].From
	if n == nil || !r.live(n) || !takesTransposed(n) || len(n.In) != 2 || n.Attrs.Str("activation") != "" || r.only(n.Out[0]) != t {
		return
	}
	if n.In[0].Rank() != 2 || n.In[1].Rank() != 2 {
		return
	}
	flip := transpositions(n)
	r.replace(productOf(n, [2]bool{!flip[1], !flip[0]}, []*graph.Value{n.In[1], n.In[0]}), t, n)
}

// transpositions says which operands of a product are read transposed.
func transpositions(n *graph.Node) [2]bool {
	return [2]bool{n.Attrs.Bool("transA"), n.Attrs.Bool("transB")}
}

// productOf returns n with other operands.
func productOf(n *graph.Node, flip [2]bool, in []*graph.Value) *graph.Node {
	alpha := float32(1)
	if n.Attrs.HasAttr("alpha") {
		alpha = n.Attrs.Float("alpha")
	}
	attrs := ops.Attrs{onnx.NewString("activation", n.Attrs.Str("activation")), floats(n.Attrs.FloatList("activation_params")), onnx.NewFloat("alpha", alpha),
		onnx.NewInt("transA", flag(flip[0])), onnx.NewInt("transB", flag(flip[1]))}
	f := newNode("onnxrun", "FusedMatMul", 1, attrs, in...)
	f.Name = n.Name
	return f
}

// takesTransposed reports whether n is a product whose operands can be read transposed.
func takesTransposed(n *graph.Node) bool {
	product := is(n, "MatMul") || n.Domain == "onnxrun" && n.Type == "FusedMatMul"
	return product && n.In[0].DType == tensor.Float32 && n.In[0].Rank() >= 2 && n.In[1].Rank() >= 2
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
