package data

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// fuzzed opens a file of the given content. Whatever opens must hand out all of its samples or say what is wrong.
func fuzzed(f *testing.F, name string, o Options) {
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		o.MemoryLimit = 16 << 20
		s, err := Open(path, o)
		if err != nil {
			return
		}
		defer s.Close()
		s.Describe()
		for i := range min(s.Len(), 100) {
			sample, err := s.Sample(i)
			if _, keyErr := s.Key(i); keyErr != nil {
				t.Error(keyErr)
			}
			if err != nil {
				continue
			}
			if c := s.Class(i); c >= 0 && c >= len(s.Classes()) {
				t.Errorf("class %d of %d", c, len(s.Classes()))
			}
			if o.Task != Unlabelled && len(sample.Targets) != 1 {
				t.Errorf("%d targets", len(sample.Targets))
			}
		}
		if train, val, err := Split(s, 0.3, 1); err == nil && train.Len()+val.Len() != s.Len() {
			t.Errorf("%d and %d samples of %d", train.Len(), val.Len(), s.Len())
		}
	})
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("label,a,b\nu,1,2\nv,3,4\n"))
	f.Add([]byte("0,1.5,2\n1,2,3\n0,4,5\n1,6,7\n"))
	f.Add([]byte("\ufeffa;\"b\"\n1;x\n2;y"))
	fuzzed(f, "a.csv", Options{})
}

func FuzzJSONL(f *testing.F) {
	f.Add([]byte(`{"x": [1, [2]], "label": "u"}` + "\n" + `{"x": [3, 4], "label": "v"}`))
	f.Add([]byte(`{"a": 1, "y": 2.5, "t": true}` + "\n" + `{"a": null, "y": [1], "t": {}}`))
	fuzzed(f, "a.jsonl", Options{})
}

// seeds adds files of testdata.
func seeds(f *testing.F, pattern string) {
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		f.Fatalf("no testdata/%s: %v", pattern, err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
		f.Add(content[:len(content)/2])
		f.Add(bytes.Replace(content, []byte("NUMPY"), []byte("NUMPX"), 1))
	}
}

func FuzzNPZ(f *testing.F) {
	seeds(f, "*.npz")
	fuzzed(f, "a.npz", Options{})
}

func FuzzNPY(f *testing.F) {
	seeds(f, "*.npy")
	fuzzed(f, "a.npy", Options{})
}

func FuzzParquet(f *testing.F) {
	seeds(f, "*.parquet")
	fuzzed(f, "a.parquet", Options{})
}
