package nn_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestSelectedToken trains encoders that are read at one token, whose last block is computed for that token only, and wants the
// weights of a training that computes all of it: all weights, those of the last block, and those of the head.
func TestSelectedToken(t *testing.T) {
	for _, causal := range []bool{false, true} {
		for _, post := range []bool{false, true} {
			m := encoder(t, causal, post)
			for _, prefixes := range [][]string{nil, {"b2.", "head."}, {"head."}} {
				t.Run(fmt.Sprint(causal, post, prefixes), func(t *testing.T) {
					want, got := trained(t, m, prefixes, true, 1), trained(t, m, prefixes, false, 1)
					two := trained(t, m, prefixes, false, 2)
					for name, w := range want {
						for i, v := range w {
							if g := got[name][i]; math.Abs(float64(g-v)) > 1e-5 {
								t.Fatalf("element %d of %s is %v, want %v", i, name, g, v)
							}
							if math.Float32bits(two[name][i]) != math.Float32bits(got[name][i]) {
								t.Fatalf("element %d of %s is %v on two threads, %v on one", i, name, two[name][i], got[name][i])
							}
						}
					}
				})
			}
		}
	}
}

// encoder has two blocks on ten tokens, of which the head reads number 3.
func encoder(t *testing.T, causal, post bool) *onnx.Model {
	t.Helper()
	third := nn.Func("third", func(x *nn.Value) *nn.Value {
		b := x.Builder()
		return b.Op("Gather", nn.Attrs{"axis": 1}, x, b.Constant("three", tensor.Scalar[int64](3)))
	})
	block := nn.TransformerBlock{Heads: 4, KVHeads: 2, Causal: causal, PostNorm: post}
	net := nn.Sequential{nn.Embedding{Count: 30, Width: 16}, nn.Positions{Max: 10}, nn.Named("b1", block), nn.Named("b2", block), third, nn.Named("head", nn.Linear{Out: 3})}
	b := nn.New("encoder", 7)
	b.Output("scores", net.Apply(b.Input("x", tensor.Int64, nn.Batch, 10)))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// trained returns the weights after three steps.
func trained(t *testing.T, m *onnx.Model, prefixes []string, plain bool, threads int) map[string][]float32 {
	t.Helper()
	spec := finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "scores", Loss: finetune.CrossEntropy{}}},
		Optimizer: finetune.SGD{Momentum: 0.9}, Rate: 0.05, Threads: threads, NoOptimize: plain}
	for _, w := range m.Graph.Initializers {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(w.Name, p) }) {
			spec.Weights = append(spec.Weights, w.Name)
		}
	}
	trainer, err := finetune.NewTrainer(m, spec)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	x := tensor.New(tensor.Int64, 6, 10)
	for i := range tensor.Of[int64](x) {
		tensor.Of[int64](x)[i] = r.Int64N(30)
	}
	y := tensor.FromSlice([]int64{0, 1, 2, 0, 1, 2}, 6)
	for range 3 {
		if _, err := trainer.Step(context.Background(), finetune.Batch{Inputs: map[string]*tensor.Tensor{"x": x}, Targets: []*tensor.Tensor{y}}); err != nil {
			t.Fatal(err)
		}
	}
	out := map[string][]float32{}
	for _, p := range trainer.Params() {
		out[p.Name] = slices.Clone(tensor.Of[float32](p.W))
	}
	return out
}
