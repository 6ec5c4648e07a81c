package finetune

import (
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// addedDropout ends the names of Dropout nodes that a transformation has added.
const addedDropout = "/onnxrun.dropout"

// dropoutNode returns a Dropout node of inference, which passes x on, in the form of the model's opset.
func (e *editor) dropoutNode(stem, x string, ratio float64, d tensor.DType) *onnx.Node {
	n := &onnx.Node{Name: e.fresh(stem + addedDropout), OpType: "Dropout", Inputs: []string{x}, Outputs: []string{e.fresh(stem + ".dropped")}}
	switch v := e.model.Opset(""); {
	case v >= 12:
		n.Inputs = append(n.Inputs, e.scalar(stem+".ratio", ratio, tensor.Float32))
	case v >= 7:
		n.Attributes = []*onnx.Attribute{onnx.NewFloat("ratio", float32(ratio))}
	default:
		n.Attributes = []*onnx.Attribute{onnx.NewInt("is_test", 1), onnx.NewFloat("ratio", float32(ratio))}
	}
	e.makers[n.Outputs[0]] = n
	return n
}
