package main

import (
	"path/filepath"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

func TestOptimize(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.onnx"), filepath.Join(dir, "out.onnx")
	value := func(name string) *onnx.ValueInfo {
		return &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(tensor.Float32, onnx.NamedDim("n"), onnx.FixedDim(3))}
	}
	node := func(op, input, output string) *onnx.Node {
		return &onnx.Node{OpType: op, Inputs: []string{input}, Outputs: []string{output}}
	}
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.OpsetID{{Version: 17}}, ProducerName: "test", Graph: &onnx.Graph{
		Name: "g", Inputs: []*onnx.ValueInfo{value("x")}, Outputs: []*onnx.ValueInfo{value("y"), value("z"), value("same")},
		Nodes: []*onnx.Node{node("Exp", "x", "a"), node("Exp", "x", "b"), node("Identity", "b", "c"),
			{OpType: "Add", Inputs: []string{"a", "c"}, Outputs: []string{"y"}}, node("Transpose", "y", "t"), node("Transpose", "t", "z"), node("Identity", "x", "same")},
	}}
	if err := onnx.WriteFile(in, m, nil); err != nil {
		t.Fatal(err)
	}
	code, text, stderr := onnxrun(t, "optimize", in, "-o", out, "--json")
	v := lastLine(t, text)
	if code != exitOK || v["version"] != 1.0 || v["checked"].(map[string]any)["outputs"] != 3.0 {
		t.Fatalf("exit %d, %s%s", code, text, stderr)
	}
	before, after := v["before"].(map[string]any), v["after"].(map[string]any)
	if before["nodes"] != 7.0 || after["nodes"] != 4.0 || after["operators"].(map[string]any)["Exp"] != 1.0 {
		t.Errorf("before %v, after %v", before, after)
	}
	f, err := onnx.Open(out, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if found := onnx.Check(f.Model); len(found) > 0 || f.ProducerName != "test" || f.Opset("") != 17 {
		t.Errorf("the model written: %v, producer %q, version %d", found, f.ProducerName, f.Opset(""))
	}
	if code, text, _ = onnxrun(t, "optimize", in, "-o", out, "--opt-skip", "subexpressions", "--json"); lastLine(t, text)["after"].(map[string]any)["nodes"] != 5.0 {
		t.Errorf("without merging equal nodes: exit %d, %s", code, text)
	}
}

func TestOptimizeErrors(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.onnx")
	for _, args := range [][]string{{digits(t)}, {digits(t), "-o", out, "--opt-skip", "prune"}, {digits(t), "-o", out, "--opt-skip", "x"}} {
		if code, _, stderr := onnxrun(t, append([]string{"optimize"}, args...)...); code != exitUsage {
			t.Errorf("%v: exit %d, %s", args[1:], code, stderr)
		}
	}
	if code, _, stderr := onnxrun(t, "optimize", digits(t), "-o", out); code != exitOK {
		t.Errorf("exit %d, %s", code, stderr)
	}
}
