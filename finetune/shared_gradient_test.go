package finetune_test

import (
	"context"
	"math"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestSharedGradient trains two layers of one input whose results are added up, and whose gradients are the same values: bounding
// and private training must treat them once.
func TestSharedGradient(t *testing.T) {
	b := nn.New("model", 1)
	x := b.Input("x", tensor.Float32, nn.Batch, 3)
	b.Output("y", b.Op("Add", nil, nn.Linear{Out: 4}.Apply(x), nn.Linear{Out: 4}.Apply(x)))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	one := &finetune.DP{Delta: 1e-5, Noise: 1, Clip: 1e6, Normals: func(_ string, _ int, dst []float32) error {
		for i := range dst {
			dst[i] = 1e-6
		}
		return nil
	}}
	for _, c := range []struct {
		name   string
		clip   finetune.Clip
		dp     *finetune.DP
		change float64 // of the gradient by noise
	}{{"norm", finetune.Clip{Norm: 0.01}, nil, 0}, {"value", finetune.Clip{Norm: 0.01, Value: 1}, nil, 0}, {"noise", finetune.Clip{}, one, 1.0 / 4}} {
		t.Run(c.name, func(t *testing.T) {
			spec := finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "y", Loss: finetune.CrossEntropy{}}}, Optimizer: finetune.SGD{}, Rate: 1}
			batch := finetune.Batch{Inputs: tensors{"x": f32(1, 4, 3)}, Targets: []*tensor.Tensor{classes(4, 4)}}
			grads, err := newTrainer(t, m, spec).Gradients(context.Background(), batch)
			if err != nil {
				t.Fatal(err)
			}
			factor := 1.0
			if c.clip.Norm > 0 {
				factor = c.clip.Norm / finetune.GradientNorm(grads, 1)
			}
			spec.Clip, spec.Privacy = c.clip, c.dp
			tr := newTrainer(t, m, spec)
			var before [][]float32
			for _, p := range tr.Params() {
				before = append(before, append([]float32(nil), tensor.Of[float32](p.W)...))
			}
			if _, err := tr.Step(context.Background(), batch); err != nil {
				t.Fatal(err)
			}
			for k, p := range tr.Params() {
				for i, v := range tensor.Of[float32](p.W) {
					if got, want := float64(before[k][i]-v), float64(grads[k][i])*factor+c.change; math.Abs(got-want) > 1e-4*math.Abs(want)+1e-6 {
						t.Fatalf("%s[%d] moves by %g, want %g", p.Name, i, got, want)
					}
				}
			}
		})
	}
}
