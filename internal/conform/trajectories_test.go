package conform_test

import (
	"os"
	"testing"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/runtime"
)

// TestTrajectories runs recorded trainings again, on one thread and on two.
func TestTrajectories(t *testing.T) {
	if _, err := os.Stat(gradientArchive); err != nil {
		t.Skipf("%s is absent: recorded trainings are not run", gradientArchive)
	}
	a, err := conform.OpenTrajectories(gradientArchive)
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
			if r.Status != conform.Passed {
				t.Errorf("%s with %d threads: %s: %s", tr.Name, threads, r.Status, r.Reason)
			}
		}
	}
}
