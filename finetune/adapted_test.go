package finetune_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// other returns the adapter with other factors, of another rank.
func other(t *testing.T, a *finetune.Adapter) *finetune.Adapter {
	t.Helper()
	b := &finetune.Adapter{Layers: map[string]*finetune.LowRank{}, Saved: map[string]*tensor.Tensor{}}
	for module, l := range a.Layers {
		if strings.Contains(module, "layers.1") {
			continue
		}
		sa, sb := l.A.Shape().Clone(), l.B.Shape().Clone()
		sa[0], sb[1] = 5, 5
		b.Layers[module] = &finetune.LowRank{A: f32(7, sa...), B: f32(8, sb...), Scale: 0.25, Embedding: l.Embedding}
	}
	return b
}

// TestAdapted runs one session with PEFT's adapter, another one of other ranks, and none, from several goroutines: each
// gives what the adapter gives when it is attached to the model.
func TestAdapted(t *testing.T) {
	io := arrays(t, filepath.Join(peftDir, "io.npz"))
	feeds := tensors{"ids": io["ids"], "image": io["image"]}
	a, err := finetune.ReadAdapter(peftDir)
	if err != nil {
		t.Fatal(err)
	}
	b := other(t, a)
	attached := load(t, filepath.Join(peftDir, "model.onnx"))
	if _, err := b.Attach(attached); err != nil {
		t.Fatal(err)
	}
	wants := []*tensor.Tensor{io["adapted"], evaluate(t, attached, feeds)["scores"], io["base"]}
	if distance(wants[1], wants[2]) < 1e-3 {
		t.Fatal("the other adapter changes nothing")
	}
	s, err := finetune.NewAdapted(onnx.FileOf(load(t, filepath.Join(peftDir, "model.onnx"))), nil, a)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var bindings []*finetune.Binding
	for _, x := range []*finetune.Adapter{a, b, nil} {
		bound, err := s.Bind(x)
		if err != nil {
			t.Fatal(err)
		}
		bindings = append(bindings, bound)
	}
	if len(s.Inputs()) != 2 || len(s.Outputs()) != 1 {
		t.Errorf("inputs are %v, outputs %v", s.Inputs(), s.Outputs())
	}
	var group sync.WaitGroup
	results := make([]*tensor.Tensor, 12)
	for i := range results {
		group.Go(func() {
			if out, err := s.Run(context.Background(), feeds, bindings[i%3]); err == nil {
				results[i] = out["scores"]
			}
		})
	}
	group.Wait()
	for i, got := range results {
		near(t, "run", got, wants[i%3], 1e-5)
	}
	out, err := s.Run(context.Background(), feeds, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "no binding", out["scores"], io["base"], 1e-5)
}

// TestAdaptedErrors wants what an adapter has that the session has no place for.
func TestAdaptedErrors(t *testing.T) {
	a, err := finetune.ReadAdapter(peftDir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := finetune.NewAdapted(onnx.FileOf(load(t, filepath.Join(peftDir, "model.onnx"))), nil, other(t, a))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Bind(a); err == nil || !strings.Contains(err.Error(), `"layers.1.attn.q_proj" is none of those`) {
		t.Errorf("got error %v", err)
	}
	delete(a.Layers, "embed")
	a.Layers = map[string]*finetune.LowRank{"stem": a.Layers["stem"]}
	if _, err := s.Bind(a); err == nil || !strings.Contains(err.Error(), `parameter "classifier.bias"`) {
		t.Errorf("got error %v", err)
	}
	a.Layers, a.Saved = map[string]*finetune.LowRank{"nowhere": {A: f32(1, 2, 3), B: f32(2, 3, 2)}}, nil
	if _, err := finetune.NewAdapted(onnx.FileOf(load(t, filepath.Join(peftDir, "model.onnx"))), nil, a); err == nil ||
		!strings.Contains(err.Error(), `no layer "nowhere"`) {
		t.Errorf("got error %v", err)
	}
}
