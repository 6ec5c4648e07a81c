package onnx_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// weighty returns a model with tensors of several sizes and storages.
func weighty() *onnx.Model {
	m := small()
	big := make([]float32, 3000)
	for i := range big {
		big[i] = float32(i)
	}
	m.Graph.Initializers = []*onnx.TensorProto{
		tensor.NewProto("big", tensor.FromSlice(big, 30, 100)), tensor.NewProto("small", tensor.FromSlice([]int64{1, 2})),
		tensor.NewProto("text", tensor.FromSlice([]string{"a", string(make([]byte, 5000))})), tensor.NewProto("bigger", tensor.FromSlice(append(big, 1))),
	}
	return m
}

// sameWeights compares the tensors of two models.
func sameWeights(t *testing.T, got, want *onnx.Model) {
	t.Helper()
	for i, w := range want.Graph.Initializers {
		a, err := got.Graph.Initializers[i].Value()
		if err != nil {
			t.Fatal(err)
		}
		b, _ := w.Value()
		if !bytes.Equal(a.Bytes(), b.Bytes()) || !a.Shape().Equal(b.Shape()) || a.DType() != b.DType() || len(a.Strings()) != len(b.Strings()) {
			t.Errorf("%s is another tensor", w.Name)
		}
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	whole, split := filepath.Join(dir, "whole.onnx"), filepath.Join(dir, "split.onnx")
	want := weighty()
	if err := onnx.WriteFile(whole, want, nil); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, onnx.Encode(want)) {
		t.Error("the file is not what Encode gives")
	}
	f, err := onnx.Open(whole, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sameWeights(t, f.Model, want)
	if err := onnx.WriteFile(split, f.Model, &onnx.WriteOptions{External: "split.bin"}); err != nil {
		t.Fatal(err)
	}
	s, err := onnx.Open(split, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sameWeights(t, s.Model, want)
	for i, external := range []bool{true, false, false, true} {
		if p := s.Graph.Initializers[i]; (p.Location == tensor.LocationExternal) != external {
			t.Errorf("%s: external is %v, want %v", p.Name, !external, external)
		}
	}
	if found := onnx.Check(s.Model); len(found) > 0 {
		t.Error(found)
	}
	// Written over itself and back in one piece, it is the first file again.
	if err := onnx.WriteFile(split, s.Model, nil); err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(split)
	if err != nil || !bytes.Equal(again, first) {
		t.Errorf("the file in one piece differs (%v)", err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

func TestWriteFileErrors(t *testing.T) {
	dir := t.TempDir()
	for _, loc := range []string{"../out.bin", "/tmp/out.bin", "a\\b"} {
		if err := onnx.WriteFile(filepath.Join(dir, "m.onnx"), weighty(), &onnx.WriteOptions{External: loc}); err == nil {
			t.Errorf("wrote external data to %s", loc)
		}
	}
	if err := onnx.WriteFile(filepath.Join(dir, "no/such/m.onnx"), weighty(), nil); err == nil {
		t.Error("wrote into a folder that does not exist")
	}
}
