package finetune_test

import (
	"bytes"
	"context"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

const peftDir = "testdata/peft"

// load reads a model of testdata into memory that may be changed.
func load(t *testing.T, name string) *onnx.Model {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func arrays(t *testing.T, name string) map[string]*tensor.Tensor {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	out, err := tensor.ReadNPZ(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// evaluate writes a model, checks it, reads it again and runs it.
func evaluate(t *testing.T, m *onnx.Model, feeds map[string]*tensor.Tensor) map[string]*tensor.Tensor {
	t.Helper()
	s := session(t, m)
	defer s.Close()
	out, err := s.Run(context.Background(), feeds)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func session(t *testing.T, m *onnx.Model) *runtime.Session {
	t.Helper()
	if found := onnx.Check(m); len(found) > 0 {
		t.Fatalf("the model is invalid: %+v", found)
	}
	s, err := runtime.OpenBytes(onnx.Encode(m), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// near compares two tensors of floats.
func near(t *testing.T, what string, got, want *tensor.Tensor, tolerance float64) {
	t.Helper()
	if got == nil || want == nil || !got.Shape().Equal(want.Shape()) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
	g, w := tensor.Float64s(got, got.Len()), tensor.Float64s(want, want.Len())
	peak := 1.0
	for _, x := range w {
		peak = max(peak, math.Abs(x))
	}
	for i := range w {
		if !(math.Abs(g[i]-w[i]) <= tolerance*peak) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, g[i], w[i])
		}
	}
}

// TestPEFTAdapter applies an adapter that PEFT saved to two exports of its base model and compares the outputs, as branches
// and merged, and the merged weights with those of PyTorch.
func TestPEFTAdapter(t *testing.T) {
	io := arrays(t, filepath.Join(peftDir, "io.npz"))
	feeds := map[string]*tensor.Tensor{"ids": io["ids"], "image": io["image"]}
	a, err := finetune.ReadAdapter(peftDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"model.onnx", "model_scopes.onnx"} {
		m := load(t, filepath.Join(peftDir, name))
		near(t, name+": base", evaluate(t, m, feeds)["scores"], io["base"], 1e-5)
		branches, err := a.Attach(m)
		if err != nil {
			t.Fatal(err)
		}
		if len(branches) != len(a.Layers) {
			t.Errorf("%s: %d branches for %d layers", name, len(branches), len(a.Layers))
		}
		near(t, name+": with branches", evaluate(t, m, feeds)["scores"], io["adapted"], 1e-5)
		kept, err := finetune.Merge(m)
		if err != nil || len(kept) > 0 {
			t.Fatalf("%s: merge: %v, kept %v", name, err, kept)
		}
		near(t, name+": merged", evaluate(t, m, feeds)["scores"], io["adapted"], 1e-5)
		for _, p := range m.Graph.Initializers {
			if want := io["merged."+p.Name]; want != nil {
				got, _ := p.Value()
				near(t, name+": "+p.Name, got, want, 1e-6)
			}
			if strings.Contains(p.Name, "lora") {
				t.Errorf("%s: initializer %q is left after merging", name, p.Name)
			}
		}
	}
}

// TestAdapterRoundTrip extracts the branches again and writes them: PEFT's tensors come back bit by bit, and the
// configuration gives the same scales.
func TestAdapterRoundTrip(t *testing.T) {
	a, err := finetune.ReadAdapter(peftDir)
	if err != nil {
		t.Fatal(err)
	}
	m := load(t, filepath.Join(peftDir, "model.onnx"))
	if _, err := a.Attach(m); err != nil {
		t.Fatal(err)
	}
	b, err := finetune.ExtractAdapter(m, "classifier")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := finetune.WriteAdapter(dir, b); err != nil {
		t.Fatal(err)
	}
	c, err := finetune.ReadAdapter(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(c.Layers)), slices.Sorted(maps.Keys(a.Layers)); !slices.Equal(got, want) {
		t.Fatalf("modules are %q, want %q", got, want)
	}
	for name, l := range c.Layers {
		w := a.Layers[name]
		near(t, name+" A", l.A, w.A, 0)
		near(t, name+" B", l.B, w.B, 0)
		if math.Abs(l.Scale-w.Scale) > 1e-12 || l.Embedding != w.Embedding {
			t.Errorf("%s: scale %v, want %v", name, l.Scale, w.Scale)
		}
	}
	for name, w := range a.Saved {
		near(t, name, c.Saved[name], w, 0)
	}
}

// TestAdapterTrim takes the path of a wrapper off, in patterns, too.
func TestAdapterTrim(t *testing.T) {
	a := &finetune.Adapter{Layers: map[string]*finetune.LowRank{"m.a.q": {A: f32(1, 2, 3), B: f32(2, 3, 2), Scale: 1}, "m.b": {A: f32(1, 4, 3), B: f32(2, 3, 4), Scale: 2}},
		Saved: tensors{"m.head.weight": f32(3, 2)}}
	a.Config = finetune.AdapterConfig{Rank: 2, Alpha: 2, Targets: []string{"m.a.q", "m.b"}, ModulesToSave: []string{"m.head"},
		RankPattern: finetune.Patterns{{Expr: `m\.b`, Value: 4}}, AlphaPattern: finetune.Patterns{{Expr: `m\.b`, Value: 8}}}
	if err := a.Trim("m."); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := finetune.WriteAdapter(dir, a); err != nil {
		t.Fatal(err)
	}
	b, err := finetune.ReadAdapter(dir)
	if err != nil {
		t.Fatal(err)
	}
	if b.Layers["a.q"] == nil || b.Layers["b"] == nil || b.Layers["b"].Scale != 2 || b.Saved["head.weight"] == nil || b.Config.ModulesToSave[0] != "head" {
		t.Errorf("got %+v", b)
	}
	a.Layers["x.b"] = a.Layers["b"]
	if err := a.Trim("x."); err == nil {
		t.Error("no error for two modules of one path")
	}
}

// TestAdapterAddsBias gives layers whose bias of zeros the exporter dropped the bias of the adapter.
func TestAdapterAddsBias(t *testing.T) {
	x4, bias := f32(1, 2, 3, 4, 4), f32(4, 5)
	for _, c := range []struct {
		name string
		s    sketch
		flat bool
	}{
		{"Gemm", sketch{feeds: tensors{"x": f32(1, 2, 4)}, weights: tensors{"m.head.weight": f32(2, 5, 4)}, output: "y",
			nodes: []*onnx.Node{node("Gemm(x, m.head.weight) = y", onnx.NewInt("transB", 1))}}, true},
		{"MatMul", sketch{feeds: tensors{"x": f32(1, 2, 4)}, weights: tensors{"m.head.weight": f32(2, 4, 5)}, output: "y",
			nodes: []*onnx.Node{node("MatMul(x, m.head.weight) = y")}}, true},
		{"Conv", sketch{feeds: tensors{"x": x4}, weights: tensors{"m.head.weight": f32(2, 5, 3, 1, 1)}, output: "y",
			nodes: []*onnx.Node{node("Conv(x, m.head.weight) = y")}}, false},
	} {
		base := evaluate(t, c.s.model(), c.s.feeds)["y"]
		want := base.Clone()
		for i := range tensor.Of[float32](want) {
			k := i % 5
			if !c.flat {
				k = i / 16 % 5
			}
			tensor.Of[float32](want)[i] += tensor.Of[float32](bias)[k]
		}
		a := &finetune.Adapter{Saved: tensors{"head.bias": bias}}
		m := c.s.model()
		if _, err := a.Attach(m); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		near(t, c.name, evaluate(t, m, c.s.feeds)["y"], want, 1e-6)
		s, err := finetune.NewAdapted(onnx.FileOf(c.s.model()), nil, a)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		bound, err := s.Bind(a)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for binding, want := range map[*finetune.Binding]*tensor.Tensor{bound: want, nil: base} {
			out, err := s.Run(context.Background(), c.s.feeds, binding)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			near(t, c.name+" of a session", out["y"], want, 1e-6)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
