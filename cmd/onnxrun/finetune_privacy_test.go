package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// privateFiles writes a model of three numbers and two classes, and a table for it.
func privateFiles(t *testing.T) (model, table string) {
	t.Helper()
	b := nn.New("private", 1)
	b.Output("scores", nn.Sequential{nn.Linear{Out: 6}, nn.ReLU{}, nn.Linear{Out: 2}}.Apply(b.Input("x", tensor.Float32, nn.Batch, 3)))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	model, table = filepath.Join(dir, "model.onnx"), filepath.Join(dir, "table.csv")
	if err := onnx.WriteFile(model, m, nil); err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	rows.WriteString("a,b,c,label\n")
	for i := range 120 {
		fmt.Fprintf(&rows, "%d,%d,%d,%d\n", i%7-3, i%5-2, i%3-1, (i%7+6)/9)
	}
	if err := os.WriteFile(table, []byte(rows.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return model, table
}

// TestFinetunePrivacy trains within a budget and reports it.
func TestFinetunePrivacy(t *testing.T) {
	model, table := privateFiles(t)
	out := filepath.Join(t.TempDir(), "out.onnx")
	for _, data := range []string{table, "synthetic"} {
		args := []string{"finetune", model, "--data", data, "--train", "all", "--steps", "8", "--batch", "10", "-o", out, "--dp", "epsilon=4,delta=1e-3,clip=1"}
		code, text, stderr := onnxrun(t, append(args, "--json")...)
		if code != exitOK {
			t.Fatalf("%s: exit %d, %s%s", data, code, text, stderr)
		}
		if e, ok := lastLine(t, text)["epsilon"].(float64); !ok || e > 4 || e < 3.99 {
			t.Errorf("%s: %s", data, text)
		}
		if code, text, stderr = onnxrun(t, args...); code != exitOK || !strings.Contains(text, "epsilon") || !strings.Contains(stderr, "private training") {
			t.Errorf("%s: exit %d, %s%s", data, code, text, stderr)
		}
	}
	if code, text, stderr := onnxrun(t, "infer", out, "--json"); code != exitOK {
		t.Errorf("exit %d, %s%s", code, text, stderr)
	}
}

func TestFinetunePrivacyErrors(t *testing.T) {
	model, table := privateFiles(t)
	out := filepath.Join(t.TempDir(), "out.onnx")
	for _, c := range []struct {
		dp   string
		more []string
		want string
		code int
	}{
		{"epsilon=4", nil, "delta", exitUsage},
		{"delta=1e-5", nil, "neither epsilon", exitUsage},
		{"epsilon=much,delta=1e-5", nil, "epsilon", exitUsage},
		{"epsilon=4,delta=1e-5", []string{"--solver", "ridge"}, "--solver", exitUsage},
		{"epsilon=1e-5,delta=1e-5", nil, "no noise", exitFailed},
	} {
		args := append([]string{"finetune", model, "--data", table, "--steps", "5", "-o", out, "--dp", c.dp}, c.more...)
		if code, text, stderr := onnxrun(t, args...); code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("--dp %s %v: exit %d, %s%s, want an error with %q", c.dp, c.more, code, text, stderr, c.want)
		}
	}
}
