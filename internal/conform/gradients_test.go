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
	passed, skipped, single, coarse := 0, 0, 0, 0
	for _, c := range a.Cases {
		r, e := c.Run(context.Background(), conform.Options{})
		switch r.Status {
		case conform.Failed:
			t.Errorf("%s: %s", c.Name, r.Reason)
		case conform.Skipped:
			skipped++
			t.Logf("skipped: %s: %s", c.Name, r.Reason)
		default:
			passed++
			if c.DType != "f32" {
				continue
			}
			single++
			if e.Abs > max(2*c.PeerError, 1e-6*max(1, e.Peak)) {
				coarse++
				t.Logf("%s: off by %.3g, PyTorch by %.3g", c.Name, e.Abs, c.PeerError)
			}
		}
	}
	t.Logf("%d passed, %d skipped, %d of %d coarser than PyTorch", passed, skipped, coarse, single)
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%d are unsupported) | %d | %d |", skipped, passed+skipped, passed); !strings.Contains(string(readme), want) {
		t.Errorf("README.md does not say %q", want)
	}
	if coarse*100 > single {
		t.Errorf("%d of %d gradients in float32 are coarser than PyTorch's", coarse, single)
	}
}
