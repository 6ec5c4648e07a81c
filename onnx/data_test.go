package onnx_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

var kinds = map[onnx.TypeKind]tensor.Kind{onnx.TypeTensor: tensor.KindTensor, onnx.TypeSequence: tensor.KindSequence,
	onnx.TypeOptional: tensor.KindOptional, onnx.TypeMap: tensor.KindMap, onnx.TypeSparse: tensor.KindSparse}

// TestDataSets reads the inputs and outputs of every official case as what the model declares.
func TestDataSets(t *testing.T) {
	seen := map[tensor.Kind]int{}
	for _, archive := range []string{"node.zip", "models.zip", "extra-visible.zip"} {
		for _, c := range cases(t, archive) {
			m, err := onnx.Decode(c.read(t, "model.onnx"))
			if err != nil {
				t.Fatal(err)
			}
			inputs := slices.DeleteFunc(slices.Clone(m.Graph.Inputs), func(v *onnx.ValueInfo) bool {
				return slices.ContainsFunc(m.Graph.Initializers, func(w *onnx.TensorProto) bool { return w.Name == v.Name })
			})
			for what, list := range map[string][]*onnx.ValueInfo{"input": inputs, "output": m.Graph.Outputs} {
				for i, v := range list {
					file := fmt.Sprintf("test_data_set_0/%s_%d.pb", what, i)
					if _, ok := c.files[file]; !ok {
						continue
					}
					got, err := tensor.DecodeValue(kinds[v.Type.Kind], c.read(t, file))
					if err != nil {
						t.Errorf("%s: %s: %v", c.name, file, err)
						continue
					}
					seen[got.Kind()]++
					if got.Kind() == tensor.KindTensor && got.DType() != v.Type.DType() {
						t.Errorf("%s: %s is of %v, declared %v", c.name, file, got.DType(), v.Type)
					}
				}
			}
		}
	}
	t.Logf("values by kind: %v", seen)
}
