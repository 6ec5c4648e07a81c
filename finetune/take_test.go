package finetune_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// wide is a model whose gradients take more memory than its values, with a table of which batches read few rows.
func wide(t testing.TB) *onnx.Model {
	t.Helper()
	b := nn.New("model", 1)
	net := nn.Sequential{nn.Embedding{Count: 64, Width: 128}, nn.Flatten{}}
	for range 4 {
		net = append(net, nn.Linear{Out: 256}, nn.ReLU{})
	}
	b.Output("scores", append(net, nn.Linear{Out: 10}).Apply(b.Input("x", tensor.Int64, nn.Batch, 2)))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func wideBatch(first int) finetune.Batch {
	x := tensor.New(tensor.Int64, 4, 2)
	for i := range tensor.Of[int64](x) {
		tensor.Of[int64](x)[i] = int64((first + 5*i) % 64)
	}
	return finetune.Batch{Inputs: tensors{"x": x}, Targets: []*tensor.Tensor{classes(4, 10)}}
}

// leastOf returns the least memory that a step of some batches of a model can be made to take.
func leastOf(t testing.TB, m *onnx.Model, s finetune.Spec, batches ...finetune.Batch) int64 {
	t.Helper()
	return leastAbove(t, m, s, 1, batches...)
}

// leastAbove is leastOf where that is known to be above some bytes.
func leastAbove(t testing.TB, m *onnx.Model, s finetune.Spec, bytes int64, batches ...finetune.Batch) int64 {
	t.Helper()
	s.Memory = bytes
	tr := newTrainer(t, m, s)
	_, err := tr.Step(context.Background(), batches...)
	short, ok := errors.AsType[*finetune.MemoryError](err)
	if !ok {
		t.Fatalf("a bound of %d bytes: %v", bytes, err)
	}
	if _, again := tr.Step(context.Background(), batches...); again != err {
		t.Errorf("the next step: %v, want %v", again, err)
	}
	return int64(short.Least)
}

// TestTakenGradients trains with gradients that are taken as they come, in steps of one batch and of two, and compares the bits
// of weights, averages and norms with those of a trainer without a bound. Where their norm is bounded they are made twice.
func TestTakenGradients(t *testing.T) {
	m := wide(t)
	for _, c := range []struct {
		o    finetune.Optimizer
		clip finetune.Clip
	}{{finetune.SGD{Momentum: 0.9}, finetune.Clip{}}, {finetune.AdamW{}, finetune.Clip{}}, {finetune.SGD{Momentum: 0.9}, finetune.Clip{Norm: 0.5}},
		{finetune.SGD{}, finetune.Clip{Norm: 1, Value: 1e-3}}, {finetune.SGD{}, finetune.Clip{Value: 1e-3}}} {
		for threads := 1; threads <= 2; threads++ {
			for n := 1; n <= 2; n++ {
				t.Run(fmt.Sprint(c.o.Name(), c.clip, threads, n), func(t *testing.T) {
					spec := finetune.Spec{Train: "all", Optimizer: c.o, Rate: 0.01, EMA: finetune.EMA{Decay: 0.9}, Threads: threads, Clip: c.clip,
						Terms: []finetune.Term{{At: "scores", Loss: finetune.CrossEntropy{}}}}
					sameTaken(t, m, spec, n)
				})
			}
		}
	}
}

// sameTaken takes steps of n batches without a bound and with the least one.
func sameTaken(t *testing.T, m *onnx.Model, spec finetune.Spec, n int) {
	want := newTrainer(t, m, spec)
	batches := []finetune.Batch{wideBatch(0), wideBatch(1)}[:n]
	spec.Memory = leastOf(t, m, spec, batches...)
	got := newTrainer(t, m, spec)
	for i := range 4 {
		batches := []finetune.Batch{wideBatch(i), wideBatch(2 * i)}[:n]
		a, err := want.Step(context.Background(), batches...)
		if err != nil {
			t.Fatal(err)
		}
		b, err := got.Step(context.Background(), batches...)
		if err != nil || a != b {
			t.Fatalf("step %d: %+v, want %+v: %v", i, b, a, err)
		}
	}
	if !got.Takes() || want.Takes() != (n > 1) {
		t.Error("gradients should be taken as they come where there is a bound, or a sum of them")
	}
	if !slices.Equal(trainedOf(got), trainedOf(want)) || !slices.Equal(written(t, got), written(t, want)) {
		t.Error("weights or their averages differ")
	}
}

// TestTakenNotFinite takes steps whose loss is not a number, or the gradient of whose first layers overflows. No weight becomes
// anything but finite, and where the loss tells, nothing changes.
func TestTakenNotFinite(t *testing.T) {
	m := wide(t)
	spec := finetune.Spec{Train: "all", Optimizer: finetune.Adam{}, Terms: []finetune.Term{{At: "scores", Loss: finetune.CrossEntropy{}}}}
	spec.Memory = leastOf(t, m, spec, wideBatch(0))
	nan := float32(math.NaN())
	for _, c := range []struct {
		name           string
		table, weights float32
		same           bool
	}{{"loss", nan, 1, true}, {"gradient", 1e-37, 1e20, false}} {
		tr := newTrainer(t, m, spec)
		for i, x := range []float32{c.table, c.weights, 0, c.weights} {
			w := tensor.Of[float32](tr.Params()[i].W)
			copy(w, slices.Repeat([]float32{x}, len(w)))
		}
		before := trainedOf(tr)
		r, err := tr.Step(context.Background(), wideBatch(1))
		if err != nil || !r.Skipped || tr.Skipped() != 1 || !tr.Takes() || finiteLoss(r.Loss) == c.same {
			t.Fatalf("%s: %+v, want a skipped step: %v", c.name, r, err)
		}
		after := trainedOf(tr)
		if c.same != slices.EqualFunc(before, after, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
			t.Errorf("%s: weights have changed, or none", c.name)
		}
		if !c.same && slices.ContainsFunc(after, func(x float32) bool { return !finiteLoss(float64(x)) }) {
			t.Errorf("%s: a weight is not finite", c.name)
		}
	}
}

func finiteLoss(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) }

// TestTakenCancelled gives a step a context that has ended: nothing moves.
func TestTakenCancelled(t *testing.T) {
	m := wide(t)
	spec := finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "scores", Loss: finetune.CrossEntropy{}}}}
	spec.Memory = leastOf(t, m, spec, wideBatch(0))
	tr := newTrainer(t, m, spec)
	before := trainedOf(tr)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := tr.Step(ctx, wideBatch(0)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that the step was cancelled", err)
	}
	if !slices.Equal(before, trainedOf(tr)) {
		t.Error("the weights have changed")
	}
}
