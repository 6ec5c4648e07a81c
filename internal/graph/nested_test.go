package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// nestedLoop returns a body that doubles its value after a loop of the same kind inside.
func nestedLoop(depth int) *onnx.Graph {
	name := func(s string) string { return fmt.Sprint(s, depth) }
	inner := &onnx.Node{OpType: "Identity", Inputs: []string{name("x")}, Outputs: []string{name("l")}}
	if depth > 0 {
		inner = &onnx.Node{OpType: "Loop", Inputs: []string{"m", "", name("x")}, Outputs: []string{name("l")},
			Attributes: []*onnx.Attribute{onnx.NewGraph("body", nestedLoop(depth-1))}}
	}
	info := func(s string, d tensor.DType) *onnx.ValueInfo {
		return &onnx.ValueInfo{Name: name(s), Type: &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(d)}}
	}
	return &onnx.Graph{Name: name("body"),
		Inputs:  []*onnx.ValueInfo{info("i", tensor.Int64), info("c", tensor.Bool), info("x", tensor.Float32)},
		Outputs: []*onnx.ValueInfo{info("d", tensor.Bool), info("y", tensor.Float32)},
		Nodes: []*onnx.Node{inner,
			{OpType: "Concat", Inputs: []string{name("l"), name("l")}, Outputs: []string{name("y")}, Attributes: []*onnx.Attribute{onnx.NewInt("axis", 0)}},
			{OpType: "Identity", Inputs: []string{name("c")}, Outputs: []string{name("d")}}}}
}

// TestNestedLoops infers loops whose bodies all have to be inferred several times.
func TestNestedLoops(t *testing.T) {
	for _, depth := range []int{2, 90} {
		m := &onnx.Model{IRVersion: 8, Opsets: []onnx.OpsetID{{Version: 16}}, Graph: &onnx.Graph{Name: "g",
			Inputs: []*onnx.ValueInfo{{Name: "m", Type: onnx.NewTensorType(tensor.Int64)},
				{Name: "x", Type: onnx.NewTensorType(tensor.Float32, onnx.Dim{Kind: onnx.DimParam, Param: "n"})}},
			Outputs: []*onnx.ValueInfo{{Name: "y", Type: &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(tensor.Float32)}}},
			Nodes: []*onnx.Node{{OpType: "Loop", Inputs: []string{"m", "", "x"}, Outputs: []string{"y"},
				Attributes: []*onnx.Attribute{onnx.NewGraph("body", nestedLoop(depth))}}}}}
		start := time.Now()
		g, err := graph.Build(m, ops.Default())
		if err == nil {
			err = graph.Infer(g)
		}
		if deep := depth > 20; deep != (err != nil) || deep && !strings.Contains(err.Error(), "nested") {
			t.Errorf("%d loops: error %v", depth, err)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%d loops took %v", depth, d)
		}
	}
}
