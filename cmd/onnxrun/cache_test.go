package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCache runs a model twice with a folder for packed weights, and once with one that cannot be.
func TestCache(t *testing.T) {
	model, dir := digits(t), filepath.Join(t.TempDir(), "packed")
	var heads []any
	for round := range 3 {
		folder := dir
		if round == 2 {
			folder = model // a file
		}
		code, out, stderr := onnxrun(t, "bench", model, "--cache", folder, "--rounds", "1", "--json")
		if code != exitOK {
			t.Fatalf("round %d: exit %d, %s", round, code, stderr)
		}
		if warned := strings.Contains(stderr, "warning: weights were packed anew"); warned != (round == 2) {
			t.Errorf("round %d: %q", round, stderr)
		}
		heads = append(heads, lastLine(t, out)["out0_head"].([]any)[0])
	}
	if heads[0] != heads[1] || heads[0] != heads[2] {
		t.Errorf("first elements %v", heads)
	}
	list, err := filepath.Glob(filepath.Join(dir, "*.packed"))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v in the folder: %v", list, err)
	}
	code, _, stderr := onnxrun(t, "run", model, "--cache", dir, "--cache-limit", "much")
	if code != exitUsage {
		t.Errorf("exit %d, %s", code, stderr)
	}
	if err := os.WriteFile(list[0], []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		code, _, stderr := onnxrun(t, "run", model, "--cache", dir)
		if code != exitOK || strings.Contains(stderr, "warning") != want {
			t.Errorf("after damage: exit %d, %q", code, stderr)
		}
	}
}
