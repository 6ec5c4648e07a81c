package onnx_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
)

var update = flag.Bool("update", false, "write the golden dumps")

// TestDumpGolden compares the dumps of a few official models with files.
func TestDumpGolden(t *testing.T) {
	want := map[string]bool{"node/test_loop11": true, "node/test_sequence_map_add_1_sequence_1_tensor": true,
		"node/test_lstm_with_initial_bias": true, "simple/test_gradient_of_add": true}
	for _, archive := range []string{"node.zip", "models.zip"} {
		for _, c := range cases(t, archive) {
			if !want[c.name] {
				continue
			}
			delete(want, c.name)
			m, err := onnx.Decode(c.read(t, "model.onnx"))
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			if err := onnx.Dump(&b, m); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Base(c.name)+".txt", b.String())
		}
	}
	for name := range want {
		t.Errorf("no case %s", name)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata/dump", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}
