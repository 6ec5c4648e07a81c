package opt

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// Random returns positive numbers, since some of them are variances.
func Random(name string, shape tensor.Shape) *tensor.Tensor {
	rng := rand.New(rand.NewPCG(uint64(len(name)), uint64(name[0])))
	v := make([]float32, shape.Len())
	for i := range v {
		v[i] = rng.Float32() + 0.1
	}
	return tensor.FromSlice(v, shape...)
}

// ParseModel makes a model of nodes "Op input... attr=value... -> output" separated by semicolons.
func ParseModel(input, text string) *onnx.Model {
	g := &onnx.Graph{Name: "test"}
	shape := map[string][]onnx.Dim{"x": Fixed(2, 3, 8), "image": Fixed(1, 4, 6, 6), "tokens": Fixed(2, 5, 8), "pictures": Fixed(4, 3, 256, 256), "batch": {onnx.NamedDim("N"), onnx.NamedDim("S"), onnx.FixedDim(1024)}}[input]
	g.Inputs = []*onnx.ValueInfo{{Name: input, Type: onnx.NewTensorType(tensor.Float32, shape...)}}
	for _, line := range strings.Split(text, ";") {
		words := strings.Fields(line)
		k := slices.Index(words, "->")
		n := &onnx.Node{OpType: words[0], Outputs: words[k+1:]}
		for _, w := range words[1:k] {
			if name, value, ok := strings.Cut(w, "="); ok {
				n.Attributes = append(n.Attributes, attribute(name, value))
				continue
			}
			if w == "none" {
				w = ""
			}
			if n.Inputs = append(n.Inputs, w); w == "" {
				continue
			}
			if c := constant(w); c != nil && !slices.ContainsFunc(g.Initializers, func(p *onnx.TensorProto) bool { return p.Name == w }) {
				g.Initializers = append(g.Initializers, tensor.NewProto(w, c))
			}
		}
		g.Nodes = append(g.Nodes, n)
	}
	g.Outputs = []*onnx.ValueInfo{{Name: "y", Type: &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(tensor.Float32)}}}
	return &onnx.Model{IRVersion: 8, Opsets: []onnx.OpsetID{{Version: 17}}, Graph: g}
}

func Fixed(dims ...int64) (out []onnx.Dim) {
	for _, d := range dims {
		out = append(out, onnx.FixedDim(d))
	}
	return out
}

func attribute(name, value string) *onnx.Attribute {
	if value[0] >= 'a' {
		return onnx.NewString(name, value)
	}
	var v []int64
	for _, w := range strings.Split(value, ",") {
		v = append(v, int64(number(w)))
	}
	if slices.Contains([]string{"to", "axis", "group", "keepdims", "broadcast", "training_mode", "transB"}, name) {
		return onnx.NewInt(name, v[0])
	}
	return onnx.NewInts(name, v...)
}

// constant returns the constant that a word stands for, nil if it names another value.
func constant(w string) *tensor.Tensor {
	switch {
	case w[0] >= '0' && w[0] <= '9' || w[0] == '-':
		return tensor.Scalar(float32(number(w)))
	case w[0] == '#' || w[0] == '%':
		var whole []int64
		var x []float32
		for _, d := range strings.Split(w[1:], ",") {
			whole, x = append(whole, int64(number(d))), append(x, float32(number(d)))
		}
		if w[0] == '%' {
			return tensor.FromSlice(x)
		}
		return tensor.FromSlice(whole)
	case w[0] >= 'A' && w[0] <= 'Z':
		var shape tensor.Shape
		for _, d := range strings.Split(w[1:], "x") {
			shape = append(shape, int(number(d)))
		}
		return Random(w, shape)
	}
	return nil
}

func number(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return f
}

// Portion is the pass portions with a choice of its own: parts of a stretch of so many nodes, as first, end and size.
func Portion(g *graph.Graph, choose func(nodes, length int, open bool) [][3]int) {
	runInPortions(g, func(s *stretch) (out []portioned) {
		for _, c := range choose(len(s.nodes), s.length, s.open) {
			into := false
			for i := c[0]; i < c[1]; i++ {
				into = into || s.writesInto(i, c[0])
			}
			if !into {
				out = append(out, portioned{s.at + c[0], s.at + c[1], c[2]})
			}
		}
		return out
	})
}
