package nn_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestLayersTrain lets a trainer find the weights of each layer, all those that PyTorch has gradients of and no others, and
// takes steps towards the recorded output of other weights.
func TestLayersTrain(t *testing.T) {
	for name, rec := range recordedLayers(t) {
		var want []string
		for key := range rec {
			if weight, ok := strings.CutPrefix(key, "g."); ok {
				want = append(want, weight)
			}
		}
		if len(want) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) { trainLayer(t, layerCases[name], rec, want) })
	}
}

func trainLayer(t *testing.T, layer nn.Layer, rec map[string]*tensor.Tensor, want []string) {
	t.Helper()
	trainer, err := finetune.NewTrainer(layerModel(t, layer, rec["x"]), finetune.Spec{
		Train: "all", Terms: []finetune.Term{{At: "y", Loss: finetune.MSE{}}}, Optimizer: finetune.Adam{}, Rate: 0.02,
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range trainer.Params() {
		got = append(got, p.Name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("weights %v train, want %v", got, want)
	}
	batch := finetune.Batch{Inputs: map[string]*tensor.Tensor{"x": rec["x"]}, Targets: []*tensor.Tensor{rec["y"]}}
	var losses []float64
	for range 20 {
		step, err := trainer.Step(context.Background(), batch)
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, step.Loss)
	}
	if !(losses[19] < 0.9*losses[0]) {
		t.Errorf("losses %v", losses)
	}
}

// TestBatchNormTrains takes one step of ONNX's rule, and expects the inference form of the model with other statistics.
func TestBatchNormTrains(t *testing.T) {
	m := must(t, nn.Sequential{nn.BatchNorm{}, nn.Linear{Out: 1}}, 2)
	trainer, err := finetune.NewTrainer(m, finetune.Spec{
		Train: "all", Terms: []finetune.Term{{At: "y", Loss: finetune.MSE{}}}, Optimizer: finetune.SGD{}, Rate: 0.1, BatchNorm: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	batch := finetune.Batch{
		Inputs:  map[string]*tensor.Tensor{"x": tensor.FromSlice([]float32{1, 10, 3, 20, 5, 60}, 3, 2)},
		Targets: []*tensor.Tensor{tensor.FromSlice([]float32{0, 1, 2}, 3, 1)},
	}
	if _, err := trainer.Step(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
	want := map[string][]float64{ // 0.9 of 0 and 1, and a tenth of the mean and the biased variance of each column
		"bn1.running_mean": {0.3, 3}, "bn1.running_var": {0.9 + 0.1*8/3, 0.9 + 0.1*1400/3},
	}
	err = trainer.Export(func(m *onnx.Model) error {
		for name, list := range want {
			for i, v := range tensor.Of[float32](initializer(t, m, name)) {
				if math.Abs(float64(v)-list[i]) > 1e-5*list[i] {
					t.Errorf("%s is %v at %d, want %v", name, v, i, list[i])
				}
			}
		}
		if n := m.Graph.Nodes[0]; n.OpType != "BatchNormalization" || len(n.Outputs) != 1 || n.Attr("training_mode") != nil {
			t.Errorf("the exported model has %+v", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDropoutTrains expects different losses of one batch while nodes drop, and the same model as without them afterwards.
func TestDropoutTrains(t *testing.T) {
	m := must(t, nn.Sequential{nn.Linear{Out: 64}, nn.Dropout{P: 0.5}, nn.Linear{Out: 1}}, 2)
	batch := finetune.Batch{
		Inputs:  map[string]*tensor.Tensor{"x": tensor.FromSlice([]float32{1, 2}, 1, 2)},
		Targets: []*tensor.Tensor{tensor.FromSlice([]float32{3}, 1, 1)},
	}
	for _, dropout := range []bool{false, true} {
		trainer, err := finetune.NewTrainer(m, finetune.Spec{
			Train: "all", Terms: []finetune.Term{{At: "y", Loss: finetune.MSE{}}}, Optimizer: finetune.SGD{}, Rate: 1e-30, Dropout: dropout,
		})
		if err != nil {
			t.Fatal(err)
		}
		losses := map[float64]bool{}
		for range 4 {
			step, err := trainer.Step(context.Background(), batch)
			if err != nil {
				t.Fatal(err)
			}
			losses[step.Loss] = true
		}
		if dropout != (len(losses) > 1) {
			t.Errorf("with dropout %v there are %d different losses", dropout, len(losses))
		}
	}
}
