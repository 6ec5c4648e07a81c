package finetune_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// tailed is a linear layer with the result "scores" [4, 3], or [1, 4, 3] behind an Unsqueeze, and nodes that follow it.
func tailed(nodes ...*onnx.Node) *onnx.Model {
	return sketch{feeds: tensors{"x": f32(1, 4, 8)}, output: "y", weights: tensors{"w": f32(2, 8, 3), "b": f32(3, 3),
		"k": int64s(2), "axis": int64s(1), "half": tensor.Scalar[float32](0.5),
		"w1": f32(4, 8, 3), "ten": filled(10, 3)},
		nodes: append([]*onnx.Node{node("MatMul(x, w) = h"), node("Add(h, b) = scores")}, nodes...)}.model()
}

func zipMap(in string) *onnx.Node {
	return node("ai.onnx.ml:ZipMap("+in+") = y", onnx.NewInts("classlabels_int64s", 0, 1, 2))
}

// TestFindScores finds what the loss is computed from before the answers of every kind.
func TestFindScores(t *testing.T) {
	axis := onnx.NewInt("axis", 1)
	for _, c := range []struct {
		name, activation string
		nodes            []*onnx.Node
	}{
		{"plain", "", []*onnx.Node{node("Identity(scores) = y")}},
		{"Softmax", "Softmax", []*onnx.Node{node("Softmax(scores) = y")}},
		{"LogSoftmax", "LogSoftmax", []*onnx.Node{node("LogSoftmax(scores) = y")}},
		{"Sigmoid", "Sigmoid", []*onnx.Node{node("Sigmoid(scores) = y")}},
		{"ArgMax", "", []*onnx.Node{node("ArgMax(scores) = y", axis)}},
		{"ArgMax of Softmax", "Softmax", []*onnx.Node{node("Softmax(scores) = p"), node("ArgMax(p) = i", axis), node("Squeeze(i, axis) = y")}},
		{"TopK", "", []*onnx.Node{node("TopK(scores, k) = y, index")}},
		{"TopK of Softmax", "Softmax", []*onnx.Node{node("Softmax(scores) = p"), node("TopK(p, k) = values, y")}},
		{"ZipMap", "Softmax", []*onnx.Node{node("Softmax(scores) = p"), zipMap("p")}},
		{"threshold", "Softmax", []*onnx.Node{node("Softmax(scores) = p"), node("ReduceMax(p) = top",
			onnx.NewInts("axes", 1)), node("Greater(top, half) = sure"),
			node("ArgMax(p) = i", axis, onnx.NewInt("keepdims", 1)), node("Cast(sure) = s", onnx.NewInt("to", 7)), node("Mul(i, s) = y")}},
		{"through shapes", "", []*onnx.Node{node("Flatten(scores) = f"), node("Cast(f) = y", onnx.NewInt("to", 11))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := finetune.FindScores(tailed(c.nodes...))
			if err != nil || got.Name != "scores" || got.Activation != c.activation {
				t.Fatalf("%+v, want \"scores\" with activation %q: %v", got, c.activation, err)
			}
			if s, ok := got.Type.Static(); !ok || !s.Equal(tensor.Shape{4, 3}) {
				t.Errorf("type %v, want float32[4,3]", got.Type)
			}
		})
	}
}

// TestAmbiguousScores lists the candidates of a model with two heads; naming one decides.
func TestAmbiguousScores(t *testing.T) {
	m := tailed(node("MatMul(x, w1) = other"), node("Softmax(scores) = y"), node("Sigmoid(other) = z"))
	m.Graph.Outputs = append(m.Graph.Outputs, &onnx.ValueInfo{Name: "z"})
	_, err := finetune.FindScores(m)
	if err == nil || !strings.Contains(err.Error(), `"scores" float32[4,3]`) || !strings.Contains(err.Error(), `"other" float32[4,3]`) {
		t.Errorf("%v, want both candidates with their types", err)
	}
	got, err := finetune.ScoresAt(m, "other")
	if err != nil || got.Activation != "Sigmoid" {
		t.Errorf("%+v: %v", got, err)
	}
	if _, err := finetune.ScoresAt(m, "nowhere"); err == nil || !strings.Contains(err.Error(), `no value "nowhere"`) {
		t.Errorf("%v, want the name that there is not", err)
	}
	none := sketch{feeds: tensors{"x": int64s(1, 2)}, output: "y", nodes: []*onnx.Node{node("Add(x, x) = y")}}.model()
	var unsupported *ops.UnsupportedError
	if _, err := finetune.FindScores(none); !errors.As(err, &unsupported) {
		t.Errorf("without scores: %v, want an ops.UnsupportedError", err)
	}
}

// TestOutputTerms averages the loss over the outputs that depend on the weights, and takes the scores where none has a gradient.
func TestOutputTerms(t *testing.T) {
	m := tailed(node("MatMul(x, w1) = other"), node("Softmax(scores) = y"), node("Neg(x) = free"), node("ArgMax(other) = id"))
	for _, name := range []string{"other", "free", "id"} {
		m.Graph.Outputs = append(m.Graph.Outputs, &onnx.ValueInfo{Name: name})
	}
	answer := tailed(node("ArgMax(scores) = y"))
	for _, c := range []struct {
		m    *onnx.Model
		what string
		want []string
	}{{m, "all", []string{"y", "other"}}, {m, "w,b", []string{"y"}}, {answer, "all", []string{"scores"}}} {
		layers, err := finetune.Layers(c.m)
		if err != nil {
			t.Fatal(err)
		}
		weights, err := finetune.Select(layers, c.what)
		if err != nil {
			t.Fatal(err)
		}
		terms, err := finetune.OutputTerms(c.m, weights, finetune.MSE{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, term := range terms {
			got = append(got, term.At)
			if want := 1 / float64(len(c.want)); term.Weight != want {
				t.Errorf("%s: the weight of %s is %v, want %v", c.what, term.At, term.Weight, want)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: terms at %q, want %q", c.what, got, c.want)
		}
	}
}

// TestNeeds names the inputs that values depend on: not those of which only the shape is used.
func TestNeeds(t *testing.T) {
	m := sketch{feeds: tensors{"x": f32(1, 4, 3), "z": f32(2, 4, 3), "like": f32(3, 4, 3)}, output: "y",
		nodes: []*onnx.Node{node("Shape(like) = s"), node("Reshape(x, s) = r"), node("Add(r, r) = a"), node("Mul(a, z) = y")}}.model()
	for value, want := range map[string][]string{"a": {"x"}, "y": {"x", "z"}, "z": {"z"}} {
		needs, err := finetune.Needs(m, value)
		maps.DeleteFunc(needs, func(_ string, needed bool) bool { return !needed })
		if got := slices.Sorted(maps.Keys(needs)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q needs %q, want %q: %v", value, got, want, err)
		}
	}
	if _, err := finetune.Needs(m, "nowhere"); err == nil {
		t.Error("a value that there is not needs something")
	}
}
