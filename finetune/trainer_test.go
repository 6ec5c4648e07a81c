package finetune_test

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// batchOf puts samples of rows together.
func batchOf(t testing.TB, index ...int) finetune.Batch {
	t.Helper()
	x, y := tensor.New(tensor.Float32, len(index), 8), tensor.New(tensor.Float32, len(index), 2)
	for k, i := range index {
		s, err := rows(0).Sample(i)
		if err != nil {
			t.Fatal(err)
		}
		copy(tensor.Of[float32](x)[8*k:], tensor.Of[float32](s.Inputs["x"]))
		copy(tensor.Of[float32](y)[2*k:], tensor.Of[float32](s.Targets[0]))
	}
	return finetune.Batch{Inputs: tensors{"x": x}, Targets: []*tensor.Tensor{y}}
}

func mse(s finetune.Spec) finetune.Spec {
	s.Terms = []finetune.Term{{At: "y", Loss: finetune.MSE{}}}
	return s
}

// trainedOf copies the present weights of a trainer, one after the other.
func trainedOf(tr *finetune.Trainer) []float32 {
	var out []float32
	for _, p := range tr.Params() {
		out = append(out, tensor.Of[float32](p.W)...)
	}
	return out
}

func apart(a, b []float32) float64 {
	far := 0.0
	for i := range a {
		far = max(far, math.Abs(float64(a[i])-float64(b[i])))
	}
	return far
}

// TestSkippedSteps gives a trainer numbers that no gradient can be of: the step is skipped, counted and changes nothing.
func TestSkippedSteps(t *testing.T) {
	m := built(t, 8, nn.Linear{Out: 4}, nn.ReLU{}, nn.Linear{Out: 2})
	spec := mse(finetune.Spec{Train: "all", Optimizer: finetune.Adam{}, EMA: finetune.EMA{Decay: 0.5}})
	tr, twin := newTrainer(t, m, spec), newTrainer(t, m, spec)
	good := batchOf(t, 1, 2, 3)
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 3e38} {
		batch := batchOf(t, 1, 2, 3)
		tensor.Of[float32](batch.Inputs["x"])[5] = float32(bad)
		before := trainedOf(tr)
		r, err := tr.Step(context.Background(), batch)
		if err != nil || !r.Skipped {
			t.Errorf("%v: %+v, want a skipped step: %v", bad, r, err)
		}
		if apart(before, trainedOf(tr)) != 0 {
			t.Errorf("%v: the weights have changed", bad)
		}
	}
	if tr.Skipped() != 4 || tr.Steps() != 4 {
		t.Errorf("%d of %d steps were skipped, want 4 of 4", tr.Skipped(), tr.Steps())
	}
	for _, tr := range []*finetune.Trainer{tr, twin} {
		if r, err := tr.Step(context.Background(), good); err != nil || r.Skipped {
			t.Fatalf("%+v: %v", r, err)
		}
	}
	if apart(trainedOf(tr), trainedOf(twin)) != 0 {
		t.Error("steps that were skipped have left traces in the optimizer")
	}
}

// TestBatchesOfAStep compares the gradients of several batches with those of one, after a step of a single one as well.
func TestBatchesOfAStep(t *testing.T) {
	ctx := context.Background()
	m := built(t, 8, nn.Linear{Out: 4}, nn.Tanh{}, nn.Linear{Out: 2})
	spec := mse(finetune.Spec{Train: "all", Optimizer: finetune.SGD{}, Rate: 0.1})
	one, several := newTrainer(t, m, spec), newTrainer(t, m, spec)
	for _, steps := range [][2][]finetune.Batch{
		{{batchOf(t, 1, 2)}, {batchOf(t, 1, 2)}},
		{{batchOf(t, 3, 4, 5, 6)}, {batchOf(t, 3, 4), batchOf(t, 5, 6)}},
		{{batchOf(t, 7, 8, 9, 10, 11, 12)}, {batchOf(t, 7, 8), batchOf(t, 9, 10), batchOf(t, 11, 12)}},
	} {
		a, err := one.Step(ctx, steps[0]...)
		if err != nil {
			t.Fatal(err)
		}
		b, err := several.Step(ctx, steps[1]...)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(a.Loss-b.Loss) > 1e-6*a.Loss || math.Abs(a.Norm-b.Norm) > 1e-5*a.Norm || apart(trainedOf(one), trainedOf(several)) > 1e-6 {
			t.Errorf("%d batches: %+v, want %+v; weights are %v apart", len(steps[1]), b, a, apart(trainedOf(one), trainedOf(several)))
		}
	}
	if _, err := one.Step(ctx); err == nil {
		t.Error("a step of no batches is none")
	}
}

// TestAccumulate computes batches in parts, of which the last ones are smaller, and comes to the same weights.
func TestAccumulate(t *testing.T) {
	m := built(t, 8, nn.Linear{Out: 4}, nn.Tanh{}, nn.Linear{Out: 2})
	fit := func(parts int) *finetune.Trainer {
		tr := newTrainer(t, m, mse(finetune.Spec{Train: "all", Optimizer: finetune.SGD{}, Rate: 0.1}))
		fitted(t, tr, rows(25), finetune.FitOptions{Epochs: 3, Batch: 10, Accumulate: parts})
		return tr
	}
	want := trainedOf(fit(1))
	for _, parts := range []int{2, 3, 4, 10, 25} {
		if far := apart(trainedOf(fit(parts)), want); far > 1e-5 {
			t.Errorf("%d parts: weights are %v away from those of whole batches", parts, far)
		}
	}
}

// fixedTo gives a model's inputs and outputs n rows.
func fixedTo(m *onnx.Model, n int64) *onnx.Model {
	for _, v := range append(m.Graph.Inputs, m.Graph.Outputs...) {
		v.Type.Dims[0] = onnx.FixedDim(n)
	}
	return m
}

// TestFixedBatch trains models that take exactly one or three samples: steps consist of several runs.
func TestFixedBatch(t *testing.T) {
	want := newTrainer(t, built(t, 8, nn.Linear{Out: 2}), mse(finetune.Spec{Optimizer: finetune.SGD{}, Rate: 0.1}))
	fitted(t, want, rows(24), finetune.FitOptions{Epochs: 2, Batch: 6})
	for _, n := range []int64{1, 3} {
		tr := newTrainer(t, fixedTo(built(t, 8, nn.Linear{Out: 2}), n), mse(finetune.Spec{Optimizer: finetune.SGD{}, Rate: 0.1}))
		r := fitted(t, tr, rows(24), finetune.FitOptions{Epochs: 2, Batch: 6, Validation: rows(7)})
		if far := apart(trainedOf(tr), trainedOf(want)); far > 1e-5 || r.Steps != 8 {
			t.Errorf("%d rows: %d steps, weights %v away from those of open batches", n, r.Steps, far)
		}
	}
	tr := newTrainer(t, fixedTo(built(t, 8, nn.Linear{Out: 2}), 3), mse(finetune.Spec{}))
	if _, err := tr.Fit(context.Background(), rows(24),
		finetune.FitOptions{Batch: 2}); err == nil || !strings.Contains(err.Error(), "exactly 3 samples") {
		t.Errorf("%v, want an error that says how many samples the model takes", err)
	}
}

// TestForecast leaves the trainer as it was, and says of a step what Fit says before the first one.
func TestForecast(t *testing.T) {
	m := deep(t)
	tr, twin := newTrainer(t, m, everything()), newTrainer(t, m, everything())
	o := finetune.FitOptions{Epochs: 2, Batch: 8, Validation: rows(9)}
	f, err := tr.Forecast(context.Background(), rows(28), o)
	if err != nil {
		t.Fatal(err)
	}
	const weights = 8*12 + 12 + 2*12 + 12*2 + 2
	if f.Samples != 28 || f.Steps != 8 || f.Batch != 8 || f.Weights != 4*weights || f.Optimizer != 8*weights || f.Step <= 0 || f.Work <= 0 || f.StepTime <= 0 || f.Peak() <= f.Weights {
		t.Errorf("%+v", f)
	}
	if tr.Steps() != 0 || !bytes.Equal(written(t, tr), written(t, twin)) {
		t.Error("the forecast has changed the trainer")
	}
	half, err := tr.Forecast(context.Background(), rows(28), finetune.FitOptions{Epochs: 2, Batch: 4})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := tr.Forecast(context.Background(), rows(28), finetune.FitOptions{Epochs: 2, Batch: 8, Accumulate: 2})
	if err != nil || parts.Step <= half.Weights || parts.Step > half.Step+half.Weights {
		t.Errorf("a step in two parts takes %d bytes, want those of a part, at most %d, and %d for sums: %v", parts.Step, half.Step, half.Weights, err)
	}
	told := o
	var heard []finetune.StepMemory
	told.Memory = func(m finetune.StepMemory) { heard = append(heard, m) }
	told.Event = func(e finetune.Event) error {
		if _, ok := e.(finetune.StepEvent); !ok {
			return nil
		}
		if want := (finetune.StepMemory{Weights: f.Weights, Optimizer: f.Optimizer, Values: f.Step, Work: f.Work}); len(heard) != 1 || heard[0] != want {
			t.Errorf("told %+v before a step, want once %+v", heard, want)
		}
		return nil
	}
	fitted(t, tr, rows(28), told)
	fitted(t, twin, rows(28), o)
	if !bytes.Equal(written(t, tr), written(t, twin)) {
		t.Error("training goes another way after a forecast, or when the memory of a step is told")
	}
}

// TestBoundLeavesRoom bounds a step: values make room for the working memory that is told, where that can be.
func TestBoundLeavesRoom(t *testing.T) {
	const batch = 4096
	var layers []nn.Layer
	for range 6 {
		layers = append(layers, nn.Linear{Out: 64}, nn.Tanh{})
	}
	m := built(t, 8, append(layers, nn.Linear{Out: 2})...)
	told := func(bound int64) (memory finetune.StepMemory) {
		tr := newTrainer(t, m, mse(finetune.Spec{Train: "all", Memory: bound}))
		fitted(t, tr, rows(batch), finetune.FitOptions{Steps: 1, Batch: batch, Memory: func(m finetune.StepMemory) { memory = m }})
		return memory
	}
	plain := told(0)
	bound := plain.Values*7/10 + plain.Work
	if tight := told(int64(bound)); tight.Values+tight.Work > bound || tight.Values == plain.Values {
		t.Errorf("%+v of %d bytes; without a bound %+v", tight, bound, plain)
	}
}

// TestFitBatch starts again with smaller rates until the loss falls.
func TestFitBatch(t *testing.T) {
	for _, rate := range []float64{0.05, 1e4} {
		tr := newTrainer(t, built(t, 8, nn.Linear{Out: 2}), mse(finetune.Spec{Optimizer: finetune.SGD{}, Rate: rate}))
		r, err := tr.FitBatch(context.Background(), batchOf(t, 1, 2, 3, 4), finetune.FitOptions{Steps: 20, TryRates: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Losses) != 20 || !(r.Losses[19] < r.Losses[0]) || (r.Rate < rate) != (rate > 1) {
			t.Errorf("rate %v: ends with %v, losses %v", rate, r.Rate, r.Losses)
		}
	}
}

// TestEarlyStop stops when the validation loss rises, and ends with the weights of the best epoch or with the last ones.
func TestEarlyStop(t *testing.T) {
	m := built(t, 8, nn.Linear{Out: 64}, nn.Tanh{}, nn.Linear{Out: 2})
	for _, last := range []bool{false, true} {
		tr := newTrainer(t, m, mse(finetune.Spec{Train: "all", Optimizer: finetune.Adam{}, Rate: 0.05}))
		var seen []float64
		o := finetune.FitOptions{Epochs: 200, Batch: 6, Validation: shiftedTargets{12}, Patience: 3, KeepLast: last}
		o.Event = func(e finetune.Event) error {
			if epoch, ok := e.(finetune.EpochEvent); ok {
				seen = append(seen, epoch.Validation["loss"])
			}
			return nil
		}
		r := fitted(t, tr, rows(6), o)
		best := 0
		for i, v := range seen {
			if v < seen[best] {
				best = i
			}
		}
		want := seen[best]
		if last {
			want = seen[len(seen)-1]
		}
		if r.Reason != "early stop" || r.BestEpoch != best || len(seen)-1 != best+3 || r.Validation["loss"] != want {
			t.Errorf("%s after %d epochs, best %d with %v, want %d with %v", r.Reason, len(seen)-1, r.BestEpoch, r.Validation["loss"], best, want)
		}
	}
}

// shiftedTargets are other targets than those of rows.
type shiftedTargets struct{ rows }

func (s shiftedTargets) Sample(i int) (finetune.Sample, error) {
	out, err := s.rows.Sample(i)
	return finetune.Sample{Inputs: out.Inputs, Targets: []*tensor.Tensor{f32(uint64(100+i), 2)}}, err
}
