package runtime_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/models"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestCacheGivesEqualBits runs whole models without a cache, with an empty one, and with what that left: every output is the
// same to the last bit, and the last run packs nothing that the cache can keep.
func TestCacheGivesEqualBits(t *testing.T) {
	t.Run("digits", func(t *testing.T) {
		cacheBits(t, func() (*onnx.File, error) { return onnx.OpenBytes(models.Digits, nil) })
	})
	if testing.Short() {
		t.Skip("whole models beside the embedded one are not run in short mode")
	}
	for _, name := range stripped {
		dir := "../../shared/stripped/" + name
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(dir); err != nil {
				t.Skipf("%s is absent: its bits are not compared", dir)
			}
			cacheBits(t, func() (*onnx.File, error) {
				f, err := onnx.Open(dir+"/model.onnx", nil)
				if err != nil {
					return nil, err
				}
				return f, feed.FillFrom(f.Model, dir+"/fill.json")
			})
		})
	}
	files, err := filepath.Glob("../../shared/models/*/model.onnx")
	if err != nil || len(files) == 0 {
		t.Skip("../shared/models is absent: the bits of whole models are not compared")
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			cacheBits(t, func() (*onnx.File, error) { return onnx.Open(file, nil) })
		})
	}
}

func cacheBits(t *testing.T, open func() (*onnx.File, error)) {
	dir := t.TempDir()
	run := func(dir string) (map[string]*tensor.Tensor, runtime.CacheInfo) {
		f, err := open()
		if err != nil {
			t.Fatal(err)
		}
		s, err := runtime.New(f, &runtime.Options{Cache: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		source := feed.Source{Seed: 1}
		in, _, err := source.Inputs(s.Inputs())
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Run(context.Background(), in)
		if err != nil {
			t.Skipf("%s: made-up inputs do not run, so no bits are compared: %v", t.Name(), err)
		}
		info := s.Cache()
		if info.Err != nil {
			t.Fatal(info.Err)
		}
		return out, info
	}
	want, _ := run("")
	_, first := run(dir)
	got, second := run(dir)
	if second.Packed != 0 || second.Loaded < first.Packed {
		t.Errorf("first %+v, then %+v", first, second)
	}
	for name, x := range want {
		if !bytes.Equal(got[name].Bytes(), x.Bytes()) {
			t.Errorf("output %q differs", name)
		}
	}
	t.Logf("%d forms of %d bytes", second.Loaded, second.Bytes)
}
