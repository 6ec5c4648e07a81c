package nn_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestOptimisedStepsAreTheSame trains a convolutional network with all that passes rewrite for training: the losses are those
// of the graph as it is written, and the same bits on every number of threads.
func TestOptimisedStepsAreTheSame(t *testing.T) {
	conv := func(out, kernel, stride, groups int) nn.Layer {
		return nn.Conv{Out: out, Kernel: nn.Size{kernel}, Stride: nn.Size{stride}, Padding: nn.Size{kernel / 2}, Groups: groups, NoBias: true}
	}
	b := nn.New("model", 1)
	net := nn.Sequential{
		conv(16, 3, 2, 1), nn.BatchNorm{}, nn.ReLU{}, nn.MaxPool{Kernel: nn.Size{3}, Stride: nn.Size{2}, Padding: nn.Size{1}},
		nn.Residual{Body: nn.Sequential{conv(32, 1, 1, 1), nn.BatchNorm{}, nn.ReLU6{}, conv(32, 3, 1, 32), nn.BatchNorm{}, nn.ReLU6{}, conv(16, 1, 1, 1), nn.BatchNorm{}}},
		nn.ReLU{}, nn.ConvTranspose{Out: 12, Kernel: nn.Size{4}, Stride: nn.Size{2}, Padding: nn.Size{1}}, nn.BatchNorm{}, nn.LeakyReLU{Slope: 0.2},
		nn.AveragePool{Kernel: nn.Size{2}, Stride: nn.Size{2}}, nn.Conv{Out: 20, Kernel: nn.Size{3}, Groups: 2}, nn.Tanh{}, nn.GlobalAveragePool{}, nn.Flatten{}, nn.Linear{Out: 5},
	}
	b.Output("scores", net.Apply(b.Input("x", tensor.Float32, nn.Batch, 3, 24, 24)))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	losses := func(plain bool, threads int) []float64 {
		tr, err := finetune.NewTrainer(m, finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "scores", Loss: finetune.CrossEntropy{}}},
			Optimizer: finetune.SGD{Momentum: 0.9}, Rate: 0.05, BatchNorm: true, Threads: threads, NoOptimize: plain})
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		x, y := tensor.New(tensor.Float32, 6, 3, 24, 24), tensor.FromSlice([]int64{0, 1, 2, 3, 4, 0}, 6)
		for i := range tensor.Of[float32](x) {
			tensor.Of[float32](x)[i] = float32(r.NormFloat64())
		}
		var out []float64
		for range 6 {
			res, err := tr.Step(context.Background(), finetune.Batch{Inputs: map[string]*tensor.Tensor{"x": x}, Targets: []*tensor.Tensor{y}})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, res.Loss)
		}
		return out
	}
	want, got := losses(true, 1), losses(false, 1)
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-4*max(1, want[i]) {
			t.Errorf("step %d: loss %v, unoptimised %v", i, got[i], want[i])
		}
	}
	for _, threads := range []int{2, 3} {
		for i, loss := range losses(false, threads) {
			if loss != got[i] {
				t.Errorf("step %d: loss %v on %d threads, %v on one", i, loss, threads, got[i])
			}
		}
	}
	if want[5] > want[0]-0.1 {
		t.Errorf("losses %v do not fall", want)
	}
}
