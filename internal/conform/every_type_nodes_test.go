package conform_test

import (
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// moreNodes are nodes of operators and versions that no recorded case shows.
func moreNodes() []*template {
	x := numbers(1, 2, 4, 4)
	list := tensor.NewSequence(tensor.Float32, numbers(2, 3), numbers(1, 3))
	return []*template{
		made("ConcatFromSequence", 11, attrs{onnx.NewInt("axis", 0)}, list),
		made("GlobalLpPool", 1, attrs{onnx.NewFloat("p", 3)}, x),
		made("GlobalLpPool", 2, attrs{onnx.NewInt("p", 3)}, x),
		made("Multinomial", 7, attrs{onnx.NewInt("sample_size", 5)}, numbers(2, 3)),
		made("Optional", 15, nil, numbers(2)),
		made("RandomNormal", 1, attrs{onnx.NewInts("shape", 2, 3)}),
		made("RandomNormalLike", 1, nil, numbers(2, 3)),
		made("RandomUniform", 1, attrs{onnx.NewInts("shape", 2, 3)}),
		made("RandomUniformLike", 1, nil, numbers(2, 3)),
		made("SequenceConstruct", 11, nil, numbers(2), numbers(3)),
		made("SequenceEmpty", 11, nil),
		made("SequenceErase", 11, nil, list),
		made("SequenceLength", 11, nil, list),
		made("SequenceAt", 11, nil, list, tensor.Scalar(int64(0))),
		made("SequenceInsert", 11, nil, list, numbers(4)),
		made("SimplifiedLayerNormalization", 1, nil, numbers(2, 3), numbers(3)),

		made("BatchNormalization", 1, attrs{onnx.NewInts("consumed_inputs", 0, 0, 0, 1, 1), onnx.NewInt("is_test", 1)},
			x, numbers(2), numbers(2), numbers(2), numbers(2)),
		made("Cast", 1, attrs{onnx.NewString("to", "FLOAT")}, x),
		made("LpPool", 1, attrs{onnx.NewFloat("p", 2), onnx.NewInts("kernel_shape", 2, 2)}, x),
		made("Pad", 1, attrs{onnx.NewInts("paddings", 0, 0, 1, 1, 0, 0, 1, 1)}, x),
		made("Tile", 1, nil, x, tensor.Scalar[float32](2), tensor.Scalar[float32](1)),
		made("Upsample", 1, attrs{onnx.NewFloat("height_scale", 2), onnx.NewFloat("width_scale", 1.5)}, x),
		made("Loop", 1, attrs{onnx.NewGraph("body", loopBody())}, tensor.Scalar(int64(3)), tensor.Scalar(true), numbers(2)),
		made("Scan", 8, attrs{onnx.NewGraph("body", scanBody()), onnx.NewInt("num_scan_inputs", 1)}, nil, numbers(1, 2), numbers(1, 3, 2)),
		made("Scan", 9, attrs{onnx.NewGraph("body", scanBody()), onnx.NewInt("num_scan_inputs", 1)}, numbers(2), numbers(3, 2)),
		made("ScatterElements", 18, attrs{onnx.NewString("reduction", "add")}, numbers(3), tensor.FromSlice([]int64{1}, 1), numbers(1)),

		learned("CastMap", 1, attrs{onnx.NewString("cast_to", "TO_FLOAT")}, dictionary(tensor.Int64, tensor.Float32)),
		learned("CastMap", 1, attrs{onnx.NewString("cast_to", "TO_INT64")}, dictionary(tensor.Int64, tensor.String)),
		learned("DictVectorizer", 1, attrs{onnx.NewInts("int64_vocabulary", 0, 1)}, dictionary(tensor.Int64, tensor.Float32)),
		learned("SVMClassifier", 1, attrs{onnx.NewInts("classlabels_ints", 0, 1), onnx.NewInts("vectors_per_class", 1, 1),
			onnx.NewFloats("support_vectors", 0, 1, 1, 0), onnx.NewFloats("coefficients", 1, -1), onnx.NewFloats("rho", 0.5),
			onnx.NewString("kernel_type", "LINEAR"), onnx.NewFloats("kernel_params", 0, 0, 0)}, numbers(2, 2)),
		learned("Scaler", 1, attrs{onnx.NewFloats("offset", 1, 2), onnx.NewFloats("scale", 2, 3)}, numbers(2, 2)),
		learned("ZipMap", 1, attrs{onnx.NewInts("classlabels_int64s", 4, 5)}, numbers(2, 2)),
		learned("OneHotEncoder", 1, attrs{onnx.NewStrings("cats_strings", "0", "1")}, words("0", "1")),
		learned("LabelEncoder", 2, attrs{onnx.NewFloats("keys_floats", 0, 1), onnx.NewFloats("values_floats", 2, 3)}, numbers(2)),
		learned("LabelEncoder", 2, attrs{onnx.NewInts("keys_int64s", 0, 1), onnx.NewStrings("values_strings", "a", "b")}, tensor.FromSlice([]int64{0, 1}, 2)),
		learned("LabelEncoder", 2, attrs{onnx.NewStrings("keys_strings", "0", "1"), onnx.NewInts("values_int64s", 2, 3)}, words("0", "1")),
	}
}

type attrs = []*onnx.Attribute

func made(name string, version int64, a attrs, in ...*tensor.Tensor) *template {
	return madeIn("", name, version, a, in)
}

func learned(name string, version int64, a attrs, in ...*tensor.Tensor) *template {
	return madeIn("ai.onnx.ml", name, version, a, in)
}

func madeIn(domain, name string, version int64, a attrs, in []*tensor.Tensor) *template {
	n := &onnx.Node{OpType: name, Domain: domain, Attributes: a, Outputs: []string{"y"}}
	if name == "Scan" || name == "SVMClassifier" {
		n.Outputs = append(n.Outputs, "z")
	}
	return &template{model: &onnx.Model{Opsets: []onnx.OpsetID{{Domain: domain, Version: version}}}, node: n, in: in}
}

// numbers returns a tensor of 0, 1, 2, ...
func numbers(dims ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, dims...)
	for i := range t.Len() {
		tensor.Of[float32](t)[i] = float32(i)
	}
	return t
}

func words(s ...string) *tensor.Tensor { return tensor.FromSlice(s, len(s)) }

// dictionary maps 0 and 1 to themselves.
func dictionary(key, value tensor.DType) *tensor.Tensor {
	m, err := tensor.NewMap(converted(numbers(2), key), converted(tensor.Scalar[float32](0), value), converted(tensor.Scalar[float32](1), value))
	if err != nil {
		panic(err)
	}
	return m
}

// loopBody passes its condition and its value on.
func loopBody() *onnx.Graph {
	return body([]string{"i", "go", "v"}, []string{"again", "next"}, identity("go", "again"), identity("v", "next"))
}

// scanBody passes its state and its slice on.
func scanBody() *onnx.Graph {
	return body([]string{"v", "x"}, []string{"next", "seen"}, identity("v", "next"), identity("x", "seen"))
}

func identity(from, to string) *onnx.Node {
	return &onnx.Node{OpType: "Identity", Inputs: []string{from}, Outputs: []string{to}}
}

func body(in, out []string, nodes ...*onnx.Node) *onnx.Graph {
	g := &onnx.Graph{Name: "body", Nodes: nodes}
	for _, name := range in {
		g.Inputs = append(g.Inputs, &onnx.ValueInfo{Name: name})
	}
	for _, name := range out {
		g.Outputs = append(g.Outputs, &onnx.ValueInfo{Name: name})
	}
	return g
}
