package opt

import (
	"bytes"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
)

// pairedGradients makes one node of the two gradients of a depthwise convolution: both take as long as moving what they read.
func pairedGradients(g *graph.Graph) error {
	infer, err := &graph.Inferrer{}, error(nil)
	g.Walk(func(g *graph.Graph) {
		at := map[*graph.Node]int{}
		for i, n := range g.Nodes {
			at[n] = i
		}
		gone := map[*graph.Node]bool{}
		for i, n := range g.Nodes {
			if gone[n] || !depthwiseGradient(n) {
				continue
			}
			for _, m := range g.Nodes[i+1:] {
				if gone[m] || !depthwiseGradient(m) || !pairOf(n, m) || slices.ContainsFunc(m.In, func(v *graph.Value) bool { return v.From != nil && at[v.From] > i }) {
					continue
				}
				both := joinedGradients(n, m)
				g.Nodes[i], gone[m] = both, true
				if e := infer.Node(both); err == nil {
					err = e
				}
				break
			}
		}
		g.Nodes = slices.DeleteFunc(g.Nodes, func(n *graph.Node) bool { return gone[n] })
	})
	return err
}

// depthwiseGradient reports whether n is a gradient of a convolution each of whose channels is a group, with channels last.
func depthwiseGradient(n *graph.Node) bool {
	if n.Domain != "onnxrun" || n.Type != "NhwcConvGradX" && n.Type != "NhwcConvGradW" || n.Attrs.Bool("transposed") {
		return false
	}
	groups := n.Attrs.IntOr("group", 1)
	shape, ok := n.In[3].Ints()
	return ok && groups > 1 && len(shape) > 1 && int(shape[0]) == groups && shape[1] == 1
}

// pairOf reports whether n and m are the two gradients of one convolution.
func pairOf(n, m *graph.Node) bool {
	if n.Type == m.Type || n.In[0] != m.In[0] || !slices.EqualFunc(n.Attrs, m.Attrs, sameAttribute) {
		return false
	}
	for i := 2; i < 4; i++ {
		a, ok := n.In[i].Ints()
		b, okB := m.In[i].Ints()
		if !ok || !okB || !slices.Equal(a, b) {
			return false
		}
	}
	return true
}

// joinedGradients returns the node that makes what n and m make.
func joinedGradients(n, m *graph.Node) *graph.Node {
	x, w := n, m
	if n.Type == "NhwcConvGradW" {
		x, w = m, n
	}
	both := newNode("onnxrun", "NhwcConvGrad", 1, x.Attrs, x.In[0], w.In[1], x.In[1], x.In[2], x.In[3])
	both.Name, both.Out = n.Name, []*graph.Value{x.Out[0], w.Out[0]}
	for i, v := range both.Out {
		v.From, v.Index = both, i
	}
	return both
}

// sameAttribute compares attributes of numbers and strings.
func sameAttribute(a, b *onnx.Attribute) bool {
	k, ok := appendAttr(nil, a)
	l, okB := appendAttr(nil, b)
	return ok && okB && bytes.Equal(k, l)
}
