package finetune_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/privacy"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// viewedRows is a dataset of the rows of a batch, whose class tells the greatest of the first three numbers.
type viewedRows struct {
	finetune.Batch
	views int
}

func (r viewedRows) Len() int { return r.Targets[0].Len() }

func (r viewedRows) Sample(i int) (finetune.Sample, error) { return r.View(i, 0) }

func (r viewedRows) Views() int { return max(1, r.views) }

func (r viewedRows) View(i, view int) (finetune.Sample, error) {
	x := r.Inputs["x"]
	n := x.Len() / x.Shape()[0]
	v := slices.Clone(tensor.Of[float32](x)[i*n : (i+1)*n])
	best := 0
	for k, f := range v[:3] {
		if f > v[best] {
			best = k
		}
	}
	v[n-1] += float32(view)
	return finetune.Sample{Inputs: map[string]*tensor.Tensor{"": tensor.FromSlice(v, n)}, Targets: []*tensor.Tensor{tensor.Scalar(int64(best))}}, nil
}

func weightsOf(tr *finetune.Trainer) []float32 {
	var out []float32
	for _, p := range tr.Params() {
		out = append(out, tensor.Of[float32](p.W)...)
	}
	return out
}

// TestPrivateFit wants training to keep to its budget, to report it, and to learn where the budget is large.
func TestPrivateFit(t *testing.T) {
	ctx := context.Background()
	c := privateCases[0]
	m, data := c.model(t), viewedRows{Batch: c.batch(96)}
	key := make([]byte, privacy.KeySize)
	for _, views := range []int{1, 2} {
		data.views = views
		tr := trainer(t, m, func(s *finetune.Spec) { s.Privacy = &finetune.DP{Epsilon: 3, Delta: 1e-3, Key: key} })
		fitted, err := tr.Fit(ctx, data, finetune.FitOptions{Batch: 12, Epochs: 3})
		if err != nil {
			t.Fatal(err)
		}
		s := fitted.Privacy
		if s == nil || s.Epsilon > 3 || s.Epsilon < 2.99 || s.Steps != 24 || s.Rate != 0.125 || s.Accountant != "prv" {
			t.Errorf("%d views: spent %+v", views, s)
		}
	}
	tr := trainer(t, m, func(s *finetune.Spec) {
		s.Privacy, s.Rate = &finetune.DP{Noise: 0.05, Delta: 1e-3, Clip: 4, Key: key, Accountant: "rdp"}, 0.5
	})
	fitted, err := tr.Fit(ctx, data, finetune.FitOptions{Batch: 12, Epochs: 30})
	if err != nil {
		t.Fatal(err)
	}
	if first, last := fitted.Losses[0], fitted.Losses[29]; !(last < first/2) || fitted.Privacy.Epsilon < 100 {
		t.Errorf("losses from %g to %g at epsilon %g", first, last, fitted.Privacy.Epsilon)
	}
}

// TestPrivateResume interrupts a training and goes on: with the key of the checkpoint it ends with the same bits.
func TestPrivateResume(t *testing.T) {
	c := privateCases[0]
	m, data := c.model(t), viewedRows{Batch: c.batch(40)}
	fit := func(m *onnx.Model, key []byte, dir string, resume bool, stop int) (*finetune.Trainer, error) {
		tr := trainer(t, m, func(s *finetune.Spec) { s.Privacy = &finetune.DP{Noise: 1, Delta: 1e-3, Key: key} })
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		_, err := tr.Fit(ctx, data, finetune.FitOptions{Batch: 8, Epochs: 3, Dir: dir, Resume: resume, Event: func(e finetune.Event) error {
			if s, ok := e.(finetune.StepEvent); ok && s.Step == stop {
				cancel()
			}
			return nil
		}})
		return tr, err
	}
	key := []byte(strings.Repeat("k", privacy.KeySize))
	whole, err := fit(m, key, "", false, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range [][]byte{key, nil} {
		dir := t.TempDir()
		if _, err := fit(m, k, dir, false, 7); !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted: %v", err)
		}
		again, err := fit(m, k, dir, true, 0)
		if err != nil {
			t.Fatal(err)
		}
		if same := slices.Equal(weightsOf(again), weightsOf(whole)); same != (k != nil) {
			t.Errorf("key given %v: the weights are those of the key: %v", k != nil, same)
		}
		repeated, err := fit(m, k, dir, true, 0)
		if err != nil || !slices.Equal(weightsOf(repeated), weightsOf(again)) {
			t.Errorf("key given %v: resumed at the end, the weights differ: %v", k != nil, err)
		}
		if _, err := fit(m, []byte(strings.Repeat("x", privacy.KeySize)), dir, true, 0); err == nil {
			t.Error("a checkpoint of another key was taken")
		}
	}
}

// TestPrivateFitErrors names what private training cannot do.
func TestPrivateFitErrors(t *testing.T) {
	c := privateCases[0]
	m, data := c.model(t), viewedRows{Batch: c.batch(40)}
	dp := func(d finetune.DP) func(*finetune.Spec) { return func(s *finetune.Spec) { s.Privacy = &d } }
	tr := trainer(t, m, dp(finetune.DP{Noise: 1, Delta: 1e-3}))
	if _, err := tr.Fit(context.Background(), data, finetune.FitOptions{TryRates: true}); err == nil || !strings.Contains(err.Error(), "trying learning rates") {
		t.Errorf("trying rates: %v", err)
	}
	tr = trainer(t, m, dp(finetune.DP{Epsilon: 1e-4, Delta: 1e-3}))
	if _, err := tr.Fit(context.Background(), data, finetune.FitOptions{}); err == nil || !strings.Contains(err.Error(), "no noise") {
		t.Errorf("a tiny budget: %v", err)
	}
	tr = trainer(t, m, dp(finetune.DP{Epsilon: 1, Delta: 1e-3}))
	if _, err := tr.Step(context.Background(), c.batch(4)); err == nil || !strings.Contains(err.Error(), "noise multiplier") {
		t.Errorf("a step without noise: %v", err)
	}
	for _, d := range []finetune.DP{{Noise: 1}, {Noise: 1, Delta: 1e-3, Clip: math.NaN()}, {Noise: 1, Delta: 1e-3, Key: []byte{1}}, {Noise: -1, Delta: 1e-3}} {
		if _, err := finetune.NewTrainer(m, finetune.Spec{Privacy: &d}); err == nil {
			t.Errorf("%+v was taken", d)
		}
	}
}
