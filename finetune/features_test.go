package finetune_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// frozenFront is a model whose first layers do not train.
func frozenFront(t testing.TB) *onnx.Model {
	return built(t, 8, nn.Linear{Out: 96}, nn.Tanh{}, nn.Linear{Out: 33}, nn.LayerNorm{}, nn.Linear{Out: 2})
}

// front trains the last layer of m for some epochs and returns what came of it.
func front(t *testing.T, m *onnx.Model, threads int, cache finetune.CacheOptions) ([]byte, *finetune.Fitted) {
	t.Helper()
	tr := newTrainer(t, m, mse(finetune.Spec{Optimizer: finetune.Adam{}, Rate: 0.01, Threads: threads, Seed: 5}))
	r := fitted(t, tr, rows(37), finetune.FitOptions{Epochs: 3, Batch: 10, Validation: shifted{21}, Cache: cache})
	return written(t, tr), r
}

// TestFrozenResults trains on results of the frozen part that are kept, computed in each step, partly kept, and read from a
// file, on one thread and on two: always to the same bits.
func TestFrozenResults(t *testing.T) {
	m := frozenFront(t)
	want, r := front(t, m, 1, finetune.CacheOptions{})
	if blocks := 3 + 2; r.FrozenRuns != blocks {
		t.Errorf("the frozen part ran %d times, want %d blocks of 16", r.FrozenRuns, blocks)
	}
	for _, threads := range []int{1, 2} {
		for name, cache := range map[string]finetune.CacheOptions{
			"kept": {}, "computed": {Off: true}, "partly kept": {Budget: 33 * 4 * 9}, "in a file": {Budget: 33 * 4 * 9, Dir: t.TempDir()},
		} {
			if got, r := front(t, m, threads, cache); !bytes.Equal(got, want) {
				t.Errorf("%s, %d threads: another model after %d runs of the frozen part", name, threads, r.FrozenRuns)
			}
		}
	}
}

// TestFeatureFile finds the results of an earlier run, of both datasets, and computes again what is damaged or of another model. The
// 21 samples that are measured come first, those of the steps when these are taken.
func TestFeatureFile(t *testing.T) {
	m, dir := frozenFront(t), t.TempDir()
	cache := finetune.CacheOptions{Dir: dir}
	want, _ := front(t, m, 1, cache)
	files := checkpointsIn(t, dir)
	if len(files) != 1 {
		t.Fatalf("files %q, want one", files)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	const header, record = 4096, 32 + 33*4 + 4
	if len(whole) != header+(37+21)*record {
		t.Errorf("the file has %d bytes, want a header and 58 records", len(whole))
	}
	for _, c := range []struct {
		name   string
		change func(b []byte) []byte
		runs   int
	}{
		{"whole", func(b []byte) []byte { return b }, 0},
		{"without its last bytes", func(b []byte) []byte { return b[:len(b)-3] }, 1},
		{"without the second half", func(b []byte) []byte { return b[:header+20*record] }, 1 + 3},
		{"with a wrong byte in record 30", func(b []byte) []byte { b[header+30*record+40] ^= 4; return b }, 2},
		{"with another header", func(b []byte) []byte { b[3] ^= 1; return b }, 2 + 3},
		{"empty", func([]byte) []byte { return nil }, 2 + 3},
	} {
		if err := os.WriteFile(files[0], c.change(bytes.Clone(whole)), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, runs := range []int{c.runs, 0} {
			got, r := front(t, m, 1, cache)
			if !bytes.Equal(got, want) || r.FrozenRuns != runs {
				t.Errorf("%s: the frozen part ran %d times, want %d; the same model: %v", c.name, r.FrozenRuns, runs, bytes.Equal(got, want))
			}
		}
	}
	other := frozenFront(t)
	fill(t, other, "fc1.weight", 99)
	if _, r := front(t, other, 1, cache); r.FrozenRuns != 5 || len(checkpointsIn(t, dir)) != 2 {
		t.Errorf("another model: %d runs, %d files", r.FrozenRuns, len(checkpointsIn(t, dir)))
	}
	if got, r := front(t, m, 1, cache); !bytes.Equal(got, want) || r.FrozenRuns != 0 {
		t.Errorf("after another model: %d runs", r.FrozenRuns)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tr := newTrainer(t, m, mse(finetune.Spec{}))
	if _, err := tr.Fit(context.Background(), rows(9),
		finetune.FitOptions{Cache: finetune.CacheOptions{Dir: filepath.Join(dir, "file")}}); err == nil {
		t.Error("a file serves as a folder of features")
	}
}

// sequences are samples of x [3, 4]; with a scale, two numbers that are the same for all samples.
type sequences struct {
	n     int
	scale bool
}

func (s sequences) Len() int { return s.n }

func (s sequences) Sample(i int) (finetune.Sample, error) {
	in := tensors{"x": f32(uint64(i), 3, 4)}
	if s.scale {
		in["scale"] = tensor.FromSlice([]float32{2, 0.5})
	}
	return finetune.Sample{Inputs: in, Targets: []*tensor.Tensor{f32(uint64(1000+i), 3, 2)}}, nil
}

// open makes the first axis of x and y one of any length.
func open(m *onnx.Model) *onnx.Model {
	for _, v := range m.Graph.Inputs {
		if v.Name == "x" {
			v.Type.Dims[0] = onnx.NamedDim("n")
		}
	}
	return m
}

// TestBatchAxisBehind trains a layer whose input has time in front and the batch behind: it is computed in each step, from
// what is kept by sample.
func TestBatchAxisBehind(t *testing.T) {
	perm := onnx.NewInts("perm", 1, 0, 2)
	s := sketch{feeds: tensors{"x": f32(1, 1, 3, 4)}, weights: tensors{"v": f32(4, 4, 4), "w": f32(3, 4, 2)}, output: "y"}
	s.nodes = []*onnx.Node{node("MatMul(x, v) = h"), node("MatMul(h, w) = y")}
	plain := open(s.model())
	s.nodes = []*onnx.Node{node("MatMul(x, v) = h"), node("Transpose(h) = ht", perm), node("MatMul(ht, w) = yt"), node("Transpose(yt) = y", perm)}
	turned := open(s.model())
	var got [2][]float32
	for i, m := range []*onnx.Model{plain, turned} {
		tr := newTrainer(t, m, mse(finetune.Spec{Weights: []string{"w"}, Optimizer: finetune.SGD{}, Rate: 0.1}))
		r := fitted(t, tr, sequences{n: 20}, finetune.FitOptions{Epochs: 4, Batch: 7})
		if r.FrozenRuns != 2 || !(r.Losses[3] < r.Losses[0]) {
			t.Errorf("the frozen part ran %d times, losses %v", r.FrozenRuns, r.Losses)
		}
		got[i] = trainedOf(tr)
	}
	if far := apart(got[0], got[1]); far > 1e-3 {
		t.Errorf("weights are %v away from those of the batch in front", far)
	}
}

// TestInputWithoutBatch trains with an input that is the same for all samples.
func TestInputWithoutBatch(t *testing.T) {
	s := sketch{feeds: tensors{"x": f32(1, 1, 3, 4), "scale": f32(2, 2)}, weights: tensors{"w": f32(3, 4, 2)}, output: "y",
		nodes: []*onnx.Node{node("Exp(scale) = e"), node("MatMul(x, w) = h"), node("Mul(h, e) = y")}}
	tr := newTrainer(t, open(s.model()), mse(finetune.Spec{Weights: []string{"w"}, Optimizer: finetune.Adam{}, Rate: 0.05}))
	r := fitted(t, tr, sequences{n: 20, scale: true}, finetune.FitOptions{Epochs: 30, Batch: 7, Validation: sequences{n: 20, scale: true}})
	if !(r.Validation["loss"] < r.Baseline["loss"]) {
		t.Errorf("the loss goes from %v to %v", r.Baseline["loss"], r.Validation["loss"])
	}
	_, err := tr.Fit(context.Background(), sequences{n: 20}, finetune.FitOptions{})
	if err == nil || !strings.Contains(err.Error(), `no input "scale"`) {
		t.Errorf("%v, want the name of the input that is missing", err)
	}
}

// views are rows with some views of each, which are the rows that follow.
type views struct {
	rows
	n int
}

func (v views) Views() int { return v.n }

func (v views) Sample(i int) (finetune.Sample, error) { return v.View(i, 0) }

func (v views) View(i, view int) (finetune.Sample, error) {
	out, err := v.rows.Sample(i*v.n + view)
	if err != nil {
		return out, err
	}
	plain, err := v.rows.Sample(i * v.n)
	return finetune.Sample{Inputs: out.Inputs, Targets: plain.Targets}, err
}

// flat are the views of samples as samples.
type flat struct{ views }

func (f flat) Len() int { return f.views.Len() * f.n }

func (f flat) Views() int { return 1 }

func (f flat) Sample(i int) (finetune.Sample, error) { return f.View(i/f.n, i%f.n) }

// TestViews trains on all views of samples, as on a dataset that lists them.
func TestViews(t *testing.T) {
	m := frozenFront(t)
	fit := func(ds finetune.Dataset, o finetune.FitOptions) ([]byte, *finetune.Fitted) {
		o.Epochs, o.Batch = 2, 8
		tr := newTrainer(t, m, mse(finetune.Spec{Optimizer: finetune.Adam{}, Seed: 5}))
		r := fitted(t, tr, ds, o)
		return written(t, tr), r
	}
	want, _ := fit(flat{views{7, 3}}, finetune.FitOptions{})
	for name, o := range map[string]finetune.FitOptions{"kept": {},
		"computed": {Cache: finetune.CacheOptions{Off: true}}, "file": {Cache: finetune.CacheOptions{Dir: t.TempDir()}}} {
		if got, r := fit(views{7, 3}, o); !bytes.Equal(got, want) || r.Steps != 6 {
			t.Errorf("%s: %d steps, the same model: %v", name, r.Steps, bytes.Equal(got, want))
		}
	}
	if _, r := fit(views{7, 3}, finetune.FitOptions{Views: 2}); r.Steps != 4 {
		t.Errorf("two of three views: %d steps, want 4", r.Steps)
	}
}

// large are samples of 2^18 numbers.
type large int

func (n large) Len() int { return int(n) }

func (n large) Sample(i int) (finetune.Sample, error) {
	x := tensor.New(tensor.Float32, 1<<18)
	tensor.Of[float32](x)[i] = 1
	return finetune.Sample{Inputs: tensors{"x": x}, Targets: []*tensor.Tensor{tensor.FromSlice([]float32{1, 0})}}, nil
}

// TestLargeSamples wants the frozen part to run on few of them at once.
func TestLargeSamples(t *testing.T) {
	tr := newTrainer(t, built(t, 1<<18, nn.Linear{Out: 3}, nn.Tanh{}, nn.Linear{Out: 2}), mse(finetune.Spec{}))
	if r := fitted(t, tr, large(10), finetune.FitOptions{Epochs: 2, Batch: 5}); r.FrozenRuns != 3 {
		t.Errorf("the frozen part ran %d times, want 3 blocks of 4", r.FrozenRuns)
	}
}
