package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTrainDemo compares the example with what PyTorch 2.15 computes from the same first weights: the trajectory
// seed_mlp_bce_adam.
func TestTrainDemo(t *testing.T) {
	code, out, stderr := onnxrun(t, "train", "demo")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != exitOK || len(lines) != 101 {
		t.Fatalf("exit %d, %d lines: %s", code, len(lines), stderr)
	}
	for i, want := range map[int]string{
		0: "epoch   1  loss 0.718198", 99: "epoch 100  loss 0.671124", 100: "predictions 0.541162 0.520478 0.515126",
	} {
		if lines[i] != want {
			t.Errorf("line %d is %q, want %q", i+1, lines[i], want)
		}
	}
}

// TestTrainDemoSeed trains from other weights, and runs the model that is written.
func TestTrainDemoSeed(t *testing.T) {
	model, points := filepath.Join(t.TempDir(), "demo.onnx"), filepath.Join(t.TempDir(), "points.json")
	if err := os.WriteFile(points, []byte("[[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := onnxrun(t, "train", "demo", "--seed", "7", "--epochs", "50", "-o", model, "--json")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	v := lastLine(t, out)
	losses, predictions := v["losses"].([]any), v["predictions"].([]any)
	if len(losses) != 50 || !(losses[49].(float64) < losses[0].(float64)) || losses[0].(float64) == 0.718198 {
		t.Errorf("losses %v", losses)
	}
	code, out, stderr = onnxrun(t, "run", model, "--input", "x="+points, "--json")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	head := lastLine(t, out)["outputs"].([]any)[0].(map[string]any)["head"].([]any)
	for i, p := range predictions {
		if got := 1 / (1 + math.Exp(-head[i].(float64))); math.Abs(got-p.(float64)) > 1e-6 {
			t.Errorf("point %d: the written model predicts %v, the trainer %v", i, got, p)
		}
	}
}

func TestTrainUsage(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"train"}, "want train demo"},
		{[]string{"train", "nothing"}, "train nothing, want train demo"},
		{[]string{"train", "demo", "x"}, "no arguments"},
		{[]string{"train", "demo", "--epochs", "0"}, "--epochs 0"},
	} {
		if code, _, stderr := onnxrun(t, tc.args...); code != exitUsage || !strings.Contains(stderr, tc.want) {
			t.Errorf("%v: exit %d: %s", tc.args, code, stderr)
		}
	}
}
