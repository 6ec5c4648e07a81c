package finetune_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

func shapeTensor(v ...int64) *tensor.Tensor { return tensor.FromSlice(v) }

// headCases are models whose last layer has four results, and what the shape of the output becomes with three.
var headCases = []struct {
	name  string
	s     sketch
	shape []int // declared and real; nil: no dense tensor
	bias  bool
}{
	{"Gemm and Softmax", sketch{feeds: tensors{"x": f32(1, 2, 5)}, weights: tensors{"fc.weight": f32(2, 4, 5), "fc.bias": f32(3, 4)}, output: "y",
		nodes: []*onnx.Node{node("Gemm(x, fc.weight, fc.bias) = h", onnx.NewInt("transB", 1)), node("Softmax(h) = y")}}, []int{2, 3}, true},
	{"MatMul, Add, ArgMax", sketch{feeds: tensors{"x": f32(1, 2, 5)}, weights: tensors{"w": f32(2, 5, 4), "b": f32(3, 4)}, output: "y",
		nodes: []*onnx.Node{node("MatMul(x, w) = h"), node("Add(b, h) = s"), node("ArgMax(s) = y", onnx.NewInt("axis", 1))}}, []int{2, 1}, true},
	{"Conv and pooling", sketch{feeds: tensors{"x": f32(1, 2, 5, 3, 4)}, weights: tensors{"c.weight": f32(2, 4, 5, 1, 1), "c.bias": f32(3, 4)}, output: "y",
		nodes: []*onnx.Node{node("Conv(x, c.weight, c.bias) = h"), node("Relu(h) = r"), node("GlobalAveragePool(r) = p"), node("Flatten(p) = y")}},
		[]int{2, 3}, true},
	{"Reshape of known sizes", sketch{feeds: tensors{"x": f32(1, 6, 5)}, weights: tensors{"w": f32(2, 5, 4), "to": shapeTensor(2, 3, 4)}, output: "y",
		nodes: []*onnx.Node{node("MatMul(x, w) = h"), node("Reshape(h, to) = y")}}, []int{2, 3, 3}, false},
	{"Reshape that other nodes use", sketch{feeds: tensors{"x": f32(1, 4, 5)}, weights: tensors{"w": f32(2, 5, 4), "to": shapeTensor(4, 4, 1)}, output: "y",
		nodes: []*onnx.Node{node("MatMul(x, w) = h"), node("Reshape(h, to) = r"), node("Expand(q, to) = e"), node("ReduceSum(e) = z"),
			node("Add(r, z) = y")}}, []int{4, 3, 1}, false},
	{"Softmax that is written out", sketch{feeds: tensors{"x": f32(1, 2, 5)}, weights: tensors{"w": f32(2, 5, 4), "b": f32(3, 4)}, output: "y",
		nodes: []*onnx.Node{node("MatMul(x, w) = m"), node("Add(m, b) = h"), node("ReduceMax(h) = top", onnx.NewInts("axes", 1)), node("Sub(h, top) = d"),
			node("Exp(d) = e"), node("ReduceSum(e, one) = s"), node("Div(e, s) = y")}}, []int{2, 3}, true},
	{"threshold", sketch{feeds: tensors{"x": f32(1, 2, 5)}, weights: tensors{"w": f32(2, 5, 4), "t": tensor.Scalar[float32](0.5), "none": tensor.Scalar[int64](-1)},
		output: "y", nodes: []*onnx.Node{node("MatMul(x, w) = h"), node("Softmax(h) = p"), node("ReduceMax(p) = m", onnx.NewInts("axes", -1),
			onnx.NewInt("keepdims", 0)), node("Less(m, t) = u"), node("ArgMax(p) = a", onnx.NewInt("axis", 1), onnx.NewInt("keepdims", 0)),
			node("Where(u, none, a) = y")}}, []int{2}, false},
	{"TopK", sketch{feeds: tensors{"x": f32(1, 2, 5)}, weights: tensors{"w": f32(2, 5, 4), "k": shapeTensor(4)}, output: "y",
		nodes: []*onnx.Node{node("MatMul(x, w) = h"), node("TopK(h, k) = v, y")}}, []int{2, 3}, false},
	{"weight behind Transpose", sketch{feeds: tensors{"x": f32(1, 2, 5)}, weights: tensors{"w": f32(2, 4, 5)}, output: "y",
		nodes: []*onnx.Node{node("Transpose(w) = t"), node("MatMul(x, t) = y")}}, []int{2, 3}, false},
	{"weight behind Reshape", sketch{feeds: tensors{"x": f32(1, 2, 6)}, weights: tensors{"w": f32(2, 2, 3, 4), "to": shapeTensor(6, 4)}, output: "y",
		nodes: []*onnx.Node{node("Reshape(w, to) = t"), node("MatMul(x, t) = y")}}, []int{2, 3}, false},
	{"tied with an embedding", sketch{feeds: tensors{"x": ints}, weights: tensors{"w": f32(2, 4, 5)}, output: "y",
		nodes: []*onnx.Node{node("Mod(x, four) = i"), node("Gather(w, i) = h"), node("Gemm(f, w) = y", onnx.NewInt("transB", 1))}}, []int{4, 3}, false},
	{"quantised", sketch{feeds: tensors{"x": f32(1, 2, 5)}, weights: tensors{"q": codes(2, 4, 5), "s": tensor.Scalar[float32](0.1), "z": tensor.Scalar[uint8](9),
		"b": f32(3, 4)}, output: "y", nodes: []*onnx.Node{node("DequantizeLinear(q, s, z) = w"), node("Gemm(x, w, b) = h", onnx.NewInt("transB", 1)),
		node("QuantizeLinear(h, s, z) = c"), node("DequantizeLinear(c, s, z) = y")}}, []int{2, 3}, true},
	{"dynamically quantised", sketch{feeds: tensors{"x": f32(1, 2, 5)}, weights: tensors{"q": codes(2, 5, 4), "s": tensor.Scalar[float32](0.1),
		"z": tensor.Scalar[uint8](9), "b": f32(3, 4)}, output: "y", nodes: []*onnx.Node{node("DynamicQuantizeLinear(x) = c, cs, cz"),
		node("MatMulInteger(c, q, cz, z) = i"), node("Cast(i) = f", onnx.NewInt("to", 1)), node("Mul(cs, s) = ss"), node("Mul(ss, f) = h"),
		node("Add(h, b) = y")}}, []int{2, 3}, true},
	{"old Reshape", sketch{opset: 4, feeds: tensors{"x": f32(1, 2, 5)}, weights: tensors{"w": f32(2, 5, 4)}, output: "y",
		nodes: []*onnx.Node{node("MatMul(x, w) = h"), node("Reshape(h) = y", onnx.NewInts("shape", 2, 4, 1))}}, []int{2, 3, 1}, false},
	{"names", sketch{feeds: tensors{"x": f32(1, 2, 5)}, weights: tensors{"w": f32(2, 5, 4), "names": tensor.FromSlice([]string{"a", "b", "c", "d"}, 1, 4)},
		output: "y", nodes: []*onnx.Node{node("MatMul(x, w) = h"), node("ArgMax(h) = i", onnx.NewInt("axis", 1)),
			node("ai.onnx.ml:ArrayFeatureExtractor(names, i) = y")}}, nil, false},
}

// TestHead gives the layer three results. The declared type of the output is that of the real one, scores from a layer of
// zeros are equal, and a layer that starts at random has weights within PyTorch's bound.
func TestHead(t *testing.T) {
	for _, c := range headCases {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "Reshape that other nodes use" {
				c.s.weights["q"] = f32(9, 1)
			}
			if c.name == "tied with an embedding" {
				c.s.weights["four"], c.s.weights["f"] = tensor.Scalar[int64](4), f32(8, 4, 5)
			}
			if c.name == "Softmax that is written out" {
				c.s.weights["one"] = shapeTensor(1)
			}
			base := c.s.model()
			was := evaluate(t, base, c.s.feeds)["y"]
			base.Graph.Outputs[0].Type = onnx.NewTensorType(was.DType(), fixed(was.Shape())...)
			for _, h := range []finetune.Head{{N: 3, Init: finetune.ConstantInit{}}, {Classes: []string{"x", "y", "z"}, Seed: 3, Dropout: 0.25}} {
				m, err := onnx.Decode(onnx.Encode(base))
				if err != nil {
					t.Fatal(err)
				}
				made, err := h.Apply(m)
				if err != nil {
					t.Fatal(err)
				}
				if made.Out != 3 || made.Was != 4 || (made.Bias != "") != c.bias {
					t.Errorf("made %+v", made)
				}
				y := evaluate(t, m, c.s.feeds)["y"]
				if c.shape != nil {
					if got := declared(m.Graph.Outputs[0]); !y.Shape().Equal(c.shape) || !slices.Equal(got, c.shape) {
						t.Fatalf("output has shape %v, declared as %v, want %v", y.Shape(), got, c.shape)
					}
				}
				w := tensorOf(t, m, made.Weight)
				top := slices.Max(tensor.Float64s(w, w.Len()))
				if bound := 1 / math.Sqrt(float64(made.In)); h.Init != nil && top != 0 || h.Init == nil && !(top > bound/4 && top <= bound) {
					t.Errorf("the greatest weight is %v, inputs %d", top, made.In)
				}
				if h.Init != nil && was.DType() == tensor.Float32 {
					if v := tensor.Of[float32](y); slices.Max(v)-slices.Min(v) > 1e-6 && c.name != "Reshape that other nodes use" {
						t.Errorf("scores of zeros give %v", v)
					}
				}
				if labels := finetune.Labels(m); !slices.Equal(labels, h.Classes) {
					t.Errorf("labels are %q, want %q", labels, h.Classes)
				}
				if s := y.Strings(); s != nil && h.Classes != nil && !slices.Contains(h.Classes, s[0]) {
					t.Errorf("the class is %q, want one of %q", s, h.Classes)
				}
				for _, p := range m.Graph.Initializers {
					if p.Name == "q" && p.DType() == tensor.Uint8 {
						t.Error("the codes of the old weight are left")
					}
				}
			}
		})
	}
}

func fixed(s tensor.Shape) []onnx.Dim {
	dims := make([]onnx.Dim, len(s))
	for i, d := range s {
		dims[i] = onnx.FixedDim(int64(d))
	}
	return dims
}

func declared(v *onnx.ValueInfo) []int {
	var out []int
	for _, d := range v.Type.Dims {
		out = append(out, int(d.Value))
	}
	return out
}

// TestHeadZipMap changes the keys of a ZipMap, and the type that the output declares.
func TestHeadZipMap(t *testing.T) {
	s := sketch{feeds: tensors{"x": f32(1, 2, 5)}, weights: tensors{"w": f32(2, 5, 4)}, output: "y",
		nodes: []*onnx.Node{node("MatMul(x, w) = h"), node("Softmax(h) = p"), node("ai.onnx.ml:ZipMap(p) = y", onnx.NewInts("classlabels_int64s", 0, 1, 2, 3))}}
	m := s.model()
	m.Graph.Outputs[0].Type = &onnx.Type{Kind: onnx.TypeSequence, Elem: &onnx.Type{Kind: onnx.TypeMap, ElemType: int32(tensor.Int64),
		Elem: onnx.NewTensorType(tensor.Float32)}}
	m.Metadata = []onnx.Entry{{Key: "names", Value: "{0: 'a'}"}, {Key: "id2label", Value: "{}"}, {Key: "author", Value: "me"}, {Key: "nc", Value: "4"}}
	if _, err := (finetune.Head{Classes: []string{"no", "it's"}}).Apply(m); err != nil {
		t.Fatal(err)
	}
	y := evaluate(t, m, s.feeds)["y"]
	if keys := y.Elems()[0].Keys().Strings(); !slices.Equal(keys, []string{"no", "it's"}) {
		t.Errorf("keys are %q", keys)
	}
	if k := m.Graph.Outputs[0].Type.Elem.DType(); k != tensor.String {
		t.Errorf("the output declares keys of %v", k)
	}
	want := map[string]string{"names": `{0: 'no', 1: 'it\'s'}`, "id2label": `{"0":"no","1":"it's"}`, "author": "me", "nc": "2", finetune.LabelsKey: `["no","it's"]`}
	for _, e := range m.Metadata {
		if want[e.Key] != e.Value {
			t.Errorf("metadata %s is %s, want %s", e.Key, e.Value, want[e.Key])
		}
		delete(want, e.Key)
	}
	if len(want) > 0 {
		t.Errorf("metadata lack %v", want)
	}
}

// TestHeadErrors wants the node that stands in the way, and the model unchanged.
func TestHeadErrors(t *testing.T) {
	x, w := tensors{"x": f32(1, 2, 5)}, tensors{"w": f32(2, 5, 4), "v": f32(4, 5, 2), "c": f32(3, 4)}
	for _, c := range []struct {
		h     finetune.Head
		nodes []*onnx.Node
		want  string
	}{
		{finetune.Head{N: 3}, []*onnx.Node{node("MatMul(x, w) = h"), node("Split(h) = y, z", onnx.NewInt("axis", 1))}, `node "node_y" (Split) stands before output "y"`},
		{finetune.Head{N: 3}, []*onnx.Node{node("MatMul(x, w) = h"), node("Mul(h, c) = y")}, `node "node_y" (Mul) stands in the way: "c" has shape [4]`},
		{finetune.Head{N: 3}, []*onnx.Node{node("MatMul(x, w) = a"), node("MatMul(x, v) = b"), node("ReduceSum(b) = s"), node("Add(a, s) = y")}, "2 layers lead to outputs"},
		{finetune.Head{N: 3, At: "u"}, []*onnx.Node{node("MatMul(x, w) = y")}, `"u" is neither a last layer nor an output`},
		{finetune.Head{N: 0}, []*onnx.Node{node("MatMul(x, w) = y")}, "0 classes"},
		{finetune.Head{N: 2, Dropout: 1}, []*onnx.Node{node("MatMul(x, w) = y")}, "dropout is 1"},
		{finetune.Head{N: 2}, []*onnx.Node{node("Relu(x) = y")}, "no layer leads to an output"},
		{finetune.Head{N: 2}, []*onnx.Node{node("MatMul(x, w) = h"), node("Relu(h) = r"), node("CumSum(r, one) = z"), node("ReduceSum(r) = y"), node("Not(z) = q")}, `(CumSum) stands in the way`},
	} {
		s := sketch{feeds: x, weights: w, nodes: c.nodes, output: "y"}
		s.weights["one"] = tensor.Scalar[int64](1)
		m := s.model()
		before := onnx.Encode(m)
		if _, err := c.h.Apply(m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got error %v, want %q", err, c.want)
		}
		if !slices.Equal(before, onnx.Encode(m)) {
			t.Errorf("%q: the model is changed", c.want)
		}
	}
}
