package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
)

// moves removes Transpose and Reshape nodes that undo, repeat or change nothing: a Transpose of a Transpose becomes one (unless
// a product can read it as it lies), or none if the axes are back in order; a Reshape that reads nothing from its input's shape ignores other changes of shape
// before it; a change of shape to the same shape goes. What is left without a reader is for prune.
func moves(g *graph.Graph) error {
	r := graph.Replacements{}
	g.Walk(func(sub *graph.Graph) {
		for _, n := range sub.Nodes {
			if len(n.Out) != 1 || n.Out[0] == nil || len(n.In) == 0 || n.In[0] == nil {
				continue
			}
			n.In[0] = r.Of(n.In[0])
			switch {
			case is(n, "Transpose"):
				moveAxes(n, r)
			case reshapes(n):
				for absolute(n) && n.In[0].From != nil && reshapes(n.In[0].From) {
					n.In[0] = n.In[0].From.In[0]
				}
				if sameType(n.Out[0], n.In[0]) {
					r[n.Out[0]] = n.In[0]
				}
			}
		}
	})
	g.Replace(r)
	return nil
}

// moveAxes merges a Transpose with one before it.
func moveAxes(n *graph.Node, r graph.Replacements) {
	perm, ok := axes(n)
	if !ok {
		return
	}
	if before := n.In[0].From; is(before, "Transpose") && before.In[0] != nil {
		if first, ok := axes(before); ok && len(first) == len(perm) {
			merged := make([]int64, len(perm))
			for i, p := range perm {
				merged[i] = first[p]
			}
			if !swapsLast(n) || isIdentity(merged) { // a product reads what swaps its last axes as it lies
				perm = merged
				n.In[0] = before.In[0]
				n.Attrs = ops.Attrs{onnx.NewInts("perm", perm...)}
			}
		}
	}
	if isIdentity(perm) {
		r[n.Out[0]] = n.In[0]
	}
}

func isIdentity(perm []int64) bool {
	for i, p := range perm {
		if int(p) != i {
			return false
		}
	}
	return true
}

// axes returns the permutation of a Transpose.
func axes(n *graph.Node) ([]int64, bool) {
	rank := n.In[0].Rank()
	if !n.In[0].Ranked {
		return nil, false
	}
	perm := n.Attrs.IntList("perm")
	if len(perm) == 0 {
		for i := range rank {
			perm = append(perm, int64(rank-1-i))
		}
	}
	return perm, len(perm) == rank
}

// reshapes reports whether n only changes the shape of its first input.
func reshapes(n *graph.Node) bool {
	return is(n, "Reshape") || is(n, "Flatten") || is(n, "Squeeze") || is(n, "Unsqueeze")
}

// absolute reports whether n makes the same of every tensor with as many elements.
func absolute(n *graph.Node) bool {
	if !is(n, "Reshape") || len(n.In) < 2 || n.In[1] == nil {
		return false
	}
	if n.Attrs.Bool("allowzero") {
		return true
	}
	if to, known := n.In[1].Ints(); known {
		return !slices.Contains(to, 0)
	}
	for _, d := range n.In[1].Elems {
		if v, ok := d.Const(); ok && v == 0 { // copies a dimension
			return false
		}
	}
	return len(n.In[1].Elems) > 0
}
