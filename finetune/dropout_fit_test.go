package finetune_test

import (
	"context"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// rows are samples of x [8] whose two targets are sums of halves of x.
type rows int

func (n rows) Len() int { return int(n) }

func (n rows) Sample(i int) (finetune.Sample, error) {
	x := f32(uint64(i), 8)
	v := tensor.Of[float32](x)
	y := []float32{v[0] + v[1] + v[2] + v[3], v[4] + v[5] + v[6] + v[7]}
	return finetune.Sample{Inputs: tensors{"x": x}, Targets: []*tensor.Tensor{tensor.FromSlice(y)}}, nil
}

// TestDropoutFits trains the last layer behind a Dropout node, behind a frozen layer and directly behind the input: the
// results of what is frozen serve training and measuring. Dropout changes the losses, but not those that are measured
// before the first step.
func TestDropoutFits(t *testing.T) {
	loss, err := finetune.ParseLoss("mse")
	if err != nil {
		t.Fatal(err)
	}
	fit := func(at string, ratio float64) *finetune.Fitted {
		m := sketch{feeds: tensors{"x": f32(1, 1, 8)}, weights: tensors{"v": f32(4, 8, 8), "w.weight": f32(3, 8, 2)}, output: "y",
			nodes: []*onnx.Node{node("MatMul(x, v) = h"), node("MatMul(" + at + ", w.weight) = y")}}.model()
		for _, v := range append(m.Graph.Inputs, m.Graph.Outputs...) {
			v.Type = onnx.NewTensorType(tensor.Float32, onnx.NamedDim("n"), onnx.FixedDim(int64(map[string]int{"x": 8, "y": 2}[v.Name])))
		}
		if ratio > 0 {
			if _, err := finetune.InsertHeadDropout(m, "", ratio); err != nil {
				t.Fatal(err)
			}
		}
		tr, err := finetune.NewTrainer(m, finetune.Spec{Weights: []string{"w.weight"}, Terms: []finetune.Term{{At: "y", Loss: loss}}, Rate: 0.05, Dropout: true, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		r, err := tr.Fit(context.Background(), rows(64), finetune.FitOptions{Validation: rows(20), Epochs: 12, Batch: 16})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, at := range []string{"h", "x"} {
		plain, dropped := fit(at, 0), fit(at, 0.3)
		if plain.Baseline["loss"] != dropped.Baseline["loss"] {
			t.Errorf("%s: the loss before training is %v with dropout, %v without", at, dropped.Baseline["loss"], plain.Baseline["loss"])
		}
		if plain.Losses[0] == dropped.Losses[0] || !(dropped.Validation["loss"] < dropped.Baseline["loss"]/2) {
			t.Errorf("%s: losses are %v with dropout, %v without; validation %v", at, dropped.Losses, plain.Losses, dropped.Validation)
		}
	}
}
