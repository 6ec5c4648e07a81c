package finetune_test

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// halves is a model of one element type throughout.
func halves(t *testing.T, d tensor.DType) *onnx.Model {
	t.Helper()
	b := nn.New("half", 1)
	b.Output("y", nn.Sequential{nn.Linear{Out: 16}, nn.Tanh{}, nn.Linear{Out: 2}}.Apply(b.Input("x", d, nn.Batch, nn.Dim(8))))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestHalfWeights trains weights in half precision with steps that are too small for it: they add up in a float32 copy, and
// the model is written in its own type, with everything else as it was.
func TestHalfWeights(t *testing.T) {
	for _, d := range []tensor.DType{tensor.Float16, tensor.BFloat16, tensor.Float64} {
		m := halves(t, d)
		before := onnx.Encode(m)
		tr := newTrainer(t, m, mse(finetune.Spec{Weights: []string{"fc2.weight", "fc2.bias"}, Optimizer: finetune.SGD{}, Rate: 1e-5}))
		p := tr.Param("fc2.weight")
		if p.W.DType() != tensor.Float32 || p.DType != d {
			t.Fatalf("%v: the copy is %v of %v", d, p.W.DType(), p.DType)
		}
		batch := batchOf(t, 1, 2, 3, 4)
		x, err := tensor.FromFloat64s(d, batch.Inputs["x"].Shape(), tensor.Float64s(batch.Inputs["x"], batch.Inputs["x"].Len()))
		if err != nil {
			t.Fatal(err)
		}
		batch.Inputs["x"] = x
		first := append([]float32{}, tensor.Of[float32](p.W)...)
		var losses []float64
		for range 40 {
			r, err := tr.Step(context.Background(), batch)
			if err != nil {
				t.Fatal(err)
			}
			losses = append(losses, r.Loss)
		}
		if apart(first, tensor.Of[float32](p.W)) == 0 || !(losses[39] < losses[0]) {
			t.Errorf("%v: small steps do not add up: losses %v to %v", d, losses[0], losses[39])
		}
		stored, err := tensor.FromFloat64s(d, p.W.Shape(), tensor.Float64s(p.W, p.W.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Export(func(trained *onnx.Model) error {
			out, err := onnx.Decode(onnx.Encode(trained))
			if err == nil && !bytes.Equal(tensorOf(t, out, "fc2.weight").Bytes(), stored.Bytes()) {
				t.Errorf("%v: the written weight is not the rounded copy", d)
			}
			for _, name := range []string{"fc2.weight", "fc2.bias"} {
				if got := tensorOf(t, out, name).DType(); got != d {
					t.Errorf("%v: %s is written as %v", d, name, got)
				}
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before, onnx.Encode(m)) {
			t.Errorf("%v: training has changed the model", d)
		}
	}
}

// TestExportChangesOnlyWeights puts the old weights back into an exported model and gets the encoding of the first one:
// weights of initializers, of Constant nodes and of bodies.
func TestExportChangesOnlyWeights(t *testing.T) {
	body := branchOf("e", node("MatMul(h, v) = e"))
	body.Initializers = []*onnx.TensorProto{tensor.NewProto("v", f32(3, 6, 2))}
	other := branchOf("a", held("u", f32(4, 6, 2)), node("MatMul(h, u) = a"))
	m := sketch{feeds: tensors{"x": f32(1, 4, 8), "c": tensor.Scalar(true)}, weights: tensors{"w": f32(2, 8, 6)}, output: "y", nodes: []*onnx.Node{
		held("b", f32(5, 6)), node("Gemm(x, w, b) = h"), node("If(c) = y", onnx.NewGraph("then_branch", other),
			onnx.NewGraph("else_branch", body))}}.model()
	m.Graph.Doc, m.ProducerName = "a note", "somebody"
	m.Graph.Initializers[0].Doc = "of the first layer"
	before := onnx.Encode(m)
	tr := newTrainer(t, m, mse(finetune.Spec{Train: "all", Optimizer: finetune.SGD{}, Rate: 0.1}))
	if n := len(tr.Params()); n != 4 {
		t.Fatalf("%d weights train, want 4", n)
	}
	first := map[string][]float32{}
	for _, p := range tr.Params() {
		first[p.Name] = append([]float32{}, tensor.Of[float32](p.W)...)
	}
	for _, c := range []bool{true, false} {
		batch := finetune.Batch{Inputs: tensors{"x": f32(1, 4, 8), "c": tensor.Scalar(c)}, Targets: []*tensor.Tensor{f32(9, 4, 2)}}
		if _, err := tr.Step(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
	}
	trained := written(t, tr)
	if bytes.Equal(trained, before) || !bytes.Equal(onnx.Encode(m), before) {
		t.Error("the export is the model as it was, or has changed it")
	}
	for _, p := range tr.Params() {
		if apart(first[p.Name], tensor.Of[float32](p.W)) == 0 {
			t.Errorf("%s has not moved", p.Name)
		}
		copy(tensor.Of[float32](p.W), first[p.Name])
	}
	if back := written(t, tr); !bytes.Equal(back, before) {
		t.Errorf("with the old weights the export has %d bytes, want those of the model, %d", len(back), len(before))
	}
}

// TestTiedWeight sums the gradients of all uses of a weight: that of two equal layers is the sum of those of two weights.
func TestTiedWeight(t *testing.T) {
	gradient := func(first, second string) map[string][]float32 {
		m := sketch{feeds: tensors{"x": f32(1, 4, 8)}, weights: tensors{first: f32(2, 8, 8), second: f32(2, 8, 8)}, output: "y",
			nodes: []*onnx.Node{node("MatMul(x, " + first + ") = h"), node("Transpose(" + second + ") = wt"), node("MatMul(h, wt) = y")}}.model()
		tr := newTrainer(t, m, mse(finetune.Spec{Train: "all", Optimizer: finetune.SGD{}}))
		g, err := tr.Gradients(context.Background(), finetune.Batch{Inputs: tensors{"x": f32(1, 4, 8)}, Targets: []*tensor.Tensor{f32(3, 4, 8)}})
		if err != nil {
			t.Fatal(err)
		}
		out := map[string][]float32{}
		for i, p := range tr.Params() {
			out[p.Name] = g[i]
		}
		return out
	}
	tied, two := gradient("w", "w"), gradient("w1", "w2")
	for i, g := range tied["w"] {
		if want := two["w1"][i] + two["w2"][i]; math.Abs(float64(g-want)) > 1e-4 {
			t.Fatalf("element %d: %v, want %v", i, g, want)
		}
	}
}

// TestWrongBatches feeds what a model or its loss cannot take: each is an error that says what is wrong.
func TestWrongBatches(t *testing.T) {
	m := built(t, 8, nn.Linear{Out: 3})
	spec := finetune.Spec{Terms: []finetune.Term{{At: "y", Loss: finetune.CrossEntropy{}}}}
	x := f32(1, 4, 8)
	for name, c := range map[string]struct {
		batch finetune.Batch
		want  string
	}{
		"no target":    {finetune.Batch{Inputs: tensors{"x": x}}, "0 targets, want one"},
		"a nil target": {finetune.Batch{Inputs: tensors{"x": x}, Targets: []*tensor.Tensor{nil}}, "want one"},
		"float classes": {finetune.Batch{Inputs: tensors{"x": x}, Targets: []*tensor.Tensor{f32(2, 4)}},
			`the target of the loss at "y" is float32`},
		"too few targets": {finetune.Batch{Inputs: tensors{"x": x}, Targets: []*tensor.Tensor{classes(3, 3)}}, "[3]"},
		"a class too far": {finetune.Batch{Inputs: tensors{"x": x}, Targets: []*tensor.Tensor{int64s(0, 1, 2, 3)}}, "3"},
		"no input":        {finetune.Batch{Targets: []*tensor.Tensor{classes(4, 3)}}, `input "x"`},
		"double input": {finetune.Batch{Inputs: tensors{"x": normal(tensor.Float64, 1, 4, 8)},
			Targets: []*tensor.Tensor{classes(4, 3)}}, `input "x" is float64`},
		"wide input":       {finetune.Batch{Inputs: tensors{"x": f32(1, 4, 9)}, Targets: []*tensor.Tensor{classes(4, 3)}}, ""},
		"strings as input": {finetune.Batch{Inputs: tensors{"x": tensor.FromSlice([]string{"a"}, 1)}, Targets: []*tensor.Tensor{classes(1, 3)}}, ""},
	} {
		if _, err := newTrainer(t, m, spec).Step(context.Background(),
			c.batch); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "internal") {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
	}
	for name, s := range map[string]finetune.Spec{
		"no loss":         {},
		"no such value":   {Terms: []finetune.Term{{At: "nowhere", Loss: finetune.MSE{}}}},
		"no such weight":  {Terms: spec.Terms, Weights: []string{"nowhere"}},
		"a weight twice":  {Terms: spec.Terms, Weights: []string{"fc1.bias", "fc1.bias"}},
		"no such held":    {Terms: spec.Terms, Held: []string{"nowhere"}},
		"a loss left out": {Terms: []finetune.Term{{At: "y"}}},
	} {
		tr, err := finetune.NewTrainer(m, s)
		if err == nil {
			_, err = tr.Step(context.Background(), finetune.Batch{Inputs: tensors{"x": x}, Targets: []*tensor.Tensor{classes(4, 3)}})
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// odd are rows of which one sample is replaced.
type odd struct {
	rows
	at     int
	sample finetune.Sample
}

func (o odd) Sample(i int) (finetune.Sample, error) {
	if i == o.at {
		return o.sample, nil
	}
	return o.rows.Sample(i)
}

// TestOddSamples names what is wrong with a sample that is not like the others.
func TestOddSamples(t *testing.T) {
	x, y := f32(1, 8), f32(2, 2)
	for name, c := range map[string]struct {
		sample finetune.Sample
		want   string
	}{
		"width":        {finetune.Sample{Inputs: tensors{"x": f32(1, 9)}, Targets: []*tensor.Tensor{y}}, "[9]"},
		"target":       {finetune.Sample{Inputs: tensors{"x": x}, Targets: []*tensor.Tensor{f32(2, 3)}}, "target 0 of sample"},
		"target type":  {finetune.Sample{Inputs: tensors{"x": x}, Targets: []*tensor.Tensor{int64s(1, 2)}}, "int64"},
		"no target":    {finetune.Sample{Inputs: tensors{"x": x}}, "target"},
		"no input":     {finetune.Sample{Targets: []*tensor.Tensor{y}}, `no input "x"`},
		"text":         {finetune.Sample{Inputs: tensors{"x": tensor.FromSlice([]string{"a"}, 1)}, Targets: []*tensor.Tensor{y}}, `"x"`},
		"two nameless": {finetune.Sample{Inputs: tensors{"": x, "z": x}, Targets: []*tensor.Tensor{y}}, "nameless"},
	} {
		for _, at := range []int{0, 5, 19} {
			for _, m := range []*onnx.Model{built(t, 8, nn.Linear{Out: 2}), frozenFront(t)} {
				_, err := newTrainer(t, m, mse(finetune.Spec{})).Fit(context.Background(), odd{20, at, c.sample}, finetune.FitOptions{})
				if err == nil || at > 0 && !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "internal") {
					t.Errorf("%s of sample %d: %v, want an error with %q", name, at, err, c.want)
				}
			}
		}
	}
	if _, err := newTrainer(t, frozenFront(t), mse(finetune.Spec{})).Fit(context.Background(), rows(0), finetune.FitOptions{}); err == nil {
		t.Error("a dataset without samples is none")
	}
}
