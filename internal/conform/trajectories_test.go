package conform_test

import (
	"os"
	"testing"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/runtime"
)

// TestTrajectories runs recorded trainings again, on one thread and on two.
func TestTrajectories(t *testing.T) {
	const archive = "../../../shared/gradcases/gradcases-visible.zip"
	if _, err := os.Stat(archive); err != nil {
		t.Skipf("skipped: recorded trainings: %v", err)
	}
	a, err := conform.OpenTrajectories(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if len(a.Trajectories) < 15 {
		t.Fatalf("the archive has %d trajectories", len(a.Trajectories))
	}
	for _, tr := range a.Trajectories {
		for _, threads := range []int{1, 2} {
			r := tr.Run(t.Context(), conform.Options{Runtime: runtime.Options{Threads: threads}})
			if r.Status == conform.Failed {
				t.Errorf("%s with %d threads: %s: %s", tr.Name, threads, r.Status, r.Reason)
			}
		}
	}
}
