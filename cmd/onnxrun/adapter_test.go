package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/onnxrun/onnxrun/tensor"
)

const peftData = "../../finetune/testdata/peft"

// peftInputs writes the recorded inputs of the model in peftData to a folder, and returns it with the output that
// PyTorch recorded with the adapter.
func peftInputs(t *testing.T) (dir string, adapted []float64) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(peftData, "io.npz"))
	if err != nil {
		t.Fatal(err)
	}
	arrays, err := tensor.ReadNPZ(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for _, name := range []string{"ids", "image"} {
		var b bytes.Buffer
		if err := tensor.WriteNPY(&b, arrays[name]); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".npy"), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, tensor.Float64s(arrays["adapted"], 6)
}

// scores runs the command and returns the first values of an output.
func scores(t *testing.T, name string, args ...string) []float64 {
	t.Helper()
	code, out, stderr := onnxrun(t, append(args, "--json")...)
	if code != exitOK {
		t.Fatalf("%q: exit %d: %s", args, code, stderr)
	}
	for _, o := range lastLine(t, out)["outputs"].([]any) {
		if o := o.(map[string]any); o["name"] == name {
			var v []float64
			for _, x := range o["head"].([]any) {
				v = append(v, x.(float64))
			}
			return v
		}
	}
	t.Fatalf("%q: no output %q in %s", args, name, out)
	return nil
}

func same(t *testing.T, what string, got, want []float64) {
	t.Helper()
	for i, w := range want {
		if math.Abs(got[i]-w) > 1e-4 {
			t.Fatalf("%s: got %v, want %v", what, got, want)
		}
	}
}

// TestAdapter runs a model with an adapter of PEFT, merges and attaches it, takes it out again and runs with that.
func TestAdapter(t *testing.T) {
	inputs, want := peftInputs(t)
	model, dir := filepath.Join(peftData, "model.onnx"), t.TempDir()
	merged, attached, back := filepath.Join(dir, "merged.onnx"), filepath.Join(dir, "attached.onnx"), filepath.Join(dir, "adapter")
	same(t, "run --adapter", scores(t, "scores", "run", model, "--inputs", inputs, "--adapter", peftData), want)
	for _, args := range [][]string{
		{"adapter", "merge", model, peftData, "-o", merged}, {"adapter", "attach", model, peftData, "-o", attached},
		{"adapter", "export", attached, "-o", back, "--save", "classifier"}, {"adapter", "info", back},
	} {
		code, out, stderr := onnxrun(t, append(args, "--json")...)
		if code != exitOK {
			t.Fatalf("%q: exit %d: %s", args, code, stderr)
		}
		if n := len(lastLine(t, out)["modules"].([]any)); n != 9 {
			t.Errorf("%q: %d modules, want 9", args, n)
		}
		if code, _, stderr = onnxrun(t, append(args, "--timeout", "1s")...); code != exitUsage {
			t.Errorf("%q: exit %d with an unknown flag: %s", args, code, stderr)
		}
	}
	same(t, "merged", scores(t, "scores", "run", merged, "--inputs", inputs), want)
	same(t, "attached", scores(t, "scores", "run", attached, "--inputs", inputs), want)
	same(t, "taken out", scores(t, "scores", "run", model, "--inputs", inputs, "--adapter", back), want)
	for _, tc := range []struct {
		args []string
		code int
	}{
		{[]string{"adapter"}, exitUsage}, {[]string{"adapter", "merge", model, peftData}, exitUsage}, {[]string{"adapter", "split"}, exitUsage},
		{[]string{"adapter", "merge", model, "-o", merged}, exitFailed}, {[]string{"adapter", "info", dir}, exitFailed},
		{[]string{"adapter", "export", model, "-o", back}, exitFailed}, {[]string{"run", "--adapter", back}, exitUsage},
	} {
		if code, _, stderr := onnxrun(t, tc.args...); code != tc.code {
			t.Errorf("%q: exit %d, want %d: %s", tc.args, code, tc.code, stderr)
		}
	}
}

// TestMonteCarloRuns wants a mean and a deviation, the same for the same seed.
func TestMonteCarloRuns(t *testing.T) {
	inputs, _ := peftInputs(t)
	args := []string{"run", filepath.Join(peftData, "model.onnx"), "--inputs", inputs, "--mc", "12", "--mc-dropout", "0.2", "--mc-at", "/Relu"}
	mean, again, std := scores(t, "scores", args...), scores(t, "scores", args...), scores(t, "scores.std", args...)
	same(t, "again", again, mean)
	other := scores(t, "scores", append(args, "--seed", "9")...)
	if other[0] == mean[0] || std[0] <= 0 {
		t.Errorf("mean %v, with another seed %v, deviation %v", mean, other, std)
	}
	for _, args := range [][]string{{"--mc", "-1"}, {"--mc-dropout", "0.5"}, {"--mc", "2", "--mc-at", "x"}, {"--mc", "2", "--adapter", peftData}} {
		if code, _, stderr := onnxrun(t, append([]string{"run", filepath.Join(peftData, "model.onnx")}, args...)...); code != exitUsage {
			t.Errorf("%q: exit %d: %s", args, code, stderr)
		}
	}
	if code, _, stderr := onnxrun(t, "run", filepath.Join(peftData, "model.onnx"), "--mc", "3"); code != exitFailed {
		t.Errorf("no Dropout: exit %d: %s", code, stderr)
	}
}
