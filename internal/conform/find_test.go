package conform

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func writeFiles(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func names(cases []*Case) []string {
	var list []string
	for _, c := range cases {
		list = append(list, c.Name)
	}
	return list
}

var caseFiles = []string{
	"b/model.onnx", "b/test_data_set_10/input_0.pb", "b/test_data_set_2/input_1.pb", "b/test_data_set_2/input_0.pb",
	"b/test_data_set_2/output_0.pb", "b/test_data_set_2/output_0_spec.pb",
	"a/model.onnx", "a/fill.json", "a/spec.json", "a/ref.npz", "inputs/cat.jpg", "note.txt",
}

func TestFindFolders(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, caseFiles...)
	s, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(s.Cases); !slices.Equal(got, []string{"a", "b"}) {
		t.Fatalf("cases %v", got)
	}
	b := s.Cases[1]
	if !s.Cases[0].stripped || b.stripped || b.Dir == "" {
		t.Error("kinds of cases mixed up")
	}
	if len(b.Sets) != 2 || b.Sets[0].Name != "test_data_set_2" || len(b.Sets[0].Inputs) != 2 || b.Sets[0].Specs[0] == "" {
		t.Errorf("data sets %+v", b.Sets)
	}
	if one, err := Find(filepath.Join(dir, "b")); err != nil || len(one.Cases) != 1 || one.Cases[0].Name != "b" {
		t.Errorf("one case: %v %v", one, err)
	}
	if _, err := Find(filepath.Join(dir, "inputs")); err == nil {
		t.Error("a folder without cases was accepted")
	}
	gap := DataSet{Inputs: []string{"", "x"}}
	if gap.check() == nil {
		t.Error("a missing input file was accepted")
	}
}

func zipped(t *testing.T, files map[string]string) string {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for name, text := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "suite.zip")
	if err := os.WriteFile(name, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestFindZip(t *testing.T) {
	files := map[string]string{}
	for _, name := range caseFiles {
		files["deep/"+name] = name
	}
	s, err := Find(zipped(t, files))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := names(s.Cases); !slices.Equal(got, []string{"deep/a", "deep/b"}) {
		t.Fatalf("cases %v", got)
	}
	if len(s.Cases[1].Sets) != 2 {
		t.Errorf("data sets %+v", s.Cases[1].Sets)
	}
	if text, err := fs.ReadFile(s.Cases[1].Files, "model.onnx"); err != nil || string(text) != "b/model.onnx" {
		t.Errorf("%s %v", text, err)
	}
}

func TestFindPacked(t *testing.T) {
	name := zipped(t, map[string]string{
		"manifest.json": `{"cases":[{"name":"n/c","rtol":0.001,"atol":1e-7,"compare":"dtype_shape_only",
			"files":{"model.onnx":"x1","test_data_set_0/input_0.pb":"x2"}}]}`,
		"blobs/x1": "model", "blobs/x2": "input",
	})
	s, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := s.Cases[0]
	if c.Name != "n/c" || c.Rule.Rel != 0.001 || c.Rule.Abs != 1e-7 || !c.Rule.ShapeOnly || len(c.Sets) != 1 {
		t.Errorf("%+v", c)
	}
	if text, err := fs.ReadFile(c.Files, "test_data_set_0/input_0.pb"); err != nil || string(text) != "input" {
		t.Errorf("%s %v", text, err)
	}
	for _, bad := range []map[string]string{
		{"manifest.json": "{", "blobs/x": ""},
		{"manifest.json": `{"cases":[{"name":"n","files":{}}]}`, "blobs/x": ""},
		{"readme": ""},
	} {
		if _, err := Find(zipped(t, bad)); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}
