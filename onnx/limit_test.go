package onnx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/tensor"
)

// TestMessageLimit: a model beyond the limit of a message gets an external file, and one that is too large
// without its tensors an error.
func TestMessageLimit(t *testing.T) {
	m := &Model{IRVersion: 10, Graph: &Graph{Initializers: []*TensorProto{tensor.NewProto("w", tensor.New(tensor.Uint8, 5000))}}}
	name := filepath.Join(t.TempDir(), "m.onnx")
	if err := writeModel(name, m, WriteOptions{ExternalSize: 1024}, 4096); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name + ".data")
	if err != nil || info.Size() != 5000 {
		t.Fatalf("%v, %v", info, err)
	}
	f, err := Open(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if v, err := f.Graph.Initializers[0].Value(); err != nil || v.Len() != 5000 {
		t.Errorf("%v, %v", v, err)
	}
	m.Doc = strings.Repeat("x", 5000)
	if err := writeModel(name, m, WriteOptions{ExternalSize: 1024}, 4096); err == nil {
		t.Error("a message beyond the limit was written")
	}
}
