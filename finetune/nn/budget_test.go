package nn_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestBudget trains an encoder in as little memory as its steps can be made to take, and asks for less: the losses are the same
// bits, and the error says how much it takes.
func TestBudget(t *testing.T) {
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
	train := func(memory int64, threads int) (losses []float64, err error) {
		tr, err := finetune.NewTrainer(m, finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "scores", Loss: finetune.CrossEntropy{}}}, Memory: memory, Threads: threads})
		for range 3 {
			if err != nil {
				return nil, err
			}
			var r finetune.StepResult
			r, err = tr.Step(context.Background(), finetune.Batch{Inputs: map[string]*tensor.Tensor{"x": x}, Targets: []*tensor.Tensor{y}})
			losses = append(losses, r.Loss)
		}
		return losses, err
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
			t.Errorf("%d bytes, %d threads: losses %v, want %v", short.Least, threads, got, want)
		}
	}
}
