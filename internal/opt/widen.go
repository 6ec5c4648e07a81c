package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
	"github.com/onnxrun/onnxrun/tensor/num"
)

// widen lets graphs of float16 compute in float32: constants are converted once, inputs and outputs at the
// edges, and nothing is rounded in between, except where the model itself casts a value of another type to
// float16. It leaves graphs alone in which an operator on float16 has no float32 form, and those that only move elements of
// float16, which are half as long as they are. bfloat16 stays as it is:
// with 8 bits, rounding after each node is part of the result.
func widen(g *graph.Graph) error {
	w := &widener{half: tensor.Float16}
	if g.Walk(w.look); !w.computes {
		return nil
	}
	_, err := Widen(g, tensor.Float16)
	return err
}

// Widen lets the inferred graph g compute in float32 where it computes in half, float16 or bfloat16, and reports whether it
// did: not if there is nothing of that type, or an operator on it has no float32 form.
func Widen(g *graph.Graph, half tensor.DType) (bool, error) {
	w := &widener{half: half, constants: map[*graph.Value]*graph.Value{}, rounded: map[*graph.Value]*graph.Value{}}
	g.Walk(w.look)
	if !w.found || w.stuck {
		return false, nil
	}
	g.Walk(w.convert)
	w.edges(g)
	return true, graph.Infer(g)
}

type widener struct {
	half         tensor.DType
	found, stuck bool
	computes     bool // not only movers
	constants    map[*graph.Value]*graph.Value
	rounded      map[*graph.Value]*graph.Value // values that a written cast makes, in half precision
}

// typed lists the operators other than Cast whose output type an attribute sets, which convert can change.
var typed = []string{"Cast", "ConstantOfShape"}

// movers lists operators that change no element.
var movers = []string{"Compress", "Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "Identity", "Reshape",
	"Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze"}

// look finds out whether the graph has half-precision nodes and whether all have a float32 form.
func (w *widener) look(g *graph.Graph) {
	for _, n := range g.Nodes {
		made := slices.ContainsFunc(n.Out, w.isHalf)
		read := slices.ContainsFunc(n.In, w.isHalf)
		given := slices.ContainsFunc(n.Bodies, w.takesHalf)
		if !made && !read && !given {
			continue
		}
		w.found = true
		w.computes = w.computes || n.Domain != "" || !slices.Contains(movers, n.Type)
		if n.Schema == nil || n.Domain != "" || made && !read && len(n.Bodies) == 0 && !slices.Contains(typed, n.Type) || n.Type == "BitCast" || written(n) {
			w.stuck = true
			return
		}
		for i, v := range n.In {
			if p := n.Schema.Input(i); w.isHalf(v) && p != nil && !n.Schema.Allowed(p.TypeStr).Tensor.Has(int(tensor.Float32)) {
				w.stuck = true
			}
		}
		for i, v := range n.Out {
			if p := n.Schema.Output(i); v != nil && v.Kind != tensor.KindTensor || p != nil && w.isHalf(v) && !n.Schema.Allowed(p.TypeStr).Tensor.Has(int(tensor.Float32)) {
				w.stuck = true
			}
		}
	}
}

// written reports whether n makes strings of numbers, whose digits are those of their type.
func written(n *graph.Node) bool {
	return n.Type == "Cast" && n.Out[0] != nil && n.Out[0].DType == tensor.String
}

// takesHalf reports whether a body has inputs of half precision.
func (w *widener) takesHalf(b graph.Body) bool { return slices.ContainsFunc(b.Graph.Inputs, w.isHalf) }

func (w *widener) isHalf(v *graph.Value) bool { return v != nil && v.DType == w.half }

// edges converts the inputs and outputs of the main graph.
func (w *widener) edges(g *graph.Graph) {
	var first, last []*graph.Node
	r := graph.Replacements{}
	for _, v := range g.Inputs {
		if !w.isHalf(v) || v.Kind != tensor.KindTensor {
			continue
		}
		n := cast(v, v.Name, tensor.Float32)
		r[v] = n.Out[0]
		first = append(first, n)
	}
	g.Replace(r)
	for i, v := range g.Outputs {
		if half := w.rounded[v]; half != nil {
			g.Outputs[i] = half
			continue
		}
		if w.isHalf(v) || v.From != nil && slices.Contains(first, v.From) {
			n := cast(v, v.Name, w.half)
			g.Outputs[i] = n.Out[0]
			last = append(last, n)
		}
	}
	g.Nodes = slices.Concat(first, g.Nodes, last)
}

func cast(v *graph.Value, name string, to tensor.DType) *graph.Node {
	n := newNode("", "Cast", 13, ops.Attrs{onnx.NewInt("saturate", 1), onnx.NewInt("to", int64(to))}, v)
	n.Name = name + "/" + to.String()
	n.Out = []*graph.Value{{Name: n.Name, From: n}}
	return n
}

// convert changes the constants and attributes of one graph.
func (w *widener) convert(g *graph.Graph) {
	nodes := make([]*graph.Node, 0, len(g.Nodes))
	for _, n := range g.Nodes {
		nodes = append(nodes, n)
		if w.rounds(n) {
			nodes = append(nodes, w.back(n))
			continue
		}
		if n.Type == "QuantizeLinear" && len(n.In) > 1 && w.isHalf(n.In[1]) {
			w.keepPrecision(n)
		}
		for i, v := range n.In {
			if w.isHalf(v) && v.IsConst() {
				n.In[i] = w.constant(v)
			}
		}
		w.retype(n)
	}
	g.Nodes = nodes
	for i, v := range g.Outputs {
		if g.Parent != nil && w.isHalf(v) && v.IsConst() {
			g.Outputs[i] = w.constant(v)
		}
	}
}

// rounds reports whether n casts a value of another type to half precision, which loses what half cannot hold.
func (w *widener) rounds(n *graph.Node) bool {
	return n.Type == "Cast" && n.Domain == "" && w.isHalf(n.Out[0]) && !w.isHalf(n.In[0])
}

// back gives n, which makes half precision, a new output, and returns the cast of that to float32 which makes the old one.
func (w *widener) back(n *graph.Node) *graph.Node {
	v := n.Out[0]
	rounded := &graph.Value{Name: v.Name + "/" + w.half.String(), From: n, Value: v.Value}
	n.Out = []*graph.Value{rounded}
	c := cast(rounded, v.Name, tensor.Float32)
	c.Out[0], v.From = v, c
	w.rounded[v] = rounded
	return c
}

// keepPrecision makes a QuantizeLinear round its quotients as its scale's type did, which decides codes near the half.
func (w *widener) keepPrecision(n *graph.Node) {
	if n.Attrs.Int("precision") != 0 {
		return
	}
	attrs := slices.DeleteFunc(slices.Clone(n.Attrs), func(a *onnx.Attribute) bool { return a.Name == "precision" })
	n.Attrs = append(attrs, onnx.NewInt("precision", int64(w.half)))
}

func (w *widener) constant(v *graph.Value) *graph.Value {
	if c := w.constants[v]; c != nil {
		return c
	}
	t := tensor.New(tensor.Float32, v.Const.Shape()...)
	out := tensor.Of[float32](t)
	if w.half == tensor.BFloat16 {
		num.Widen(out, tensor.Of[num.BFloat16](v.Const))
	} else {
		num.Widen(out, tensor.Of[num.Float16](v.Const))
	}
	c := &graph.Value{Name: v.Name, Value: ops.ConstValue(t)}
	w.constants[v] = c
	return c
}

// typing are the attributes that name the element type of an output.
var typing = []string{"to", "dtype", "output_dtype"}

// retype changes the attribute that sets the type of n's output.
func (w *widener) retype(n *graph.Node) {
	if !slices.ContainsFunc(n.Out, w.isHalf) {
		return
	}
	attrs := slices.Clone(n.Attrs)
	for i, a := range attrs {
		switch {
		case slices.Contains(typing, a.Name) && a.I == int64(w.half):
			attrs[i] = onnx.NewInt(a.Name, int64(tensor.Float32))
		case n.Type == "ConstantOfShape" && a.Name == "value" && a.T != nil && a.T.DType() == w.half:
			if t, err := a.T.Value(); err == nil {
				attrs[i] = onnx.NewTensor("value", tensor.NewProto("", w.constant(&graph.Value{Value: ops.ConstValue(t)}).Const))
			}
		}
	}
	n.Attrs = attrs
}
