package opt

import (
	"testing"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestLongChain removes a chain of 200,000 identities, each of which is an output, too: that takes time in
// proportion to its length.
func TestLongChain(t *testing.T) {
	x := &graph.Value{Name: "x", Value: ops.Value{Type: ops.TensorType(tensor.Float32, sym.Const(2))}}
	g := &graph.Graph{Inputs: []*graph.Value{x}}
	for v := x; len(g.Nodes) < 200000; {
		n := newNode("", "Identity", 16, nil, v)
		v = &graph.Value{Name: "v", Value: x.Value, From: n}
		n.Out = []*graph.Value{v}
		g.Nodes = append(g.Nodes, n)
		g.Outputs = append(g.Outputs, v)
	}
	if err := identities(g); err != nil {
		t.Fatal(err)
	}
	if len(g.Nodes) != 0 {
		t.Errorf("%d nodes are left", len(g.Nodes))
	}
	for i, v := range g.Outputs {
		if v != x {
			t.Fatalf("output %d is %s, want x", i, v.Name)
		}
	}
}
