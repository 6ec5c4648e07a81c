package opt

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// keptGates lets recurrent layers keep their gates and states for their gradients, which would run the layer once more.
func keptGates(g *graph.Graph) error {
	infer, err := &graph.Inferrer{}, error(nil)
	g.Walk(func(g *graph.Graph) {
		for i, n := range g.Nodes {
			if n.Domain != "onnxrun" || n.Type != "RNNGrad" || len(n.In) > ops.KeptGatesInput {
				continue
			}
			for _, f := range g.Nodes[:i] {
				if err == nil && keepsFor(f, n) {
					n.In = append(n.In, make([]*graph.Value, ops.KeptGatesInput-len(n.In))...)
					n.In = append(n.In, keptBy(f))
					err = infer.Node(f)
					break
				}
			}
		}
	})
	return err
}

// keepsFor reports whether n is the gradient of f, and f can keep what it needs.
func keepsFor(f, n *graph.Node) bool {
	cell := n.Attrs.Str("cell")
	if f.Type != cell || f.Domain != "" && f.Domain != "onnxrun" || len(f.In) < 3 || f.In[0].DType != tensor.Float32 {
		return false
	}
	at := func(in []*graph.Value, i int) *graph.Value {
		if i < len(in) {
			return in[i]
		}
		return nil
	}
	for i := range 9 {
		if at(f.In, i) != at(n.In, i) {
			return false
		}
	}
	return ops.KeepsGates(cell, f.Attrs, n.Attrs, at(f.In, 7) != nil)
}

// keptBy returns what f keeps, which becomes a node of the domain onnxrun for it.
func keptBy(f *graph.Node) *graph.Value {
	for len(f.Out) <= ops.KeptGates {
		f.Out = append(f.Out, nil)
	}
	if v := f.Out[ops.KeptGates]; v != nil {
		return v
	}
	f.Domain, f.Version = "onnxrun", 1
	f.Op = ops.Default().Find(f.Domain, f.Type, f.Version)
	v := &graph.Value{Name: "kept", From: f, Index: ops.KeptGates}
	f.Out[ops.KeptGates] = v
	return v
}
