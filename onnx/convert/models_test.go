package convert_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/onnxrun/onnxrun/internal/conform"
)

var down = flag.Bool("down", false, "convert the real models to version 13, too")

// TestModels converts the real models and those whose weights are generated, where their folders lie beside the project.
func TestModels(t *testing.T) {
	if testing.Short() {
		t.Skip("real models are left out of short tests")
	}
	versions := []int{28}
	if *down {
		versions = append(versions, 13)
	}
	for _, dir := range []string{"models", "stripped"} {
		path := filepath.Join("../../../shared", dir)
		if _, err := os.Stat(path); err != nil {
			t.Logf("skipped: %s is absent", path)
			continue
		}
		suite, err := conform.Find(path)
		if err != nil {
			t.Fatal(err)
		}
		defer suite.Close()
		for _, target := range versions {
			converted, refused := 0, 0
			for i, r := range convertAll(suite.Cases, target) {
				switch {
				case r.refusal != nil && target < 28:
					refused++
					t.Logf("%s to %d: %v", r.name, target, r.refusal)
				case r.refusal != nil:
					t.Errorf("%s to %d: %v", r.name, target, r.refusal)
				case r.status == conform.Failed && convertOne(suite.Cases[i], 0).status != conform.Failed:
					t.Errorf("%s to %d: %s", r.name, target, r.reason)
				default:
					converted++
				}
			}
			t.Logf("%s to %d: %d of %d converted, with equal results; %d refused", dir, target, converted, len(suite.Cases), refused)
		}
	}
}
