package report

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune/metric"
)

func TestWriteFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "report.html"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := example(t).WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := []string{"learning-rate.svg", "loss-epochs.svg", "loss-steps.svg", "metrics.svg", "reliability.svg", "report.html"}
	if !slices.Equal(names, want) {
		t.Errorf("files %v, want %v", names, want)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "report.html")); err != nil || !strings.HasPrefix(string(text), "<!DOCTYPE html>") {
		t.Errorf("report.html starts with %.20q, %v", text, err)
	}
	missing := filepath.Join(dir, "missing")
	if err := example(t).WriteFiles(missing); err == nil || !strings.HasPrefix(err.Error(), "report: ") {
		t.Errorf("error %v", err)
	}
	if err := writeFile(filepath.Join(dir, "x"), func(w io.Writer) error { return os.ErrClosed }); err == nil {
		t.Error("an error of the writer is lost")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".x*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSamples(t *testing.T) {
	name := func(i int64) string { return []string{"a.png", "b.png"}[i] }
	class := func(k int) string { return []string{"cat", "dog", "cow"}[k] }
	got := Samples([]metric.Case{
		{Sample: 1, Loss: 2, Confidence: 0.5, Truth: []int{0, 2}, Predicted: nil},
		{Sample: 0, Loss: 1, Confidence: metric.Undefined(), Target: []float32{1, 0.25}, Output: []float32{1e9}},
	}, name, class)
	if got[0].Name != "b.png" || got[0].Truth != "cat, cow" || got[0].Predicted != "" || got[1].Truth != "1.000, 0.2500" || got[1].Predicted != "1e+09" {
		t.Errorf("%+v", got)
	}
}
