package onnx_test

import (
	"fmt"
	"os"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// A model is made, checked, encoded, decoded and written as text.
func Example() {
	m := &onnx.Model{
		IRVersion: 10,
		Opsets:    []onnx.OpsetID{{Version: 21}},
		Graph: &onnx.Graph{
			Name:         "double",
			Inputs:       []*onnx.ValueInfo{{Name: "x", Type: onnx.NewTensorType(tensor.Float32, onnx.NamedDim("n"))}},
			Initializers: []*onnx.TensorProto{tensor.NewProto("two", tensor.Scalar(float32(2)))},
			Nodes:        []*onnx.Node{{OpType: "Mul", Inputs: []string{"x", "two"}, Outputs: []string{"y"}}},
			Outputs:      []*onnx.ValueInfo{{Name: "y", Type: onnx.NewTensorType(tensor.Float32, onnx.NamedDim("n"))}},
		},
	}
	if err := onnx.Check(m).Err(); err != nil {
		fmt.Println(err)
	}
	decoded, err := onnx.Decode(onnx.Encode(m))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := onnx.Dump(os.Stdout, decoded); err != nil {
		fmt.Println(err)
	}
	// Output:
	// model ir_version=10 producer="" opset=ai.onnx:21
	// graph double {
	//   input x: float32[n]
	//   initializer two: float32[] [2]
	//   y: float32[n] = Mul(x, two)
	//   output y: float32[n]
	// }
}

// Check says what is wrong, and where.
func ExampleCheck() {
	m := &onnx.Model{IRVersion: 10, Opsets: []onnx.OpsetID{{Version: 21}}, Graph: &onnx.Graph{
		Nodes: []*onnx.Node{{Name: "first", OpType: "Relu", Inputs: []string{"x"}, Outputs: []string{"y"}}},
	}}
	for _, f := range onnx.Check(m) {
		fmt.Printf("%s (%s): %s\n", f.Node, f.Rule, f.Message)
	}
	// Output: first (input): input "x" is produced by no earlier node, graph input or initializer
}
