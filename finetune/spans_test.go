package finetune_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestSpansOfRecurrentLayers bounds steps of recurrent layers by less memory than what one of them keeps for its gradient, and compares
// the bits of weights with those without a bound.
func TestSpansOfRecurrentLayers(t *testing.T) {
	const steps, batch, hidden = 96, 16, 24
	stack := nn.Recurrent{Hidden: hidden, Layers: 2, Bidirectional: true, Last: true}
	for name, c := range map[string]struct {
		layer nn.Layer
		kept  int // elements of a step and unit
	}{"lstm": {nn.LSTM(stack), 6}, "gru": {nn.GRU(stack), 5}, "rnn": {nn.RNN(stack), 2}} {
		t.Run(name, func(t *testing.T) {
			b := nn.New("model", 1)
			b.Output("scores", nn.Sequential{c.layer, nn.Linear{Out: 5}}.Apply(b.Input("x", tensor.Float32, nn.Batch, steps, 12)))
			m, err := b.Model()
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(7, 8))
			next := func() finetune.Batch {
				x := tensor.New(tensor.Float32, batch, steps, 12)
				for i := range tensor.Of[float32](x) {
					tensor.Of[float32](x)[i] = float32(r.NormFloat64())
				}
				return finetune.Batch{Inputs: tensors{"x": x}, Targets: []*tensor.Tensor{classes(batch, 5)}}
			}
			spec := finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "scores", Loss: finetune.CrossEntropy{}}}, Optimizer: finetune.Adam{}, Rate: 0.01, Threads: 1}
			first := next()
			least := leastAbove(t, m, spec, 1<<17, first) // which the frozen part needs
			if kept := int64(4 * 2 * steps * batch * hidden * c.kept); c.kept > 2 && least > kept {
				t.Errorf("a step takes %d bytes or more, a layer keeps %d", least, kept)
			}
			for _, more := range []int64{0, least / 4, least} {
				bound := spec
				bound.Memory, bound.Threads = least+more, 1+int(more%2)
				t.Run(fmt.Sprint(more), func(t *testing.T) {
					want, got := newTrainer(t, m, spec), newTrainer(t, m, bound)
					for range 3 {
						batch := next()
						a, err := want.Step(context.Background(), batch)
						if err != nil {
							t.Fatal(err)
						}
						if b, err := got.Step(context.Background(), batch); err != nil || a != b {
							t.Fatalf("%+v, want %+v: %v", b, a, err)
						}
					}
					if !slices.Equal(trainedOf(got), trainedOf(want)) {
						t.Error("weights differ")
					}
				})
			}
		})
	}
}
