package survey_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/internal/survey"
	"github.com/onnxrun/onnxrun/onnx"
)

// TestAccepts: no official, randomised or real model has a finding that makes it invalid.
func TestAccepts(t *testing.T) {
	const archives = "../../testdata/conformance/"
	for _, path := range []string{archives + "node.zip", archives + "models.zip", archives + "extra-visible.zip",
		"../../../shared/models", "../../../shared/stripped"} {
		if _, err := os.Stat(path); err != nil || testing.Short() && filepath.Ext(path) == "" {
			t.Logf("skipped: %s is absent, or left out of short tests", path)
			continue
		}
		suite, err := conform.Find(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range suite.Cases {
			for _, f := range verdictOf(t, c).Findings {
				if f.Rule != "unsupported" {
					t.Errorf("%s: %+v", c.Name, f)
				}
			}
		}
		t.Logf("%s: %d models", path, len(suite.Cases))
		suite.Close()
	}
}

// verdictOf checks the model of a case; weights that are left out are generated.
func verdictOf(t *testing.T, c *conform.Case) *survey.Verdict {
	t.Helper()
	var f *onnx.File
	var err error
	if c.Dir != "" {
		f, err = onnx.Open(filepath.Join(c.Dir, "model.onnx"), nil)
	} else {
		f, err = onnx.OpenFS(c.Files, "model.onnx", nil)
	}
	if err != nil {
		t.Errorf("%s: %v", c.Name, err)
		return &survey.Verdict{}
	}
	defer f.Close()
	if _, err := fs.Stat(c.Files, "fill.json"); err == nil {
		if err := feed.FillFrom(f.Model, filepath.Join(c.Dir, "fill.json")); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	return survey.CheckModel(f.Model)
}
