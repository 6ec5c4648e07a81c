package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

func TestConvert(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.onnx")
	for _, opset := range []string{"28", "7", "ai.onnx=13"} {
		code, text, stderr := onnxrun(t, "convert", digits(t), "--opset", opset, "-o", out, "--check", "--json")
		v := lastLine(t, text)
		if code != exitOK || v["checked"].(map[string]any)["outputs"] != 1.0 {
			t.Fatalf("--opset %s: exit %d, %s%s", opset, code, text, stderr)
		}
		want := strings.TrimPrefix(opset, "ai.onnx=")
		f, err := onnx.Open(out, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Opset(""); strconv.FormatInt(got, 10) != want || v["opsets"].(map[string]any)["ai.onnx"] != float64(got) {
			t.Errorf("version %d, %v, want %s", got, v["opsets"], want)
		}
		f.Close()
		if code, text, stderr = onnxrun(t, "check", out); code != exitOK {
			t.Errorf("the converted model is refused: %s%s", text, stderr)
		}
	}
}

func TestConvertErrors(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.onnx")
	newer := filepath.Join(dir, "newer.onnx")
	value := func(name string) *onnx.ValueInfo {
		return &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(tensor.Uint8, onnx.NamedDim("n"))}
	}
	m := &onnx.Model{IRVersion: 13, Opsets: []onnx.OpsetID{{Version: 26}}, Graph: &onnx.Graph{
		Name: "g", Inputs: []*onnx.ValueInfo{value("x")}, Outputs: []*onnx.ValueInfo{value("y")},
		Nodes: []*onnx.Node{{Name: "bits", OpType: "BitCast", Inputs: []string{"x"}, Outputs: []string{"y"},
			Attributes: []*onnx.Attribute{onnx.NewInt("to", int64(tensor.Uint8))}}},
	}}
	if err := os.WriteFile(newer, onnx.Encode(m), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{digits(t), "-o", out}, exitUsage, "--opset"},
		{[]string{digits(t), "--opset", "28"}, exitUsage, "-o"},
		{[]string{digits(t), "--opset", "29", "-o", out}, exitUsage, "newest"},
		{[]string{digits(t), "--opset", "x", "-o", out}, exitUsage, "want N"},
		{[]string{filepath.Join(dir, "absent"), "--opset", "28", "-o", out}, exitFailed, "absent"},
		{[]string{newer, "--opset", "25", "-o", out}, exitUnsupported, `node "bits" (BitCast): version 25 has no such operator`},
	} {
		code, _, stderr := onnxrun(t, append([]string{"convert"}, tc.args...)...)
		if code != tc.code || !strings.Contains(stderr, tc.want) {
			t.Errorf("%v: exit %d %q, want %d and %q", tc.args, code, stderr, tc.code, tc.want)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a failed conversion wrote a file")
	}
}
