package survey

import (
	"maps"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// Compute is the arithmetic of one run at certain sizes.
type Compute struct {
	MACs      int64          `json:"macs"`      // multiply-adds of convolutions, products and recurrent layers
	Uncounted int            `json:"uncounted"` // nodes of these kinds whose sizes are not known before running, or in subgraphs
	Sizes     map[string]int `json:"sizes"`     // of the symbolic dimensions, for the counts
}

// Fix gives the symbolic dimensions of the model's inputs fixed sizes, 1 where sizes has none, and returns
// the sizes that it used. It changes the model.
func Fix(m *onnx.Model, sizes map[string]int) map[string]int {
	used := map[string]int{}
	if m.Graph == nil {
		return used
	}
	for _, v := range m.Graph.Inputs {
		if v.Type == nil {
			continue
		}
		for i := range v.Type.Dims {
			d := &v.Type.Dims[i]
			n := 1
			switch d.Kind {
			case onnx.DimValue:
				continue
			case onnx.DimParam:
				if s, ok := sizes[d.Param]; ok {
					n = s
				}
				used[d.Param] = n
			}
			*d = onnx.FixedDim(int64(n))
		}
	}
	return used
}

// multiplyAdds has one row per kind of operator whose multiply-adds are counted: from input and output
// shapes, the number of them.
var multiplyAdds = map[string]func(in, out []tensor.Shape) (int64, bool){
	"Conv":          func(in, out []tensor.Shape) (int64, bool) { return perOutput(out, size(in, 1, 1)) },
	"ConvInteger":   func(in, out []tensor.Shape) (int64, bool) { return perOutput(out, size(in, 1, 1)) },
	"QLinearConv":   func(in, out []tensor.Shape) (int64, bool) { return perOutput(out, size(in, 3, 1)) },
	"ConvTranspose": func(in, out []tensor.Shape) (int64, bool) { return perOutput(in[:1], size(in, 1, 1)) },
	"MatMul":        func(in, out []tensor.Shape) (int64, bool) { return perOutput(out, last(in)) },
	"MatMulInteger": func(in, out []tensor.Shape) (int64, bool) { return perOutput(out, last(in)) },
	"QLinearMatMul": func(in, out []tensor.Shape) (int64, bool) { return perOutput(out, last(in)) },
	"MatMulNBits":   func(in, out []tensor.Shape) (int64, bool) { return perOutput(out, last(in)) },
	"LSTM":          recurrent,
	"GRU":           recurrent,
	"RNN":           recurrent,
}

func perOutput(out []tensor.Shape, each int64) (int64, bool) {
	if len(out) == 0 || out[0] == nil || each < 0 {
		return 0, false
	}
	return int64(out[0].Len()) * each, true
}

// size returns the number of elements of input i from dimension from on, and -1 if it is not known.
func size(in []tensor.Shape, i, from int) int64 {
	if i >= len(in) || len(in[i]) < from {
		return -1
	}
	return int64(in[i][from:].Len())
}

func last(in []tensor.Shape) int64 {
	if len(in) == 0 || len(in[0]) == 0 {
		return -1
	}
	return int64(in[0][len(in[0])-1])
}

// recurrent multiplies the weights of input and state once per position and row of the batch.
func recurrent(in, _ []tensor.Shape) (int64, bool) {
	if len(in) < 3 || len(in[0]) != 3 || in[1] == nil || in[2] == nil {
		return 0, false
	}
	return int64(in[0][0]) * int64(in[0][1]) * (int64(in[1].Len()) + int64(in[2].Len())), true
}

// count adds up the multiply-adds of an inferred graph.
func (c *Compute) count(g *graph.Graph) {
	for _, n := range g.Nodes {
		for _, b := range n.Bodies {
			b.Graph.Walk(func(inner *graph.Graph) {
				for _, m := range inner.Nodes {
					if multiplyAdds[m.Type] != nil || m.Type == "Gemm" {
						c.Uncounted++
					}
				}
			})
		}
		macs := multiplyAdds[n.Type]
		if n.Type == "Gemm" {
			macs = gemm(n)
		}
		if macs == nil {
			continue
		}
		if k, ok := macs(shapes(n.In), shapes(n.Out)); ok {
			c.MACs += k
		} else {
			c.Uncounted++
		}
	}
}

// gemm looks at the transposition of the left side for the length of the sums.
func gemm(n *graph.Node) func(in, out []tensor.Shape) (int64, bool) {
	return func(in, out []tensor.Shape) (int64, bool) {
		if len(in) == 0 || len(in[0]) != 2 {
			return 0, false
		}
		k := in[0][1]
		if n.Attrs.Bool("transA") {
			k = in[0][0]
		}
		return perOutput(out, int64(k))
	}
}

// shapes returns the static shapes of values, nil for those that have none.
func shapes(values []*graph.Value) []tensor.Shape {
	list := make([]tensor.Shape, len(values))
	for i, v := range values {
		if v == nil {
			continue
		}
		if s, ok := v.Static(); ok {
			list[i] = s
		}
	}
	return list
}

// SizeNames returns the names of the sizes used, sorted.
func (c *Compute) SizeNames() []string { return slices.Sorted(maps.Keys(c.Sizes)) }
