package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/tensor"
)

// branches puts the nodes of the branch that an If with constant condition takes in its place, in g and the
// graphs inside it.
func branches(g *graph.Graph) error {
	r := graph.Replacements{}
	inline(g, r)
	g.Replace(r)
	return nil
}

func inline(g *graph.Graph, r graph.Replacements) {
	for i := 0; i < len(g.Nodes); i++ {
		n := g.Nodes[i]
		body := taken(n, r)
		if body == nil {
			for _, b := range n.Bodies {
				inline(b.Graph, r)
			}
			continue
		}
		for _, inner := range body.Nodes {
			for _, b := range inner.Bodies {
				b.Graph.Parent = g
			}
		}
		g.Nodes = slices.Replace(g.Nodes, i, i+1, body.Nodes...)
		for k, v := range n.Out {
			if v != nil {
				r[v] = body.Outputs[k]
			}
		}
		i-- // the nodes that came in may be of the same kind
	}
}

// taken returns the body that always runs, nil if n is no If or its condition is open.
func taken(n *graph.Node, r graph.Replacements) *graph.Graph {
	if !is(n, "If") || n.In[0] == nil || !r.Of(n.In[0]).IsConst() {
		return nil
	}
	c := tensor.Of[bool](r.Of(n.In[0]).Const)
	switch {
	case len(c) != 1:
		return nil
	case c[0]:
		return n.Body("then_branch")
	}
	return n.Body("else_branch")
}

// identities removes nodes that hand on their input as it is: Identity, casts to the type a value has, Dropout outside
// of training, and movements that move nothing.
func identities(g *graph.Graph) error {
	r := graph.Replacements{}
	g.Walk(func(sub *graph.Graph) {
		kept := sub.Nodes[:0]
		for _, n := range sub.Nodes {
			v := passesOn(n)
			if v == nil {
				kept = append(kept, n)
				continue
			}
			r[n.Out[0]] = r.Of(v)
		}
		sub.Nodes = kept
	})
	g.Replace(r)
	return nil
}

// passesOn returns the input that n passes on as it is, nil if there is none.
func passesOn(n *graph.Node) *graph.Value {
	if n.Domain != "" || len(n.In) == 0 || n.In[0] == nil || len(n.Out) != 1 || n.Out[0] == nil {
		return nil
	}
	if n.Type == "Mul" {
		for i, v := range n.In {
			if other := n.In[1-i]; sameType(n.Out[0], v) && sameType(v, other) && allOnes(other) {
				return v
			}
		}
		return nil
	}
	if v := n.In[0]; sameType(n.Out[0], v) && keeps(n) {
		return v
	}
	return nil
}

// keeps reports whether n, whose result has the type of its first input, does not change that.
func keeps(n *graph.Node) bool {
	switch n.Type {
	case "Identity":
		return true
	case "Cast":
		return n.In[0].DType != tensor.String
	case "Dropout":
		return len(n.In) < 3 || n.In[2] == nil || constantFalse(n.In[2])
	case "Reshape", "Expand":
		return true // to the dimensions it has
	case "Slice":
		return len(n.In) < 5 || allInts(n.In[4], 1)
	case "Pad":
		return len(n.In) > 1 && allInts(n.In[1], 0)
	}
	return false
}

// allOnes reports whether v is a constant of ones, as the gradient of a sum is; the scale of a normalisation that happens to be one is
// repeated along other axes.
func allOnes(v *graph.Value) bool {
	if !v.IsConst() || v.DType != tensor.Float32 {
		return false
	}
	return !slices.ContainsFunc(tensor.Of[float32](v.Const), func(x float32) bool { return x != 1 })
}

// allInts reports whether v is absent or consists of constants that equal want.
func allInts(v *graph.Value, want int64) bool {
	if v == nil {
		return true
	}
	list, ok := v.Ints()
	return ok && !slices.ContainsFunc(list, func(x int64) bool { return x != want })
}

// constantFalse reports whether v is known to be one false.
func constantFalse(v *graph.Value) bool {
	if !v.IsConst() {
		return false
	}
	c := tensor.Of[bool](v.Const)
	return len(c) == 1 && !c[0]
}
