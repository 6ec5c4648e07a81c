package graph

import (
	"strings"

	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// Complete fills in, where inference left dimensions of outputs and of values of bodies open, what the model
// declares of them. That is for readers only: nothing checks declarations while a model runs, so no program
// may be compiled from a completed graph.
func Complete(g *Graph) {
	for i, v := range g.Inputs {
		if g.Parent != nil && i < len(g.inputsSay) {
			v.Type = complete(v.Type, g.inputsSay[i])
		}
	}
	for _, n := range g.Nodes {
		for _, b := range n.Bodies {
			Complete(b.Graph)
		}
		if body := n.Body("body"); body != nil && n.Domain == "" && n.Type == "Loop" {
			n.completeStacked(body)
		}
	}
	for i, v := range g.Outputs {
		if v != nil && i < len(g.declared) {
			v.Type = complete(v.Type, g.declared[i])
		}
	}
}

// completeStacked carries what is now known of a Loop body's results over to the tensors made of them.
func (n *Node) completeStacked(body *Graph) {
	for i := len(n.In) - 2; i >= 0 && i < len(n.Out) && i+1 < len(body.Outputs); i++ {
		v, row := n.Out[i], body.Outputs[i+1]
		if v == nil || !v.Ranked || !row.Ranked || row.Kind != tensor.KindTensor {
			continue
		}
		dims := append(append([]ops.Dim(nil), v.Dims[0]), row.Dims...)
		v.Type = complete(v.Type, ops.TensorType(v.DType, dims...))
	}
}

// complete returns t with its open dimensions replaced by those that d gives.
func complete(t, d ops.Type) ops.Type {
	if t.Kind != d.Kind || t.DType != d.DType {
		return t
	}
	if t.Elem != nil && d.Elem != nil {
		elem := complete(*t.Elem, *d.Elem)
		t.Elem = &elem
		return t
	}
	if !d.Ranked || t.Ranked && len(t.Dims) != len(d.Dims) {
		return t
	}
	if !t.Ranked {
		t.Ranked, t.Dims = true, d.Dims
		return t
	}
	dims := append([]ops.Dim(nil), t.Dims...)
	for i := range dims {
		if open(dims[i]) && !open(d.Dims[i]) {
			dims[i] = d.Dims[i]
		}
	}
	t.Dims = dims
	return t
}

// open reports whether a dimension depends on sizes that inference had to leave open. The symbols of those
// start with a question mark; dimensions without a name in the model hold a colon.
func open(d ops.Dim) bool {
	for _, s := range d.Symbols() {
		if strings.HasPrefix(s, "?") || strings.Contains(s, ":") {
			return true
		}
	}
	return false
}
