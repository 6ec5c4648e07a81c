package nn_test

import (
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// initializer returns the elements of an initializer.
func initializer(t *testing.T, m *onnx.Model, name string) *tensor.Tensor {
	t.Helper()
	for _, p := range m.Graph.Initializers {
		if p.Name == name {
			v, err := p.Value()
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("no initializer %q among %v", name, initializers(m))
	return nil
}

func floats(t *testing.T, got *tensor.Tensor, want ...float32) {
	t.Helper()
	v := tensor.Of[float32](got)
	if len(v) != len(want) {
		t.Fatalf("%v, want %v", v, want)
	}
	for i := range want {
		if v[i] != want[i] {
			t.Fatalf("%v, want %v", v, want)
		}
	}
}

// TestShared applies one matrix twice: y = x A' A', and its gradient is the sum of both uses.
func TestShared(t *testing.T) {
	square := nn.Shared(nn.Linear{Out: 2, NoBias: true})
	m := must(t, nn.Sequential{square, square}, 2)
	if n := len(m.Graph.Initializers); n != 1 {
		t.Fatalf("%d weights, want 1", n)
	}
	m.Graph.Initializers[0].SetValue(tensor.FromSlice([]float32{1, 2, 3, 4}, 2, 2))
	in := map[string]*tensor.Tensor{"x": tensor.FromSlice([]float32{1, 1}, 1, 2)}
	out := run(t, m, &runtime.Gradients{Wrt: []string{"shared1.fc1.weight"}, Ones: true}, in)
	floats(t, out["y"], 17, 37)
	floats(t, out["grad.shared1.fc1.weight"], 7, 11, 9, 13)
}

// TestTied reads logits with the matrix of the embedding.
func TestTied(t *testing.T) {
	b := nn.New("tied", 1)
	w := b.Weight("wte", finetune.KaimingInit{}, tensor.Float32, 3, 2)
	ids := b.Input("ids", tensor.Int64, nn.Batch)
	b.Output("logits", nn.Linear{Weight: w, NoBias: true}.Apply(nn.Embedding{Weight: w}.Apply(ids)))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	m.Graph.Initializers[0].SetValue(tensor.FromSlice([]float32{1, 0, 0, 2, 1, 1}, 3, 2))
	out := run(t, m, nil, map[string]*tensor.Tensor{"ids": tensor.FromSlice([]int64{1, 2})})
	floats(t, out["logits"], 0, 4, 2, 1, 2, 2)
}

// TestInputsAndOutputs builds a model of two inputs whose outputs are a result that others use, the same again, and an input.
func TestInputsAndOutputs(t *testing.T) {
	b := nn.New("several", 1)
	x, z := b.Input("x", tensor.Float32, nn.Batch, 2), b.Input("z", tensor.Float32, b.Dim("other"), 1)
	if b.Dim("other") == b.Dim("third") || b.Dim("batch") != nn.Batch {
		t.Error("names of dimensions are mixed up")
	}
	r := nn.ReLU{}.Apply(x)
	b.Output("sum", b.Op("Add", nil, r, b.Constant("two", tensor.Scalar[float32](2))))
	b.Output("relu", r)
	b.Output("again", r)
	b.Output("z_out", z)
	parts := b.Node("", "Split", nn.Attrs{"axis": 1, "num_outputs": 2}, 2, r)
	b.Output("right", parts[1])
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	out := run(t, m, nil, map[string]*tensor.Tensor{"x": tensor.FromSlice([]float32{-1, 3}, 1, 2), "z": tensor.FromSlice([]float32{5, 6, 7}, 3, 1)})
	floats(t, out["sum"], 2, 5)
	floats(t, out["relu"], 0, 3)
	floats(t, out["again"], 0, 3)
	floats(t, out["z_out"], 5, 6, 7)
	floats(t, out["right"], 3)
	if len(m.Graph.Nodes) != 5 {
		t.Errorf("%d nodes, want Relu, Add, Split and two copies", len(m.Graph.Nodes))
	}
}

// TestCustomLayer writes a layer as a function, with a weight and a shared operator of another domain.
func TestCustomLayer(t *testing.T) {
	scale := nn.Func("Scale", func(x *nn.Value) *nn.Value {
		b := x.Builder()
		n, _ := x.Dim(-1)
		return b.Op("Mul", nil, x, b.Weight("weight", finetune.ConstantInit{Value: 3}, x.DType(), n))
	})
	m := must(t, nn.Sequential{scale, nn.Operator{Name: "Softsign"}, nn.Operator{Domain: "com.microsoft", Name: "QuickGelu", Attrs: nn.Attrs{"alpha": 0.0}}}, 2)
	if m.Opset("com.microsoft") != 1 {
		t.Errorf("operator sets %v", m.Opsets)
	}
	floats(t, initializer(t, m, "scale1.weight"), 3, 3)
	out := run(t, m, nil, map[string]*tensor.Tensor{"x": tensor.FromSlice([]float32{1, -1}, 1, 2)})
	floats(t, out["y"], 0.375, -0.375)
}

// TestBodies builds an If whose branches use values of the model.
func TestBodies(t *testing.T) {
	branch := func(op string) *onnx.Graph {
		return &onnx.Graph{Name: op, Nodes: []*onnx.Node{{OpType: op, Inputs: []string{"relu1"}, Outputs: []string{op + "_out"}}},
			Outputs: []*onnx.ValueInfo{{Name: op + "_out", Type: onnx.NewTensorType(tensor.Float32, onnx.NamedDim("batch"))}}}
	}
	b := nn.New("bodies", 1)
	cond := b.Input("negate", tensor.Bool)
	r := nn.ReLU{}.Apply(b.Input("x", tensor.Float32, nn.Batch))
	b.Output("relu", r)
	b.Output("y", b.Op("If", nn.Attrs{"then_branch": branch("Neg"), "else_branch": branch("Identity")}, cond))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	for negate, want := range map[bool]float32{true: -2, false: 2} {
		out := run(t, m, nil, map[string]*tensor.Tensor{"x": tensor.FromSlice([]float32{2}), "negate": tensor.Scalar(negate)})
		floats(t, out["y"], want)
		floats(t, out["relu"], 2)
	}
}

// TestOtherTypes builds models of other floating-point numbers than float32.
func TestOtherTypes(t *testing.T) {
	for _, d := range []tensor.DType{tensor.Float64, tensor.Float16, tensor.BFloat16} {
		b := nn.New("types", 1)
		y := nn.Sequential{nn.Linear{Out: 3}, nn.ReLU6{}, nn.LayerNorm{}, nn.Dropout{P: 0.5}}.Apply(b.Input("x", d, nn.Batch, 2))
		b.Output("y", y)
		m, err := b.Model()
		if err != nil {
			t.Errorf("%v: %v", d, err)
			continue
		}
		if y.DType() != d || initializer(t, m, "fc1.weight").DType() != d {
			t.Errorf("%v: output %v, weight %v", d, y, initializer(t, m, "fc1.weight").DType())
		}
		x, err := tensor.FromFloat64s(d, tensor.Shape{1, 2}, []float64{1, 2})
		if err != nil {
			t.Fatal(err)
		}
		if out := run(t, m, nil, map[string]*tensor.Tensor{"x": x}); out["y"].DType() != d {
			t.Errorf("%v: the model returns %v", d, out["y"].DType())
		}
	}
}

// TestPositions adds the first rows of a table to sequences of any length.
func TestPositions(t *testing.T) {
	m := must(t, nn.Positions{Max: 3}, nn.Sequence, 2)
	for _, p := range m.Graph.Initializers {
		if p.Name == "positions1.weight" {
			p.SetValue(tensor.FromSlice([]float32{1, 2, 3, 4, 5, 6}, 3, 2))
		}
	}
	out := run(t, m, &runtime.Gradients{Wrt: []string{"positions1.weight"}, Ones: true}, map[string]*tensor.Tensor{"x": tensor.FromSlice(make([]float32, 8), 2, 2, 2)})
	floats(t, out["y"], 1, 2, 3, 4, 1, 2, 3, 4)
	floats(t, out["grad.positions1.weight"], 2, 2, 2, 2, 0, 0)
}

// TestCrossAttention attends to a memory of another width and length, of which a mask leaves one position.
func TestCrossAttention(t *testing.T) {
	b := nn.New("cross", 1)
	x, memory := b.Input("x", tensor.Float32, nn.Batch, nn.Sequence, 4), b.Input("memory", tensor.Float32, nn.Batch, 3, 6)
	mask := b.Input("mask", tensor.Bool, 1, 1, 1, 3)
	b.Output("y", nn.MultiHeadAttention{Heads: 2, KVHeads: 1}.Attend(x, memory, mask))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]*tensor.Tensor{"x": tensor.FromSlice(make([]float32, 8), 1, 2, 4), "mask": tensor.FromSlice([]bool{false, true, false}, 1, 1, 1, 3)}
	var first []float32
	for i := range 2 { // only the second position of the memory counts
		mem := make([]float32, 18)
		for j := range 6 {
			mem[6+j], mem[j], mem[12+j] = float32(j), float32(i), float32(2*i)
		}
		in["memory"] = tensor.FromSlice(mem, 1, 3, 6)
		y := tensor.Of[float32](run(t, m, nil, in)["y"])
		if i == 0 {
			first = append(first, y...)
			continue
		}
		for k := range y {
			if y[k] != first[k] {
				t.Fatalf("masked positions count: %v and %v", first, y)
			}
		}
	}
}
