package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// flowers writes a model of two layers, 4 inputs and 3 classes, and a table of samples that are easy to tell apart.
func flowers(t *testing.T) (model, table string) {
	t.Helper()
	dir := t.TempDir()
	model, table = filepath.Join(dir, "flowers.onnx"), filepath.Join(dir, "flowers.csv")
	weight := func(name string, shape ...int) *onnx.TensorProto {
		v := make([]float32, tensor.Shape(shape).Len())
		for i := range v {
			v[i] = float32((i*7+len(name))%11-5) / 10
		}
		return tensor.NewProto(name, tensor.FromSlice(v, shape...))
	}
	gemm := func(in, layer, out string) *onnx.Node {
		return &onnx.Node{Name: "/" + layer + "/Gemm", OpType: "Gemm", Inputs: []string{in, layer + ".weight", layer + ".bias"}, Outputs: []string{out},
			Attributes: []*onnx.Attribute{onnx.NewInt("transB", 1)}}
	}
	value := func(name string, width int64) *onnx.ValueInfo {
		return &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(tensor.Float32, onnx.NamedDim("n"), onnx.FixedDim(width))}
	}
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.OpsetID{{Version: 17}}, Graph: &onnx.Graph{Name: "g",
		Inputs: []*onnx.ValueInfo{value("x", 4)}, Outputs: []*onnx.ValueInfo{value("y", 3)},
		Initializers: []*onnx.TensorProto{weight("a.weight", 8, 4), weight("a.bias", 8), weight("b.weight", 3, 8), weight("b.bias", 3)},
		Nodes:        []*onnx.Node{gemm("x", "a", "h"), {Name: "relu", OpType: "Relu", Inputs: []string{"h"}, Outputs: []string{"r"}}, gemm("r", "b", "y")}}}
	if err := onnx.WriteFile(model, m, nil); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for i := range 90 {
		x := [4]float64{}
		x[i%3] = 1 + float64(i%7)/10
		fmt.Fprintf(&text, "%d,%g,%g,%g,%g\n", i%3, x[0], x[1], x[2], float64(i%5)/10)
	}
	if err := os.WriteFile(table, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return model, table
}

// TestFinetuneLoRA trains low-rank branches and a new head behind dropout. The model written is one of plain layers; the
// adapter makes the base give the same scores.
func TestFinetuneLoRA(t *testing.T) {
	model, table := flowers(t)
	dir := t.TempDir()
	out, adapter := filepath.Join(dir, "out.onnx"), filepath.Join(dir, "adapter")
	code, _, stderr := onnxrun(t, "finetune", model, "--data", table, "--epochs", "4", "--lora", "2", "--lora-target", "a", "--new-head", "--dropout", "0.1",
		"--adapter", adapter, "--run-dir", filepath.Join(dir, "run"), "-o", out)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	f, err := onnx.Open(out, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.Graph.Nodes); n != 3 {
		t.Errorf("the model written has %d nodes, want the 3 of the base", n)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	a, err := finetune.ReadAdapter(adapter)
	if err != nil {
		t.Fatal(err)
	}
	if a.Layers["a"] == nil || len(a.Layers) != 1 || a.Saved["b.weight"] == nil || a.Saved["b.bias"] == nil {
		t.Errorf("the adapter has layers %v and parameters %v", a.Layers, a.Saved)
	}
	same(t, "the base with the adapter", scores(t, "y", "run", model, "--adapter", adapter), scores(t, "y", "run", out))
	if code, _, stderr := onnxrun(t, "finetune", model, "--data", table, "--epochs", "1", "--dropout", "0.2", "--run-dir", filepath.Join(dir, "head"), "-o", out); code != exitOK {
		t.Errorf("dropout before the last layer: exit %d: %s", code, stderr)
	}
	if code, _, stderr := onnxrun(t, "finetune", model, "--data", table, "--epochs", "1", "--recurrent-dropout", "0.2", "-o", out); code != exitFailed ||
		!strings.Contains(stderr, "no LSTM") {
		t.Errorf("recurrent dropout without recurrent nodes: exit %d: %s", code, stderr)
	}
}
