package survey_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/survey"
	"github.com/onnxrun/onnxrun/models"
	"github.com/onnxrun/onnxrun/onnx"
)

func digits(t *testing.T) *onnx.Model {
	t.Helper()
	m, err := onnx.Decode(models.Digits)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func write(t *testing.T, m *onnx.Model) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, onnx.Encode(m), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnalyse(t *testing.T) {
	// each output element of the three convolutions and the two dense layers sums up so many products
	const each = 8*28*28*9 + 16*14*14*8*9 + 32*7*7*16*9 + 64*288 + 10*64
	one := survey.Analyse(digits(t), nil)
	three := survey.Analyse(digits(t), map[string]int{"batch": 3})
	if one.MACs != each || three.MACs != 3*each {
		t.Errorf("%d and %d multiply-adds, want %d and three times that", one.MACs, three.MACs, each)
	}
	if !one.Supported || one.Nodes != 17 || one.Sizes["batch"] != 1 || three.Sizes["batch"] != 3 {
		t.Errorf("%+v", one)
	}
	// at the least the arena holds the first convolution's input to the pool after it
	if low := 4 * 8 * 28 * 28; one.ArenaBytes < low || three.ArenaBytes < 3*low || three.ArenaBytes > 4*one.ArenaBytes {
		t.Errorf("arena of %d and %d bytes", one.ArenaBytes, three.ArenaBytes)
	}
}

func TestDump(t *testing.T) {
	path := write(t, digits(t))
	want := map[string][]string{
		"model": {"initializer conv1.weight", "Conv("},
		"graph": {"pool1: float32[batch,8,14,14] = MaxPool-", "const fc2.bias: float32[10] = ["},
		"opt":   {"onnxrun:NhwcConv-", `activation="Relu"`},
		"plan":  {"symbol batch from dimension 0 of input image", "batch*28*28*8 elements of float32", "step 0: "},
	}
	for _, stage := range survey.Stages {
		var text [2]bytes.Buffer
		for i := range text {
			if err := survey.Dump(&text[i], path, stage, ""); err != nil {
				t.Fatalf("%s: %v", stage, err)
			}
		}
		if !bytes.Equal(text[0].Bytes(), text[1].Bytes()) {
			t.Errorf("%s: two dumps differ", stage)
		}
		for _, s := range want[stage] {
			if !strings.Contains(text[0].String(), s) {
				t.Errorf("%s: no %q in\n%s", stage, s, &text[0])
			}
		}
	}
}

func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		change     func(*onnx.Model)
		rule, node string // of the finding; "": none
	}{
		"sound":           {change: func(*onnx.Model) {}},
		"declared output": {func(m *onnx.Model) { m.Graph.Outputs[0].Type.Dims[1] = onnx.FixedDim(11) }, "types", ""},
		"channels":        {func(m *onnx.Model) { m.Graph.Inputs[0].Type.Dims[1] = onnx.FixedDim(2) }, "types", "conv1"},
		"pooling window":  {func(m *onnx.Model) { m.Graph.Nodes[3].Attr("kernel_shape").Ints = []int64{2, 2, 2} }, "types", "pool1"},
	} {
		m := digits(t)
		tc.change(m)
		v, err := survey.Check(write(t, m), "", "")
		if err != nil {
			t.Fatal(err)
		}
		if v.OK != (tc.rule == "") || len(v.Findings) == 0 != v.OK {
			t.Errorf("%s: %+v", name, v)
			continue
		}
		if !v.OK && (v.Findings[0].Rule != tc.rule || v.Findings[0].Node != tc.node || v.Findings[0].Message == "") {
			t.Errorf("%s: %+v, want rule %q and node %q", name, v.Findings[0], tc.rule, tc.node)
		}
	}
}
