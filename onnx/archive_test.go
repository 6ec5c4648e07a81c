package onnx_test

import (
	"archive/zip"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// archived is a model of a packed archive, with the files beside it.
type archived struct {
	name  string
	files map[string]string // path in the case to the name of a blob
	fsys  fs.FS
}

func (a archived) read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := fs.ReadFile(a.fsys, "blobs/"+a.files[name])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// cases returns the cases of one of the conformance archives.
func cases(t *testing.T, archive string) []archived {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join("../testdata/conformance", archive))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { z.Close() })
	b, err := fs.ReadFile(z, "manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Cases []struct {
			Name  string
			Files map[string]string
		}
	}
	if err := json.Unmarshal(b, &manifest); err != nil {
		t.Fatal(err)
	}
	var list []archived
	for _, c := range manifest.Cases {
		list = append(list, archived{c.Name, c.Files, z})
	}
	if len(list) == 0 {
		t.Fatalf("%s has no cases", archive)
	}
	return list
}

// models calls f for every model at hand: the conformance archives, and the shared models where they are.
func models(t *testing.T, f func(name string, msg []byte)) {
	for _, archive := range []string{"node.zip", "models.zip", "extra-visible.zip"} {
		for _, c := range cases(t, archive) {
			f(c.name, c.read(t, "model.onnx"))
		}
	}
	for _, dir := range []string{"models", "stripped"} {
		names, err := filepath.Glob(filepath.Join("../../shared", dir, "*/model.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		if len(names) == 0 {
			t.Logf("skipped: ../shared/%s is absent", dir)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f(strings.TrimSuffix(name, "/model.onnx"), b)
		}
	}
}
