package convert_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/convert"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// info declares a float tensor.
func info(name string, dims ...int64) *onnx.ValueInfo {
	v := &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(tensor.Float32)}
	for _, d := range dims {
		v.Type.Dims = append(v.Type.Dims, onnx.FixedDim(d))
	}
	return v
}

func node(op string, in, out string, attrs ...*onnx.Attribute) *onnx.Node {
	return &onnx.Node{OpType: op, Inputs: strings.Fields(in), Outputs: strings.Fields(out), Attributes: attrs}
}

func ints(name string, v ...int64) *onnx.TensorProto {
	return tensor.NewProto(name, tensor.FromSlice(v, len(v)))
}

// run runs a model on x and returns y.
func run(t *testing.T, m *onnx.Model, x *tensor.Tensor) *tensor.Tensor {
	t.Helper()
	s, err := runtime.New(onnx.FileOf(m), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(context.Background(), map[string]*tensor.Tensor{"x": x})
	if err != nil {
		t.Fatal(err)
	}
	return out["y"]
}

// branches is y = relu of the sum over axis 1 or of x itself, by an If.
func branches() *onnx.Model {
	then := &onnx.Graph{Name: "then", Outputs: []*onnx.ValueInfo{info("a", 2, 1)},
		Initializers: []*onnx.TensorProto{ints("axes", 1)}, Nodes: []*onnx.Node{node("ReduceSum", "x axes", "a")}}
	other := &onnx.Graph{Name: "else", Outputs: []*onnx.ValueInfo{info("b", 2, 1)},
		Nodes: []*onnx.Node{node("ReduceMax", "x axes2", "b")}}
	return &onnx.Model{IRVersion: 8, Opsets: []onnx.OpsetID{{Version: 18}}, Graph: &onnx.Graph{Name: "g",
		Inputs: []*onnx.ValueInfo{info("x", 2, 3)}, Outputs: []*onnx.ValueInfo{info("y", 2, 1)},
		Initializers: []*onnx.TensorProto{ints("axes2", 1)},
		Nodes: []*onnx.Node{
			node("ReduceMax", "x", "largest", onnx.NewInt("keepdims", 0)),
			node("Greater", "largest limit", "c"),
			node("If", "c", "z", onnx.NewGraph("then_branch", then), onnx.NewGraph("else_branch", other)),
			node("Relu", "z", "y")},
	}}
}

// TestBodies converts graphs inside of nodes, down to versions where an initializer is an input.
func TestBodies(t *testing.T) {
	m := branches()
	m.Graph.Initializers = append(m.Graph.Initializers, tensor.NewProto("limit", tensor.Scalar(float32(2))))
	for _, x := range []*tensor.Tensor{tensor.FromSlice([]float32{1, 2, 3, -4, -5, -6}, 2, 3), tensor.FromSlice([]float32{1, 2, 1, -4, 5, 1}, 2, 3)} {
		want := tensor.Of[float32](run(t, m, x))
		for _, opset := range []int{28, 13, 11, 9, 8, 7} {
			out, err := convert.Model(m, map[string]int{"": opset})
			if err != nil {
				t.Fatal(err)
			}
			if found := onnx.Check(out); len(found) > 0 {
				t.Errorf("to %d: %v", opset, found)
			}
			if got := tensor.Of[float32](run(t, out, x)); !slices.Equal(got, want) {
				t.Errorf("to %d: %v, want %v", opset, got, want)
			}
			names := map[string]bool{}
			for _, v := range out.Graph.Inputs {
				names[v.Name] = true
			}
			if (out.IRVersion < 4) != names["limit"] {
				t.Errorf("to %d: IR version %d, and the inputs are %v", opset, out.IRVersion, names)
			}
			if opset < 13 && len(out.Graph.Initializers) != 1 {
				t.Errorf("to %d: %d initializers, the axes are not used any more", opset, len(out.Graph.Initializers))
			}
		}
	}
	if m.Opset("") != 18 || len(m.Graph.Nodes[0].Attributes) != 1 || m.IRVersion != 8 {
		t.Error("the model itself was changed")
	}
}

// calling is a model whose function is written for a version of its own.
func calling(version int64, nodes ...*onnx.Node) *onnx.Model {
	return &onnx.Model{IRVersion: 8, Opsets: []onnx.OpsetID{{Version: 18}, {Domain: "local", Version: 1}},
		Functions: []*onnx.Function{{Domain: "local", Name: "F", Inputs: []string{"u"}, Outputs: []string{"v"},
			Attributes: []string{"axes"}, Nodes: nodes, Opsets: []onnx.OpsetID{{Version: version}}}},
		Graph: &onnx.Graph{Name: "g", Inputs: []*onnx.ValueInfo{info("x", 2, 3)}, Outputs: []*onnx.ValueInfo{{Name: "y"}},
			Nodes: []*onnx.Node{{Name: "call", Domain: "local", OpType: "F", Inputs: []string{"x"}, Outputs: []string{"y"},
				Attributes: []*onnx.Attribute{onnx.NewInts("axes", 1)}}}}}
}

// TestFunctions: bodies are converted by the imports of the function; one that needs to know more than it
// says is put in place of its calls.
func TestFunctions(t *testing.T) {
	x := tensor.FromSlice([]float32{1, 2, 3, -4, -5, -6}, 2, 3)
	axes := &onnx.Attribute{Name: "axes", RefAttrName: "axes", Type: onnx.AttrInts}
	for _, tc := range []struct {
		name   string
		model  *onnx.Model
		opset  int
		inline bool
	}{
		{"attribute of the caller becomes an input", calling(11, node("ReduceSum", "u", "v", axes)), 28, false},
		{"rank needed", calling(18, node("Softmax", "u", "v", onnx.NewInt("axis", 0))), 12, true},
		{"type needed", calling(10, node("Clip", "u", "v", onnx.NewFloat("min", 0))), 18, false},
	} {
		out, err := convert.Model(tc.model, map[string]int{"": tc.opset})
		if tc.name == "type needed" {
			// a function of another version than the model is brought to the model's, which needs types
			var e *convert.Error
			if !errors.As(err, &e) {
				t.Errorf("%s: %v", tc.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if inlined := len(out.Functions) == 0; inlined != tc.inline {
			t.Errorf("%s: inlined %v", tc.name, inlined)
		}
		if got, want := tensor.Of[float32](run(t, out, x)), tensor.Of[float32](run(t, tc.model, x)); !slices.EqualFunc(got, want, near) {
			t.Errorf("%s: %v, want %v", tc.name, got, want)
		}
	}
}

// near compares results of nodes that compute the same by other kernels.
func near(a, b float32) bool { return math.Abs(float64(a-b)) <= 1e-6*math.Abs(float64(b)) }

// TestMachineLearning converts the domain ai.onnx.ml alone.
func TestMachineLearning(t *testing.T) {
	value := func(name string, d tensor.DType) *onnx.ValueInfo {
		return &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(d, onnx.FixedDim(3))}
	}
	m := &onnx.Model{IRVersion: 3, Opsets: []onnx.OpsetID{{Domain: "ai.onnx.ml", Version: 1}}, Graph: &onnx.Graph{Name: "g",
		Inputs: []*onnx.ValueInfo{value("x", tensor.String)}, Outputs: []*onnx.ValueInfo{value("y", tensor.Int64)},
		Nodes: []*onnx.Node{{Domain: "ai.onnx.ml", OpType: "LabelEncoder", Inputs: []string{"x"}, Outputs: []string{"y"},
			Attributes: []*onnx.Attribute{onnx.NewStrings("classes_strings", "a", "b"), onnx.NewInt("default_int64", 7)}}}}}
	up, err := convert.Model(m, map[string]int{"ai.onnx.ml": 5})
	if err != nil {
		t.Fatal(err)
	}
	down, err := convert.Model(up, map[string]int{"ai.onnx.ml": 1})
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.FromSlice([]string{"b", "c", "a"}, 3)
	for _, v := range []*onnx.Model{m, up, down} {
		if got := tensor.Of[int64](run(t, v, x)); !slices.Equal(got, []int64{1, 7, 0}) {
			t.Errorf("version %d: %v", v.Opset("ai.onnx.ml"), got)
		}
	}
	if up.Graph.Nodes[0].Attr("keys_strings") == nil || down.Graph.Nodes[0].Attr("classes_strings") == nil {
		t.Error("the attributes are those of another version")
	}
}

// TestRefusals: errors name the node, the step and the reason.
func TestRefusals(t *testing.T) {
	for want, n := range map[string]*onnx.Node{
		`ai.onnx 18 to 17: node "n" (BitwiseNot): version 17 has no such operator`: node("BitwiseNot", "x", "y"),
		`ai.onnx 18 to 17: node "n" (ReduceMax): input 1 (x) is not constant`:      node("ReduceMax", "x x", "y"),
	} {
		n.Name = "n"
		m := &onnx.Model{IRVersion: 8, Opsets: []onnx.OpsetID{{Version: 18}}, Graph: &onnx.Graph{Name: "g", Nodes: []*onnx.Node{n},
			Inputs: []*onnx.ValueInfo{info("x", 2)}, Outputs: []*onnx.ValueInfo{{Name: "y"}}}}
		_, err := convert.Model(m, map[string]int{"": 13})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestExternalData: weights in another file are shared, not copied, and written with the result.
func TestExternalData(t *testing.T) {
	dir := t.TempDir()
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.OpsetID{{Version: 11}}, Graph: &onnx.Graph{Name: "g",
		Inputs: []*onnx.ValueInfo{info("x", 3)}, Outputs: []*onnx.ValueInfo{info("y", 2, 3)},
		Initializers: []*onnx.TensorProto{tensor.NewProto("w", tensor.FromSlice([]float32{1, 2, 3, 4, 5, 6}, 2, 3))},
		Nodes:        []*onnx.Node{node("Add", "x w", "s"), node("Softmax", "s", "y", onnx.NewInt("axis", 0))}}}
	if err := onnx.WriteFile(filepath.Join(dir, "in.onnx"), m, &onnx.WriteOptions{External: "in.bin", ExternalSize: 1}); err != nil {
		t.Fatal(err)
	}
	f, err := onnx.Open(filepath.Join(dir, "in.onnx"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Graph.Initializers[0].Location != tensor.LocationExternal {
		t.Fatal("the weights are not in another file")
	}
	out, err := convert.Model(f.Model, map[string]int{"": 13})
	if err != nil {
		t.Fatal(err)
	}
	if out.Graph.Initializers[0] != f.Graph.Initializers[0] {
		t.Error("the weights were copied")
	}
	name := filepath.Join(dir, "out.onnx")
	if err := onnx.WriteFile(name, out, nil); err != nil {
		t.Fatal(err)
	}
	g, err := onnx.Open(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	x := tensor.FromSlice([]float32{1, 0, -1}, 3)
	if got, want := tensor.Of[float32](run(t, g.Model, x)), tensor.Of[float32](run(t, m, x)); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
