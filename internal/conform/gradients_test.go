package conform_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/conform"
)

const gradientArchive = "../../../shared/gradcases/gradcases-visible.zip"

// TestGradients runs recorded gradients (PyTorch in float64) and holds float32 gradients to twice the error of
// PyTorch's own in 99 of 100 cases.
func TestGradients(t *testing.T) {
	if _, err := os.Stat(gradientArchive); err != nil {
		t.Skipf("%s is absent: recorded gradients are not run", gradientArchive)
	}
	a, err := conform.OpenGradients(gradientArchive)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	passed := 0
	var quality conform.Quality
	for _, c := range a.Cases {
		r, e := c.Run(context.Background(), conform.Options{})
		quality.Add(c, r, e)
		if r.Status == conform.Passed {
			passed++
		} else {
			t.Errorf("%s: %s: %s", c.Name, r.Status, r.Reason)
		}
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("(not in this repository) | %d | %d |", len(a.Cases), passed); !strings.Contains(string(readme), want) {
		t.Errorf("README.md does not say %q", want)
	}
	if quality.Within*100 < 99*quality.Cases || quality.Cases == 0 {
		t.Errorf("%d of %d gradients in float32 are as exact as PyTorch's within a factor of two; not %v", quality.Within, quality.Cases, quality.Coarse)
	}
}
