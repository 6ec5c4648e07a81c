package finetune_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

const words, wordWidth = 1000, 24

// reader is a model that reads a table; with another use of the table, which adds zero to the scores, its gradient is dense.
func reader(t testing.TB, dense bool) *onnx.Model {
	t.Helper()
	b := nn.New("model", 1)
	table := b.Weight("table", finetune.NormalInit{Std: 1}, tensor.Float32, words, wordWidth)
	x := nn.Embedding{Weight: table}.Apply(b.Input("x", tensor.Int64, nn.Batch, 7))
	y := nn.Sequential{nn.Flatten{}, nn.Linear{Out: 5}}.Apply(x)
	if dense {
		sum := b.Op("ReduceSum", nn.Attrs{"keepdims": 0}, table)
		y = b.Op("Add", nil, y, b.Op("Mul", nil, sum, b.Constant("zero", tensor.Scalar[float32](0))))
	}
	b.Output("y", y)
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// readings are batches of random words, some of them several times and some counted from the end.
func readings(n, rows int) []finetune.Batch {
	r := rand.New(rand.NewPCG(5, 6))
	out := make([]finetune.Batch, n)
	for i := range out {
		x := tensor.New(tensor.Int64, rows, 7)
		for k := range tensor.Of[int64](x) {
			tensor.Of[int64](x)[k] = []int64{r.Int64N(words), -1 - r.Int64N(words), r.Int64N(3)}[k%3]
		}
		out[i] = finetune.Batch{Inputs: tensors{"x": x}, Targets: []*tensor.Tensor{classes(rows, 5)}}
	}
	return out
}

// TestGradientsByRows trains a table by lists of rows and by dense gradients, step for step, by all optimizers, on one and on
// several batches a step: the weights and their averages are the same.
func TestGradientsByRows(t *testing.T) {
	train := func(o string, parts, threads int, dense bool) (w []float32, norms []float64) {
		spec := finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "y", Loss: finetune.CrossEntropy{}}}, Optimizer: parsedOptimizer(t, o), Rate: 0.01,
			Decay: 0.01, Clip: finetune.Clip{Value: 0.003}, EMA: finetune.EMA{Decay: 0.5}, Threads: threads}
		tr := newTrainer(t, reader(t, dense), spec)
		for step := range 4 {
			r, err := tr.Step(context.Background(), readings(4*parts, 6)[step*parts:][:parts]...)
			if err != nil {
				t.Fatal(err)
			}
			norms = append(norms, r.Norm)
		}
		if listed := slices.Contains(tr.ByRows(), "table"); listed == dense {
			t.Fatalf("the gradient of the table is a list: %v, want %v", listed, !dense)
		}
		var averages []float32
		err := tr.Export(func(m *onnx.Model) error {
			averages = exported(t, m, "table")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return append(slices.Clone(tensor.Of[float32](tr.Param("table").W)), averages...), norms
	}
	for _, o := range optimizers {
		for _, parts := range []int{1, 3} {
			want, norms := train(o, parts, 1, true)
			for _, threads := range []int{1, 2, 3} {
				got, near := train(o, parts, threads, false)
				if !slices.Equal(got, want) {
					t.Errorf("%s, %d batches a step, %d threads: other weights than with a dense gradient", o, parts, threads)
				}
				for i := range norms {
					if d := near[i]/norms[i] - 1; d > 1e-12 || d < -1e-12 {
						t.Errorf("%s, step %d: norm %v, want %v", o, i, near[i], norms[i])
					}
				}
			}
		}
	}
}

// exported is the value of a weight in a model.
func exported(t testing.TB, m *onnx.Model, name string) []float32 {
	t.Helper()
	for _, w := range m.Graph.Initializers {
		if w.Name == name {
			v, err := w.Value()
			if err != nil {
				t.Fatal(err)
			}
			return slices.Clone(tensor.Of[float32](v))
		}
	}
	t.Fatalf("the model has no weight %q", name)
	return nil
}

// TestGradientSums adds lists of rows and dense gradients: a step of batches of different sizes, of which the large ones read most of
// the table.
func TestGradientSums(t *testing.T) {
	spec := finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "y", Loss: finetune.CrossEntropy{}}}, Optimizer: finetune.Adam{}, Rate: 0.01, Threads: 1}
	small, large := readings(2, 5), readings(2, 100)
	for _, batches := range [][]finetune.Batch{{small[0], large[0], small[1]}, {large[0], small[0], large[1]}, {small[0], small[1], small[0]}} {
		var w [2][]float32
		for i, dense := range []bool{false, true} {
			tr := newTrainer(t, reader(t, dense), spec)
			for range 2 {
				if _, err := tr.Step(context.Background(), batches...); err != nil {
					t.Fatal(err)
				}
			}
			w[i] = tensor.Of[float32](tr.Param("table").W)
		}
		if !slices.Equal(w[0], w[1]) {
			t.Error("other weights than with dense gradients")
		}
	}
}
