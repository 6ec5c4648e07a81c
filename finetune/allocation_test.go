package finetune_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// A network is a model with an input "x" and class scores "y", and a batch of it.
type network struct {
	name  string
	model *onnx.Model
	batch finetune.Batch
}

// networks are small models of every family.
func networks(t testing.TB) []network {
	const rows, words = 4, 500
	make := func(name string, x *tensor.Tensor, dims []nn.Dim, layers ...nn.Layer) network {
		b := nn.New("model", 1)
		b.Output("y", nn.Sequential(layers).Apply(b.Input("x", x.DType(), append([]nn.Dim{nn.Batch}, dims...)...)))
		m, err := b.Model()
		if err != nil {
			t.Fatal(err)
		}
		return network{name, m, finetune.Batch{Inputs: tensors{"x": x}, Targets: []*tensor.Tensor{classes(rows, 5)}}}
	}
	ids, r := tensor.New(tensor.Int64, rows, 12), rand.New(rand.NewPCG(3, 4))
	for i := range tensor.Of[int64](ids) {
		tensor.Of[int64](ids)[i] = r.Int64N(words)
	}
	conv := func(stride, groups int) nn.Layer {
		return nn.Conv{Out: 8, Kernel: nn.Size{3}, Stride: nn.Size{stride}, Padding: nn.Size{1}, Groups: groups, NoBias: true}
	}
	return []network{
		make("mlp", f32(1, rows, 40), []nn.Dim{40}, nn.Linear{Out: 600}, nn.ReLU{}, nn.Linear{Out: 100}, nn.GELU{}, nn.Linear{Out: 5}),
		make("cnn", f32(2, rows, 3, 16, 16), []nn.Dim{3, 16, 16}, conv(2, 1), nn.BatchNorm{}, nn.ReLU{}, conv(1, 8), nn.BatchNorm{}, nn.ReLU6{},
			nn.MaxPool{Kernel: nn.Size{2}, Stride: nn.Size{2}}, nn.Residual{Body: conv(1, 1)}, nn.GlobalAveragePool{}, nn.Flatten{}, nn.Linear{Out: 5}),
		make("transformer", ids, []nn.Dim{12}, nn.Embedding{Count: words, Width: 32}, nn.Positions{Max: 64}, nn.LayerNorm{},
			nn.TransformerBlock{Heads: 4, PostNorm: true}, nn.Flatten{}, nn.Linear{Out: 5}),
		make("lstm", f32(3, rows, 6, 10), []nn.Dim{6, 10}, nn.LSTM{Hidden: 16, Last: true}, nn.Linear{Out: 5}),
	}
}

// optimizers are all there are, in all their forms.
var optimizers = []string{"sgd", "sgd:momentum=0.9,nesterov", "adam", "adam:amsgrad", "adamw", "rmsprop:momentum=0.5", "rmsprop:centered", "adagrad", "lion"}

func parsedOptimizer(t testing.TB, text string) finetune.Optimizer {
	t.Helper()
	o, _, err := finetune.ParseOptimizer(text)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestStepsAllocateNothing takes steps of every family and with every optimizer, with gradients that are clipped and averages.
func TestStepsAllocateNothing(t *testing.T) {
	for _, n := range networks(t) {
		for i, o := range optimizers {
			if i > 0 && n.name != "mlp" {
				break
			}
			for _, threads := range []int{1, 2} {
				t.Run(fmt.Sprint(n.name, " ", o, " ", threads), func(t *testing.T) {
					spec := finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "y", Loss: finetune.CrossEntropy{}}}, Optimizer: parsedOptimizer(t, o),
						Clip: finetune.Clip{Norm: 0.1, Value: 0.05}, EMA: finetune.EMA{Decay: 0.9, Correct: true}, BatchNorm: true, Dropout: true, Threads: threads}
					allocateNothing(t, newTrainer(t, n.model, spec), n.batch)
				})
			}
		}
	}
}

// TestPrivateStepsAllocateNothing takes private steps, whose noise comes from a function: a source of noise makes its ciphers.
func TestPrivateStepsAllocateNothing(t *testing.T) {
	dp := &finetune.DP{Delta: 1e-5, Noise: 1, Normals: func(string, int, []float32) error { return nil }}
	n := networks(t)[0]
	spec := finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "y", Loss: finetune.CrossEntropy{}}}, Privacy: dp}
	allocateNothing(t, newTrainer(t, n.model, spec), n.batch)
}

// allocateNothing takes steps of one and of two batches.
func allocateNothing(t *testing.T, tr *finetune.Trainer, batch finetune.Batch) {
	t.Helper()
	for _, batches := range [][]finetune.Batch{{batch}, {batch, batch}} {
		got := 1.0
		for range 5 { // a collection of garbage may empty the pools of tasks meanwhile
			if got > 0 {
				got = testing.AllocsPerRun(10, func() {
					if _, err := tr.Step(context.Background(), batches...); err != nil {
						t.Fatal(err)
					}
				})
			}
		}
		if got > 0 {
			t.Errorf("a step of %d batches makes %v allocations", len(batches), got)
		}
	}
}
