package nn_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// threeBlocks is a model of three blocks and a batch for it.
func threeBlocks(t *testing.T) (*onnx.Model, finetune.Batch) {
	t.Helper()
	b := nn.New("model", 1)
	net := nn.Sequential{nn.Linear{Out: 64}}
	for range 3 {
		net = append(net, nn.TransformerBlock{Heads: 2})
	}
	b.Output("scores", append(net, nn.Flatten{}, nn.Linear{Out: 3}).Apply(b.Input("x", tensor.Float32, nn.Batch, 32, 16)))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	x, y := tensor.New(tensor.Float32, 8, 32, 16), tensor.FromSlice([]int64{0, 1, 2, 0, 1, 2, 0, 1}, 8)
	for i := range tensor.Of[float32](x) {
		tensor.Of[float32](x)[i] = float32(i%17) / 17
	}
	return m, finetune.Batch{Inputs: map[string]*tensor.Tensor{"x": x}, Targets: []*tensor.Tensor{y}}
}

// losses trains all of a model for some steps.
func losses(m *onnx.Model, batch finetune.Batch, steps int, spec finetune.Spec) (out []float64, err error) {
	spec.Train, spec.Terms = "all", []finetune.Term{{At: "scores", Loss: finetune.CrossEntropy{}}}
	tr, err := finetune.NewTrainer(m, spec)
	for range steps {
		if err != nil {
			return nil, err
		}
		var r finetune.StepResult
		r, err = tr.Step(context.Background(), batch)
		out = append(out, r.Loss)
	}
	return out, err
}

// TestBudget trains an encoder in as little memory as its steps can be made to take, and asks for less: the losses are the same
// bits, and the error says how much it takes. So it is with activations that wait as bfloat16.
func TestBudget(t *testing.T) {
	m, batch := threeBlocks(t)
	for _, half := range []bool{false, true} {
		train := func(memory int64, threads int) ([]float64, error) {
			return losses(m, batch, 3, finetune.Spec{Memory: memory, Threads: threads, HalfSaved: half})
		}
		want, err := train(0, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, err = train(1, 1)
		short, ok := errors.AsType[*finetune.MemoryError](err)
		if !ok || short.Bound != 1 {
			t.Fatalf("a bound of one byte: %v", err)
		}
		for threads := 1; threads <= 2; threads++ {
			got, err := train(int64(short.Least), threads)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("half %v, %d bytes, %d threads: losses %v, want %v", half, short.Least, threads, got, want)
			}
		}
	}
}

// TestHalfSaved compares training with activations that wait as bfloat16 and as float32: the first loss is the same bits,
// and the later ones stay near.
func TestHalfSaved(t *testing.T) {
	m, batch := threeBlocks(t)
	want, err := losses(m, batch, 12, finetune.Spec{Rate: 3e-4})
	if err != nil {
		t.Fatal(err)
	}
	got, err := losses(m, batch, 12, finetune.Spec{Rate: 3e-4, HalfSaved: true})
	if err != nil {
		t.Fatal(err)
	}
	if got[0] != want[0] || slices.Equal(got, want) || want[11] > 0.6*want[0] {
		t.Errorf("losses %v, with float32 %v", got, want)
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 0.02*want[0] {
			t.Errorf("step %d: loss %v, with float32 %v", i, got[i], want[i])
		}
	}
}
