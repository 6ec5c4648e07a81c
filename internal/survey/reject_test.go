package survey_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/internal/survey"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestRejects checks the invalid models and those that only look like it: each in five seconds, each finding
// with a rule and a message.
func TestRejects(t *testing.T) {
	for archive, least := range map[string]int{"invalid.zip": 177, "invalid-mutations.zip": 85} {
		opts := conform.Options{Timeout: 10 * time.Second, Attempt: func(path string) error {
			start := time.Now()
			v, err := survey.Check(path, "", "")
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("%s took %v", path, d)
			}
			if err != nil || len(v.Findings) == 0 {
				return err
			}
			for _, f := range v.Findings {
				if f.Rule == "" || f.Message == "" {
					t.Errorf("%s: %+v", path, f)
				}
			}
			if v.OK {
				return ops.Unsupported("%+v", v.Findings)
			}
			return fmt.Errorf("%+v", v.Findings)
		}}
		list, err := conform.Invalid(context.Background(), "../../testdata/conformance/"+archive, opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if r.Status != conform.Passed {
				t.Errorf("%s: %s", r.Name, r.Reason)
			}
		}
		if len(list) < least {
			t.Errorf("%s holds %d models, want %d", archive, len(list), least)
		}
	}
}

// TestEveryError: a node that contradicts its inputs hides neither another one nor a wrong declaration, and
// what follows from it is not reported.
func TestEveryError(t *testing.T) {
	value := func(name string, dims ...int64) *onnx.ValueInfo {
		v := &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(tensor.Float32)}
		for _, d := range dims {
			v.Type.Dims = append(v.Type.Dims, onnx.FixedDim(d))
		}
		return v
	}
	m := &onnx.Model{IRVersion: 10, Opsets: []onnx.OpsetID{{Version: 20}}, Graph: &onnx.Graph{
		Name: "g", Inputs: []*onnx.ValueInfo{value("x", 2, 3)}, Outputs: []*onnx.ValueInfo{value("y", 2, 3), value("z", 2, 4)},
		ValueInfos: []*onnx.ValueInfo{value("r", 3, 2)},
		Nodes: []*onnx.Node{
			{Name: "first", OpType: "MatMul", Inputs: []string{"x", "x"}, Outputs: []string{"a"}},
			{Name: "after", OpType: "MatMul", Inputs: []string{"a", "x"}, Outputs: []string{"b"}},
			{Name: "relu", OpType: "Relu", Inputs: []string{"x"}, Outputs: []string{"r"}},
			{Name: "second", OpType: "Transpose", Inputs: []string{"r"}, Outputs: []string{"c"}, Attributes: []*onnx.Attribute{onnx.NewInts("perm", 0, 0)}},
			{Name: "sum", OpType: "Add", Inputs: []string{"b", "c"}, Outputs: []string{"y"}},
			{Name: "third", OpType: "Abs", Inputs: []string{"x"}, Outputs: []string{"z"}},
		},
	}}
	v := survey.CheckModel(m)
	var nodes []string
	for _, f := range v.Findings {
		nodes = append(nodes, f.Node)
	}
	if want := []string{"first", "second", "", ""}; v.OK || fmt.Sprint(nodes) != fmt.Sprint(want) {
		t.Errorf("findings %+v, want nodes %q", v.Findings, want)
	}
}
