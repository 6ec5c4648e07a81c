package finetune_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// described writes the layers of a model as "op(kind): weight/role/uses weight/role/uses[frozen]", one a line.
func described(t *testing.T, m *onnx.Model) []string {
	t.Helper()
	layers, err := finetune.Layers(m)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, l := range layers {
		text := fmt.Sprintf("%s(%s):", l.Op, l.Kind)
		for _, w := range l.Weights {
			text += fmt.Sprintf(" %s/%s/%d", w.Name, w.Role, w.Uses)
			if w.Frozen != "" {
				text += "[" + w.Frozen + "]"
			}
		}
		out = append(out, text)
	}
	return out
}

func int64s(v ...int64) *tensor.Tensor { return tensor.FromSlice(v, len(v)) }

func held(name string, t *tensor.Tensor) *onnx.Node {
	n := &onnx.Node{Name: "node_" + name, OpType: "Constant", Outputs: []string{name},
		Attributes: []*onnx.Attribute{onnx.NewTensor("value", tensor.NewProto("", t))}}
	return n
}

// waves is a table of cosines and sines of positions, as rotary embeddings look it up.
func waves(rows, cols int, cosine func(col int) bool) *tensor.Tensor {
	out := tensor.New(tensor.Float32, rows, cols)
	for i := range rows {
		for j := range cols {
			angle := float64(i) * math.Pow(0.1, float64(j)/float64(cols))
			if cosine(j) {
				angle += math.Pi / 2
			}
			tensor.Of[float32](out)[i*cols+j] = float32(math.Sin(angle))
		}
	}
	return out
}

// TestWeights finds the weights of layers in all the forms that exporters write them in, and leaves alone what is none.
func TestWeights(t *testing.T) {
	x := tensors{"x": f32(1, 4, 8)}
	for _, c := range []struct {
		name    string
		opset   int64
		feeds   tensors
		weights tensors
		nodes   []*onnx.Node
		want    []string
	}{
		{"Gemm", 0, x, tensors{"w": f32(2, 8, 3), "b": f32(3, 3)}, []*onnx.Node{node("Gemm(x, w, b) = y")},
			[]string{"Gemm(linear): w/weight/1 b/bias/1"}},
		{"behind forms", 0, x, tensors{"w": f32(2, 24), "s": int64s(3, 8)}, []*onnx.Node{node("Identity(w) = w1"),
			node("Reshape(w1, s) = w2"), node("Transpose(w2) = w3"),
			node("Cast(w3) = w4", onnx.NewInt("to", 1)), node("MatMul(x, w4) = y")}, []string{"MatMul(linear): w/weight/1"}},
		{"Constant", 0, x, nil, []*onnx.Node{held("w", f32(2, 8, 3)), node("MatMul(x, w) = y")}, []string{"MatMul(linear): w/weight/1"}},
		{"quantised", 0, x, tensors{"q": codes(2, 8, 3), "s": tensor.Scalar[float32](0.1), "z": tensor.Scalar[uint8](128)},
			[]*onnx.Node{node("DequantizeLinear(q, s, z) = w"), node("MatMul(x, w) = y")}, []string{"MatMul(linear): q/weight/1[it is quantised]"}},
		{"of integers", 0, tensors{"x": codes(1, 4, 8)}, tensors{"w": codes(2, 8, 3)}, []*onnx.Node{node("MatMulInteger(x, w) = y")},
			[]string{"MatMulInteger(linear): w/weight/1[its elements are uint8]"}},
		{"bias of an Add", 0, x, tensors{"w": f32(2, 8, 3), "b": f32(3, 3)}, []*onnx.Node{node("MatMul(x, w) = h"), node("Add(b, h) = y")},
			[]string{"MatMul(linear): w/weight/1 b/bias/1"}},
		{"bias of one unit", 0, x, tensors{"w": f32(2, 8, 1), "b": f32(3, 1)}, []*onnx.Node{node("MatMul(x, w) = h"), node("Add(h, b) = y")},
			[]string{"MatMul(linear): w/weight/1 b/bias/1"}},
		{"a scalar behind many units", 0, x, tensors{"w": f32(2, 8, 3), "b": f32(3, 1)},
			[]*onnx.Node{node("MatMul(x, w) = h"), node("Add(h, b) = y")},
			[]string{"MatMul(linear): w/weight/1"}},
		{"shared", 0, x, tensors{"w": f32(2, 8, 8)}, []*onnx.Node{node("MatMul(x, w) = h"), node("Transpose(w) = wt"), node("MatMul(h, wt) = y")},
			[]string{"MatMul(linear): w/weight/2", "MatMul(linear): w/weight/2"}},
		{"norm written out", 0, x, tensors{"axes": int64s(-1), "two": tensor.Scalar[float32](2),
			"eps": tensor.Scalar[float32](1e-5), "g": f32(2, 8), "b": f32(3, 8), "w": f32(4, 8, 2)},
			[]*onnx.Node{node("ReduceMean(x) = mean", onnx.NewInts("axes", -1)), node("Sub(x, mean) = d"), node("Pow(d, two) = sq"),
				node("ReduceMean(sq) = var", onnx.NewInts("axes", -1)), node("Add(var, eps) = ve"), node("Sqrt(ve) = sd"), node("Div(d, sd) = n"),
				node("Mul(n, g) = ng"), node("Add(ng, b) = nb"), node("MatMul(nb, w) = y")},
			[]string{"Mul(norm): g/scale/1", "Add(norm): b/bias/1", "MatMul(linear): w/weight/1"}},
		{"position table", 0, tensors{"x": int64s(1, 2, 3)}, tensors{"e": f32(2, 9, 4), "p": f32(3, 3, 4), "w": f32(4, 4, 2)},
			[]*onnx.Node{node("Gather(e, x) = v"), node("Add(v, p) = h"), node("MatMul(h, w) = y")},
			[]string{"Gather(embedding): e/weight/1", "Add(scale): p/bias/1", "MatMul(linear): w/weight/1"}},
		{"anchors and input scale", 0, x, tensors{"mean": f32(2, 8), "w": f32(3, 8, 4), "anchor": f32(5, 4, 4)},
			[]*onnx.Node{node("Sub(x, mean) = c"), node("MatMul(c, w) = h"), node("Relu(h) = r"),
				node("Add(r, anchor) = y")}, []string{"MatMul(linear): w/weight/1"}},
		{"mask", 0, x, tensors{"w": f32(3, 8, 4), "v": f32(4, 4, 2), "m": filled(-1e9, 4)},
			[]*onnx.Node{node("MatMul(x, w) = h"), node("Relu(h) = r"), node("Add(r, m) = a"), node("MatMul(a, v) = y")},
			[]string{"MatMul(linear): w/weight/1", "MatMul(linear): v/weight/1"}},
		{"rotary table", 0, tensors{"x": int64s(1, 2, 3)}, tensors{"t": waves(9, 4, func(j int) bool { return j%2 == 0 }), "w": f32(4, 4, 2)},
			[]*onnx.Node{node("Gather(t, x) = v"), node("MatMul(v, w) = y")}, []string{"MatMul(linear): w/weight/1"}},
		{"sines", 0, tensors{"x": int64s(1, 2, 3)}, tensors{"t": waves(9, 4, func(int) bool { return false }), "w": f32(4, 4, 2)},
			[]*onnx.Node{node("Gather(t, x) = v"), node("MatMul(v, w) = y")}, []string{"MatMul(linear): w/weight/1"}},
		{"a name like a table's", 0, tensors{"x": int64s(1, 2, 3)}, tensors{"glucose.weight": f32(2, 9, 4), "w": f32(4, 4, 2)},
			[]*onnx.Node{node("Gather(glucose.weight, x) = v"), node("MatMul(v, w) = y")},
			[]string{"Gather(embedding): glucose.weight/weight/1", "MatMul(linear): w/weight/1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sketch{opset: c.opset, feeds: c.feeds, weights: c.weights, nodes: c.nodes, output: "y"}.model()
			if got := described(t, m); !slices.Equal(got, c.want) {
				t.Errorf("layers\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(c.want, "\n\t"))
			}
		})
	}
}

// branchOf is a body without inputs that makes out.
func branchOf(out string, nodes ...*onnx.Node) *onnx.Graph {
	return &onnx.Graph{Name: out, Nodes: nodes, Outputs: []*onnx.ValueInfo{{Name: out}}}
}

// TestWeightsInBodies finds weights that bodies use, those of the graph around them and those of their own.
func TestWeightsInBodies(t *testing.T) {
	own := branchOf("e", node("MatMul(x, v) = e"))
	own.Initializers = []*onnx.TensorProto{tensor.NewProto("v", f32(3, 8, 3))}
	m := sketch{feeds: tensors{"x": f32(1, 4, 8), "c": tensor.Scalar(true)}, weights: tensors{"w": f32(2, 8, 3)}, output: "y",
		nodes: []*onnx.Node{node("If(c) = y", onnx.NewGraph("then_branch", branchOf("a", node("MatMul(x, w) = a"))),
			onnx.NewGraph("else_branch", own))}}.model()
	want := []string{"MatMul(linear): w/weight/1", "MatMul(linear): v/weight/1"}
	if got := described(t, m); !slices.Equal(got, want) {
		t.Errorf("layers %q, want %q", got, want)
	}
	layers, err := finetune.Layers(m)
	if err != nil {
		t.Fatal(err)
	}
	if weights, err := finetune.Select(layers, "last"); err != nil || len(weights) != 2 {
		t.Errorf("%d weights of the last layers, want those of both branches: %v", len(weights), err)
	}
}

// TestWeightsInLoops finds the weights of the bodies of Loop and Scan.
func TestWeightsInLoops(t *testing.T) {
	info := func(name string, d tensor.DType, dims ...onnx.Dim) *onnx.ValueInfo {
		return &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(d, dims...)}
	}
	loop := branchOf("more", node("Identity(go) = more"), node("MatMul(h, w) = m"), node("Add(m, b) = next"))
	loop.Inputs = []*onnx.ValueInfo{info("i", tensor.Int64), info("go", tensor.Bool), info("h", tensor.Float32, onnx.FixedDim(4), onnx.FixedDim(8))}
	loop.Outputs = append(loop.Outputs, info("next", tensor.Float32, onnx.FixedDim(4), onnx.FixedDim(8)))
	scan := branchOf("s1", node("MatMul(row, v) = p"), node("Add(p, s0) = s1"), node("Identity(s1) = each"))
	scan.Inputs = []*onnx.ValueInfo{info("s0", tensor.Float32, onnx.FixedDim(3)), info("row", tensor.Float32, onnx.FixedDim(8))}
	scan.Outputs = append(scan.Outputs, info("each", tensor.Float32, onnx.FixedDim(3)))
	m := sketch{feeds: tensors{"x": f32(1, 4, 8)}, output: "y",
		weights: tensors{"w": f32(2, 8, 8), "b": f32(3, 8), "v": f32(4, 8, 3), "times": tensor.Scalar[int64](3), "zero": filled(0, 3)},
		nodes: []*onnx.Node{node("Loop(times, , x) = h1", onnx.NewGraph("body", loop)),
			node("Scan(zero, h1) = last, y", onnx.NewGraph("body", scan), onnx.NewInt("num_scan_inputs", 1))}}.model()
	want := []string{"MatMul(linear): w/weight/1 b/bias/1", "MatMul(linear): v/weight/1"}
	if got := described(t, m); !slices.Equal(got, want) {
		t.Fatalf("layers %q, want %q", got, want)
	}
	layers, err := finetune.Layers(m)
	if err != nil {
		t.Fatal(err)
	}
	if weights, err := finetune.Select(layers, "last"); err != nil || len(weights) != 1 || weights[0].Name != "v" {
		t.Errorf("the last layer has weights %v: %v", weights, err)
	}
	tr := newTrainer(t, m, mse(finetune.Spec{Train: "all", Optimizer: finetune.SGD{}, Rate: 1e-9}))
	r, err := tr.Step(t.Context(), finetune.Batch{Inputs: tensors{"x": f32(1, 4, 8)}, Targets: []*tensor.Tensor{f32(5, 4, 3)}})
	if err != nil || r.Skipped || !(r.Norm > 0) {
		t.Errorf("%+v: %v", r, err)
	}
}

// heads is a model of two parallel last layers, on two layers with a norm between them.
func heads() *onnx.Model {
	return sketch{feeds: tensors{"x": f32(1, 4, 8)}, output: "y", weights: tensors{
		"w0": f32(2, 8, 8), "b0": f32(3, 8), "g": f32(4, 8), "gb": f32(5, 8), "w1": f32(6, 8, 8), "w2": f32(7, 8, 3),
		"b2": f32(8, 3), "w3": f32(9, 8, 1)},
		nodes: []*onnx.Node{node("Gemm(x, w0, b0) = h0"), node("LayerNormalization(h0, g, gb) = n"), node("MatMul(n, w1) = h1"), node("Relu(h1) = r"),
			node("Gemm(r, w2, b2) = a"), node("MatMul(r, w3) = b"), node("Mul(a, b) = y")}}.model()
}

// TestSelect chooses weights by every form of text.
func TestSelect(t *testing.T) {
	layers, err := finetune.Layers(heads())
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{
		"last": "w2 b2 w3", "last:1": "w2 b2 w3", "last:2": "w1 w2 b2 w3", "last:3": "w0 b0 g gb w1 w2 b2 w3", "last:99": "w0 b0 g gb w1 w2 b2 w3",
		"all": "w0 b0 g gb w1 w2 b2 w3", "bias": "b0 gb b2", "norm": "g gb", "w1,b2": "w1 b2", "node_h0": "w0 b0", "node_h0, w3": "w0 b0 w3",
		"re:^w[12]$": "w1 w2", "^w[12]$": "w1 w2", "re:h0": "w0 b0",
	} {
		weights, err := finetune.Select(layers, what)
		var names []string
		for _, w := range weights {
			names = append(names, w.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("%q: %s, want %s: %v", what, got, want, err)
		}
	}
	for what, want := range map[string]string{
		"last:0": "from 1 up", "last:x": "from 1 up", "": "nothing to train", "(": "regular expression",
		"re:nowhere": "no weight of the model's 5 layers",
	} {
		if _, err := finetune.Select(layers, what); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", what, err, want)
		}
	}
}

// TestNothingTrains names the reasons where nothing can train.
func TestNothingTrains(t *testing.T) {
	quantised := sketch{feeds: tensors{"x": f32(1, 4, 8)}, weights: tensors{"q": codes(2, 8, 3),
		"s": tensor.Scalar[float32](0.1), "z": tensor.Scalar[uint8](128)}, output: "y",
		nodes: []*onnx.Node{node("DequantizeLinear(q, s, z) = w"), node("MatMul(x, w) = y")}}
	bare := sketch{feeds: tensors{"x": f32(1, 4, 8)}, output: "y", nodes: []*onnx.Node{node("Relu(x) = y")}}
	for _, c := range []struct {
		s    sketch
		want string
	}{{quantised, `"q" of node "node_y" (MatMul): it is quantised`}, {bare, "no layer with weights"}} {
		for _, what := range []string{"last", "all"} {
			_, err := finetune.NewTrainer(c.s.model(), finetune.Spec{Train: what, Terms: []finetune.Term{{At: "y", Loss: finetune.MSE{}}}})
			var unsupported *ops.UnsupportedError
			if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q: %v, want an ops.UnsupportedError with %q", what, err, c.want)
			}
		}
	}
	_, err := finetune.NewTrainer(quantised.model(), finetune.Spec{Weights: []string{"q"}, Terms: []finetune.Term{{At: "y", Loss: finetune.MSE{}}}})
	var unsupported *ops.UnsupportedError
	if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), "it is quantised") {
		t.Errorf("by name: %v", err)
	}
}
