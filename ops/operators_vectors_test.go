package ops

import (
	"archive/zip"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx/schema"
)

// vectorCounts returns how many cases of the packed archives use an operator, by domain and name.
func vectorCounts(t *testing.T) map[[2]string]int {
	t.Helper()
	paths, err := filepath.Glob("../testdata/conformance/*.zip")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	counts := map[[2]string]int{}
	for _, path := range paths {
		for _, c := range manifestCases(t, path) {
			for _, name := range c.Ops {
				counts[c.key(name)]++
			}
		}
	}
	return counts
}

// manifestCase is what a manifest says of a case.
type manifestCase struct {
	Ops   []string       `json:"ops"`
	Opset map[string]int `json:"opset"`
}

// manifestCases reads the manifest of an archive; archives of another kind have none.
func manifestCases(t *testing.T, path string) []manifestCase {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.Open("manifest.json")
	if err != nil {
		return nil
	}
	defer f.Close()
	var m struct{ Cases []manifestCase }
	if err := json.NewDecoder(f).Decode(&m); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m.Cases
}

// key returns domain and name of an operator that the case uses. Where the manifest gives a name only, the most special of
// the domains that the case imports and that have the operator is meant.
func (c *manifestCase) key(name string) [2]string {
	if domain, short, ok := strings.Cut(name, ":"); ok {
		return [2]string{domain, short}
	}
	for _, d := range []string{schema.Microsoft, schema.ML, schema.Preview, schema.PreviewTraining} {
		if _, ok := c.Opset[d]; ok && (len(schema.Versions(d, name)) > 0 || Default().Find(d, name, schema.Unlimited) != nil) {
			return [2]string{d, name}
		}
	}
	return [2]string{"", name}
}
