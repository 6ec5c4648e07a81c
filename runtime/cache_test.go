package runtime_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/onnxrun/onnxrun/internal/cpu"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// product is the model y = x · w, whose weights w of that shape are made of a seed.
func product(seed float32, shape ...int) *onnx.Model {
	w := make([]float32, shape[0]*shape[1])
	for i := range w {
		w[i] = seed + float32(i%97)
	}
	init := &onnx.TensorProto{Name: "w"}
	init.SetValue(tensor.FromSlice(w, shape...))
	return &onnx.Model{IRVersion: 10, Opsets: []onnx.OpsetID{{Version: 21}}, Graph: &onnx.Graph{
		Name: "g", Initializers: []*onnx.TensorProto{init}, Outputs: []*onnx.ValueInfo{{Name: "y"}},
		Inputs: []*onnx.ValueInfo{{Name: "x", Type: onnx.NewTensorType(tensor.Float32, onnx.Dim{}, onnx.Dim{})}},
		Nodes:  []*onnx.Node{{OpType: "MatMul", Inputs: []string{"x", "w"}, Outputs: []string{"y"}}},
	}}
}

// answer opens the model at a path with a cache and returns the first row of the product of ones.
func answer(t *testing.T, path string, o *runtime.Options) ([]float32, runtime.CacheInfo) {
	t.Helper()
	s, err := runtime.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return ones(t, s), s.Cache()
}

func ones(t *testing.T, s *runtime.Session) []float32 {
	t.Helper()
	x := tensor.FromSlice(slices.Repeat([]float32{1}, 64), 1, 64)
	out, err := s.Run(context.Background(), map[string]*tensor.Tensor{"x": x})
	if err != nil {
		t.Fatal(err)
	}
	return tensor.Of[float32](out["y"])
}

// TestCacheFollowsWeights changes weights in the model's file and in external data, at once and keeping size and
// modification time: results are always those of the weights that are there.
func TestCacheFollowsWeights(t *testing.T) {
	for _, external := range []string{"", "weights.bin"} {
		dir := t.TempDir()
		path, o := filepath.Join(dir, "model.onnx"), &runtime.Options{Cache: filepath.Join(dir, "cache")}
		data := filepath.Join(dir, external)
		if external == "" {
			data = path
		}
		write := func(seed float32) {
			if err := onnx.WriteFile(path, product(seed, 64, 48), &onnx.WriteOptions{External: external, ExternalSize: 1}); err != nil {
				t.Fatal(err)
			}
		}
		for round := range 4 {
			write(float32(round % 3))
			want, _ := answer(t, path, nil)
			for again := range 3 {
				got, info := answer(t, path, o)
				if info.Err != nil || info.Loaded+info.Packed != 1 || info.Loaded == 0 && again > 0 {
					t.Errorf("round %d.%d: %+v", round, again, info)
				}
				if !slices.Equal(got, want) {
					t.Errorf("round %d.%d: results of other weights", round, again)
				}
			}
		}
		before, err := os.Stat(data)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(data)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(b, []byte{0, 0, 0x80, 0x3f}) + 3 // 1 becomes 2
		b[at], b[at-1] = 0x40, 0
		f, err := os.OpenFile(data, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if err := os.Chtimes(data, before.ModTime(), before.ModTime()); err != nil {
			t.Fatal(err)
		}
		want, _ := answer(t, path, nil)
		if got, info := answer(t, path, o); info.Loaded != 0 || !slices.Equal(got, want) {
			t.Errorf("results of other weights after a change in place: %+v", info)
		}
	}
}

// TestCacheTellsShapes has the same bytes as weights of two shapes.
func TestCacheTellsShapes(t *testing.T) {
	dir := t.TempDir()
	o := &runtime.Options{Cache: dir}
	m := product(1, 64, 48)
	flat := &onnx.TensorProto{Name: "s"}
	flat.SetValue(tensor.FromSlice([]int64{48, 64}, 2))
	m.Graph.Initializers = append(m.Graph.Initializers, flat)
	m.Graph.Nodes = append(m.Graph.Nodes, &onnx.Node{OpType: "Reshape", Inputs: []string{"w", "s"}, Outputs: []string{"v"}},
		&onnx.Node{OpType: "MatMul", Inputs: []string{"y", "v"}, Outputs: []string{"z"}})
	m.Graph.Outputs[0].Name = "z"
	var first []float32
	for round := range 3 {
		s, err := runtime.OpenBytes(onnx.Encode(m), o)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Run(context.Background(), map[string]*tensor.Tensor{"x": tensor.FromSlice(slices.Repeat([]float32{1}, 64), 1, 64)})
		if err != nil {
			t.Fatal(err)
		}
		z := tensor.Of[float32](out["z"])
		if first == nil {
			first = z
		}
		if len(z) != 64 || !slices.Equal(z, first) {
			t.Errorf("round %d: another result", round)
		}
		if i := s.Cache(); i.Loaded+i.Packed != 2 || round > 0 && i.Packed > 0 {
			t.Errorf("round %d: %+v", round, i)
		}
		s.Close()
	}
}

// TestCacheOfOtherProcessor changes the instruction set between sessions.
func TestCacheOfOtherProcessor(t *testing.T) {
	dir := t.TempDir()
	path, o := filepath.Join(dir, "model.onnx"), &runtime.Options{Cache: filepath.Join(dir, "cache")}
	if err := onnx.WriteFile(path, product(1, 64, 48), nil); err != nil {
		t.Fatal(err)
	}
	sets := []cpu.Feature{cpu.Features(), cpu.Features() & cpu.AVX2, 0}
	for round := range 2 {
		for i, set := range sets {
			undo := cpu.Set(set)
			want, _ := answer(t, path, nil)
			got, info := answer(t, path, o)
			undo()
			if !slices.Equal(got, want) {
				t.Errorf("round %d, features %d: another result", round, i)
			}
			if known := round > 0 || slices.Contains(sets[:i], set); (info.Loaded == 1) != known || info.Err != nil {
				t.Errorf("round %d, features %d: %+v", round, i, info)
			}
		}
	}
}

// TestCacheTogether opens and runs one model from many sessions at once, with a folder that is empty at first.
func TestCacheTogether(t *testing.T) {
	dir := t.TempDir()
	path, o := filepath.Join(dir, "model.onnx"), &runtime.Options{Cache: filepath.Join(dir, "cache")}
	if err := onnx.WriteFile(path, product(1, 64, 48), nil); err != nil {
		t.Fatal(err)
	}
	want, _ := answer(t, path, nil)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 4 {
				if got, info := answer(t, path, o); info.Err != nil || !slices.Equal(got, want) {
					t.Errorf("another result: %+v", info)
				}
			}
		})
	}
	wg.Wait()
}

// TestCacheNotUsable runs without a cache where there can be none, and says so.
func TestCacheNotUsable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.onnx")
	if err := onnx.WriteFile(path, product(1, 64, 48), nil); err != nil {
		t.Fatal(err)
	}
	want, _ := answer(t, path, nil)
	for _, o := range []*runtime.Options{{Cache: path}, {Cache: filepath.Join(dir, "c"), CacheLimit: 100}} {
		if got, info := answer(t, path, o); info.Err == nil || info.File != "" || !slices.Equal(got, want) {
			t.Errorf("%+v: %+v", o, info)
		}
	}
	s, err := runtime.New(onnx.NewFile(product(1, 64, 48)), &runtime.Options{Cache: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if i := s.Cache(); i != (runtime.CacheInfo{}) || !slices.Equal(ones(t, s), want) {
		t.Errorf("a model that a program has built: %+v", i)
	}
}
