package opt

import (
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
)

// TestGatesLeaveOneReader trains a normalisation with an activation behind it: both run as one node, and so do their gradients.
func TestGatesLeaveOneReader(t *testing.T) {
	for _, c := range []struct{ name, text string }{{"Relu", "Relu n -> q"}, {"Clip", "Clip n 0 6 -> q"}} {
		m := ParseModel("image", "Conv image K4x4x3x3 -> c; BatchNormalization c G4 B4 M4 V4 training_mode=1 -> n; "+c.text+"; Conv q L5x4x3x3 -> r")
		m.Opsets = append(m.Opsets, onnx.OpsetID{Domain: "ai.onnx.preview.training", Version: 1})
		m.Graph.Nodes = append(m.Graph.Nodes, &onnx.Node{OpType: "Gradient", Domain: "ai.onnx.preview.training", Inputs: []string{"image"}, Outputs: []string{"y"},
			Attributes: []*onnx.Attribute{onnx.NewStrings("xs", "image"), onnx.NewString("y", "r")}})
		m.Graph.Outputs = append(m.Graph.Outputs, &onnx.ValueInfo{Name: "r", Type: m.Graph.Outputs[0].Type})
		g, err := graph.Build(m, ops.Default())
		if err != nil {
			t.Fatal(err)
		}
		if g, err = Apply(g, Options{}); err != nil {
			t.Fatal(err)
		}
		count := func(kind, attr string) (n int) {
			for _, node := range g.Nodes {
				if node.Type == kind && (attr == "" || node.Attrs.HasAttr(attr)) {
					n++
				}
			}
			return n
		}
		merged := slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return n.Type == "NhwcBatchNorm" && n.Attrs.Str("activation") == c.name })
		if !merged || count("BatchNormGrad", "low") != 1 || count(c.name, "")+count("Greater", "")+count("Less", "")+count("Where", "") > 0 {
			for _, n := range g.Nodes {
				t.Log(n.Type, n.Attrs)
			}
			t.Errorf("%s is a node of its own, or its gradient", c.name)
		}
	}
}
