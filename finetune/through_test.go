package finetune_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// pair is a generator of pictures "fake" [batch, 3, 8, 8] from "x" [batch, 6, 1, 1] and a discriminator that gives them "scores".
func pair(t testing.TB) *onnx.Model {
	t.Helper()
	b := nn.New("model", 1)
	up := func(out, stride, padding int) nn.Layer {
		return nn.ConvTranspose{Out: out, Kernel: nn.Size{4}, Stride: nn.Size{stride}, Padding: nn.Size{padding}, NoBias: true}
	}
	fake := nn.Named("G", nn.Sequential{up(8, 1, 0), nn.BatchNorm{}, nn.ReLU{}, up(3, 2, 1), nn.Tanh{}}).Apply(b.Input("x", tensor.Float32, nn.Batch, 6, 1, 1))
	b.Output("fake", fake)
	b.Output("scores", nn.Named("D", nn.Sequential{nn.Conv{Out: 4, Kernel: nn.Size{4}, Stride: nn.Size{2}, Padding: nn.Size{1}}, nn.BatchNorm{},
		nn.LeakyReLU{Slope: 0.2}, nn.Flatten{}, nn.Linear{Out: 1}}).Apply(fake))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// pairTrainer trains the generator; the discriminator's weights are held.
func pairTrainer(t testing.TB, m *onnx.Model, s finetune.Spec) *finetune.Trainer {
	for _, w := range m.Graph.Initializers {
		switch {
		case strings.Contains(w.Name, "running"):
		case strings.HasPrefix(w.Name, "G."):
			s.Weights = append(s.Weights, w.Name)
		case strings.HasPrefix(w.Name, "D."):
			s.Held = append(s.Held, w.Name)
		}
	}
	s.BatchNorm, s.Optimizer, s.Rate = true, finetune.Adam{}, 0.01
	s.Terms = []finetune.Term{{At: "scores", Loss: finetune.BCEWithLogits{}}}
	return newTrainer(t, m, s)
}

// TestStepThrough takes steps that are interrupted at the generator's pictures, where the discriminator's weights change, and
// wants the bits of Probe, the same change and Step.
func TestStepThrough(t *testing.T) {
	m, ctx := pair(t), context.Background()
	batch := finetune.Batch{Inputs: tensors{"x": f32(1, 5, 6, 1, 1)}, Targets: []*tensor.Tensor{f32(2, 5, 1)}}
	change := func(tr *finetune.Trainer, fake *tensor.Tensor) {
		for _, w := range m.Graph.Initializers {
			if p := tr.Param(w.Name); p != nil && strings.HasPrefix(w.Name, "D.") && !strings.Contains(w.Name, "running") {
				tensor.Of[float32](p.W)[0] += tensor.Of[float32](fake)[7]
			}
		}
	}
	for threads := 1; threads <= 2; threads++ {
		want, got := pairTrainer(t, m, finetune.Spec{Threads: threads}), pairTrainer(t, m, finetune.Spec{Threads: threads})
		for range 3 {
			fake, err := want.Probe(ctx, batch.Inputs, "fake")
			if err != nil {
				t.Fatal(err)
			}
			first := slices.Clone(tensor.Of[float32](fake[0]))
			change(want, fake[0])
			a, err := want.Step(ctx, batch)
			if err != nil {
				t.Fatal(err)
			}
			b, err := got.StepThrough(ctx, batch, "fake", func(x *tensor.Tensor) error {
				if !slices.Equal(x.Shape(), fake[0].Shape()) || !slices.Equal(tensor.Of[float32](x), first) {
					t.Error("other pictures than those of Probe")
				}
				change(got, x)
				return nil
			})
			if err != nil || a != b || !slices.Equal(trainedOf(got), trainedOf(want)) || !slices.Equal(written(t, got), written(t, want)) {
				t.Fatalf("%d threads: %+v, want %+v, or other weights: %v", threads, b, a, err)
			}
		}
	}
}

// TestStepThroughFails wants the visitor's error and weights that stay, and no visit of a value behind weights that it may change.
func TestStepThroughFails(t *testing.T) {
	tr := pairTrainer(t, pair(t), finetune.Spec{})
	batch := finetune.Batch{Inputs: tensors{"x": f32(1, 5, 6, 1, 1)}, Targets: []*tensor.Tensor{f32(2, 5, 1)}}
	before, stop := trainedOf(tr), errors.New("seen enough")
	for name, want := range map[string]string{"fake": stop.Error(), "scores": "depends on weights", "nothing": `"nothing"`} {
		_, err := tr.StepThrough(context.Background(), batch, name, func(*tensor.Tensor) error { return stop })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one about %s", name, err, want)
		}
	}
	if !slices.Equal(trainedOf(tr), before) || tr.Steps() != 0 {
		t.Error("a step that failed moved weights")
	}
	if _, err := tr.Step(context.Background(), batch); err != nil {
		t.Error(err)
	}
}
