package finetune_test

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// dropoutSketch is y = w . dropout(relu(x)).
func dropoutSketch(opset int64) sketch {
	return sketch{opset: opset, feeds: tensors{"x": filled(1, 3, 8)}, weights: tensors{"w.weight": filled(0.5, 8, 2)}, output: "y",
		nodes: []*onnx.Node{node("Relu(x) = h"), node("MatMul(h, w.weight) = y")}}
}

func filled(v float32, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape...)
	for i := range tensor.Of[float32](t) {
		tensor.Of[float32](t)[i] = v
	}
	return t
}

// TestInsertDropout inserts Dropout in the form of several opsets, and removes it again.
func TestInsertDropout(t *testing.T) {
	for _, opset := range []int64{6, 7, 10, 13, 22} {
		s := dropoutSketch(opset)
		m := s.model()
		before := onnx.Encode(m)
		want := evaluate(t, m, s.feeds)["y"]
		names, err := finetune.InsertDropout(m, "h, y", 0.25)
		if err != nil || len(names) != 2 {
			t.Fatalf("opset %d: got %q: %v", opset, names, err)
		}
		near(t, "inference", evaluate(t, m, s.feeds)["y"], want, 0)
		n, err := finetune.RemoveDropout(m)
		if err != nil || n != 2 {
			t.Fatalf("opset %d: removed %d: %v", opset, n, err)
		}
		if !bytes.Equal(before, onnx.Encode(m)) {
			t.Errorf("opset %d: the model is not what it was", opset)
		}
	}
	for at, want := range map[string]string{"z": "no node", "(": "regular expression"} {
		if _, err := finetune.InsertDropout(dropoutSketch(13).model(), at, 0.5); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v", at, err)
		}
	}
	if _, err := finetune.InsertDropout(dropoutSketch(13).model(), "h", 1); err == nil {
		t.Error("no error for a ratio of 1")
	}
}

// TestInsertHeadDropout puts Dropout before the last layer and takes it out again.
func TestInsertHeadDropout(t *testing.T) {
	m := dropoutSketch(13).model()
	before := onnx.Encode(m)
	name, err := finetune.InsertHeadDropout(m, "", 0.5)
	if err != nil || len(m.Graph.Nodes) != 3 || m.Graph.Nodes[1].Name != name || m.Graph.Nodes[1].Inputs[0] != "h" {
		t.Fatalf("%q: %v", name, err)
	}
	if n, err := finetune.RemoveDropout(m); n != 1 || err != nil || !bytes.Equal(before, onnx.Encode(m)) {
		t.Errorf("removed %d: %v", n, err)
	}
	if _, err := finetune.InsertHeadDropout(m, "nowhere", 0.5); err == nil {
		t.Error("no error for a layer that is not there")
	}
}

// TestMonteCarlo compares mean and standard deviation with those of a sum of Bernoulli variables: y is the sum of 8 terms
// of 0.5, each kept and divided by 0.75 with probability 0.75. The tolerance is five standard errors.
func TestMonteCarlo(t *testing.T) {
	const runs = 4000
	s := dropoutSketch(13)
	m := s.model()
	if _, err := finetune.InsertDropout(m, "re:node_h", 0.25); err != nil {
		t.Fatal(err)
	}
	mc, err := finetune.NewMonteCarlo(onnx.FileOf(m), finetune.RecurrentDropout{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer mc.Close()
	mean, std, err := mc.Run(context.Background(), s.feeds, runs, 3)
	if err != nil {
		t.Fatal(err)
	}
	deviation := 0.5 * math.Sqrt(8*0.25/0.75)
	for i, v := range tensor.Of[float32](mean["y"]) {
		if math.Abs(float64(v)-4) > 5*deviation/math.Sqrt(runs) {
			t.Errorf("mean %d is %v, want 4", i, v)
		}
		if d := tensor.Of[float32](std["y"])[i]; math.Abs(float64(d)/deviation-1) > 5/math.Sqrt(2*runs) {
			t.Errorf("standard deviation %d is %v, want %v", i, d, deviation)
		}
	}
	again, _, err := mc.Run(context.Background(), s.feeds, runs, 3)
	if err != nil || !bytes.Equal(again["y"].Bytes(), mean["y"].Bytes()) {
		t.Errorf("the same seed gives another mean (%v)", err)
	}
	other, _, err := mc.Run(context.Background(), s.feeds, runs, 4)
	if err != nil || bytes.Equal(other["y"].Bytes(), mean["y"].Bytes()) {
		t.Errorf("another seed gives the same mean (%v)", err)
	}
	if len(mc.Inputs()) != 1 {
		t.Errorf("inputs are %v", mc.Inputs())
	}
	if _, err := finetune.NewMonteCarlo(onnx.FileOf(dropoutSketch(13).model()), finetune.RecurrentDropout{}, nil); err == nil ||
		!strings.Contains(err.Error(), "no Dropout node") {
		t.Errorf("without dropout: got error %v", err)
	}
}

// lstmSketch is an LSTM over 5 steps of 2 sequences, whose last state a layer reads.
func lstmSketch(layout int64) sketch {
	x := f32(1, 5, 2, 3)
	axis := int64(0)
	if layout == 1 {
		x, axis = f32(1, 2, 5, 3), 1
	}
	return sketch{feeds: tensors{"x": x}, output: "y", weights: tensors{"W": f32(2, 1, 16, 3), "R": f32(3, 1, 16, 4), "B": f32(4, 1, 32), "o.weight": f32(5, 4, 2),
		"axis": tensor.FromSlice([]int64{axis})}, nodes: []*onnx.Node{node("LSTM(x, W, R, B) = all, h", onnx.NewInt("hidden_size", 4), onnx.NewInt("layout", layout)),
		node("Squeeze(h, axis) = s"), node("MatMul(s, o.weight) = y")}}
}

// TestRecurrentMonteCarlo drops inputs and states of an LSTM: with a ratio of 0 its outputs are those of the model, and
// otherwise they vary.
func TestRecurrentMonteCarlo(t *testing.T) {
	for _, layout := range []int64{0, 1} {
		s := lstmSketch(layout)
		want := evaluate(t, s.model(), s.feeds)["y"]
		for _, r := range []finetune.RecurrentDropout{{Inputs: 0.4}, {State: 0.4}, {Inputs: 0.3, State: 0.2}, {State: 1e-9}} {
			mc, err := finetune.NewMonteCarlo(onnx.FileOf(s.model()), r, nil)
			if err != nil {
				t.Fatal(err)
			}
			mean, std, err := mc.Run(context.Background(), s.feeds, 20, 1)
			if err != nil {
				t.Fatal(err)
			}
			varies := distance(std["y"], filled(0, 2, 2)) > 1e-3
			if small := r.State == 1e-9; small == varies || small && distance(mean["y"], want) > 1e-6 {
				t.Errorf("layout %d, %+v: mean %v, deviation %v", layout, r, tensor.Of[float32](mean["y"]), tensor.Of[float32](std["y"]))
			}
			if err := mc.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := finetune.NewMonteCarlo(onnx.FileOf(lstmSketch(0).model()), finetune.RecurrentDropout{State: 1}, nil); err == nil {
		t.Error("no error for a ratio of 1")
	}
}

// TestRecurrentDropoutTrains compares the gradients of a step with variational dropout with central differences of its loss,
// which draws the same masks, and repeats a training bit by bit.
func TestRecurrentDropoutTrains(t *testing.T) {
	s := lstmSketch(0)
	loss, err := finetune.ParseLoss("mse")
	if err != nil {
		t.Fatal(err)
	}
	spec := finetune.Spec{Train: "all", Terms: []finetune.Term{{At: "y", Loss: loss}}, Seed: 3, Recurrent: finetune.RecurrentDropout{Inputs: 0.3, State: 0.4}}
	batch := finetune.Batch{Inputs: s.feeds, Targets: []*tensor.Tensor{f32(9, 2, 2)}}
	trainer := func() *finetune.Trainer {
		tr, err := finetune.NewTrainer(s.model(), spec)
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	lossAt := func(name string, i int, by float32) float64 {
		tr := trainer()
		tensor.Of[float32](tr.Param(name).W)[i] += by
		r, err := tr.Step(context.Background(), batch)
		if err != nil {
			t.Fatal(err)
		}
		return r.Loss
	}
	tr := trainer()
	grads, err := tr.Gradients(context.Background(), batch)
	if err != nil {
		t.Fatal(err)
	}
	const h = 1e-2
	for k, p := range tr.Params() {
		for i := 0; i < p.W.Len(); i += 1 + p.W.Len()/6 {
			want := (lossAt(p.Name, i, h) - lossAt(p.Name, i, -h)) / (2 * h)
			if got := float64(grads[k][i]); math.Abs(got-want) > 2e-3*max(1, math.Abs(want)) {
				t.Errorf("gradient of %s[%d] is %v, want %v", p.Name, i, got, want)
			}
		}
	}
	spec.Recurrent = finetune.RecurrentDropout{}
	plain := lossAt("o.weight", 0, 0)
	spec.Recurrent = finetune.RecurrentDropout{Inputs: 0.3, State: 0.4}
	if dropped := lossAt("o.weight", 0, 0); dropped == plain || dropped != lossAt("o.weight", 0, 0) {
		t.Errorf("the loss with dropout is %v, without %v", dropped, plain)
	}
}

// TestDropoutThreads wants the same bits from one thread and from three, for tensors of several chunks and with shared axes.
func TestDropoutThreads(t *testing.T) {
	s := sketch{feeds: tensors{"x": f32(1, 50, 4, 100)}, output: "y", weights: tensors{"W": f32(2, 1, 16, 100), "R": f32(3, 1, 16, 4)},
		nodes: []*onnx.Node{node("Dropout(x) = d"), node("LSTM(d, W, R) = y", onnx.NewInt("hidden_size", 4))}}
	var first []byte
	for _, threads := range []int{1, 3} {
		mc, err := finetune.NewMonteCarlo(onnx.FileOf(s.model()), finetune.RecurrentDropout{Inputs: 0.2, State: 0.3}, &runtime.Options{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		mean, _, err := mc.Run(context.Background(), s.feeds, 3, 5)
		if err != nil {
			t.Fatal(err)
		}
		if err := mc.Close(); err != nil {
			t.Error(err)
		}
		if first == nil {
			first = mean["y"].Bytes()
		}
		if !bytes.Equal(first, mean["y"].Bytes()) {
			t.Errorf("%d threads give other bits than one", threads)
		}
	}
}
