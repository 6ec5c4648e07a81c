package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Kind groups layers by what their weights do.
type Kind string

// The kinds of layers.
const (
	Linear    Kind = "linear"    // a product with a matrix: MatMul, Gemm, Einsum
	Conv      Kind = "conv"      // a convolution or its transpose
	Recurrent Kind = "recurrent" // LSTM, GRU, RNN
	Norm      Kind = "norm"      // scale and shift of a normalisation, written as one node or as several
	Embedding Kind = "embedding" // rows of a table, looked up
	Scale     Kind = "scale"     // an elementwise factor, summand or slope
)

// A Layer is a node of a model that has weights, with the bias that a node after it adds.
type Layer struct {
	Node     string // name of the node, or of its first output
	Op       string // operator, in ONNX spelling
	Kind     Kind
	Weights  []*Weight
	Distance int // trainable layers on the longest way from here to an output: 0 is a last layer

	node *graph.Node
	out  *graph.Value // what the layer computes, its bias included
}

// Trainable reports whether some weight of the layer can train.
func (l *Layer) Trainable() bool {
	for _, w := range l.Weights {
		if w.Frozen == "" {
			return true
		}
	}
	return false
}

// A Role says what a weight is in its layer.
type Role string

// The roles of weights.
const (
	Matrix Role = "weight" // a matrix, kernel, table or factor
	Bias   Role = "bias"   // a summand
	Gain   Role = "scale"  // the factor of a normalisation
)

// A Weight is an initializer, or the output of a Constant node, that a layer computes with. Layers that use the same
// one share the Weight: it is tied.
type Weight struct {
	Name   string // of the initializer, or of the Constant node's output
	DType  tensor.DType
	Shape  tensor.Shape
	Role   Role   // in the first layer that uses it
	Frozen string // why it cannot train, "" if it can
	Uses   int    // layers that compute with it

	value *tensor.Tensor
}

// Layers lists the layers of a model in the order of its nodes. Weights are found behind Identity, Transpose, Cast,
// Reshape and similar nodes, in Constant nodes and inside the bodies of If, Loop and Scan. Weights behind
// DequantizeLinear are listed, too, as ones that do not train.
func Layers(m *onnx.Model) ([]*Layer, error) {
	s := source{model: m}
	g, _, err := s.plain(nil)
	if err != nil {
		return nil, err
	}
	list := layersOf(g)
	for _, l := range list {
		for _, w := range l.Weights {
			if w.Frozen == "" && locate(m, w.Name) == nil {
				w.Frozen = "it lies inside a function"
			}
		}
	}
	return list, nil
}

// layersOf lists the layers of a resolved graph.
func layersOf(g *graph.Graph) []*Layer {
	f := &layerFinder{users: g.Users(), weights: map[*graph.Value]*Weight{}, biases: map[*graph.Node]bool{}, from: map[*graph.Node]*Layer{}}
	f.walk(g)
	f.elementwise(g)
	f.sort(g)
	f.distances(g)
	return f.layers
}

type layerFinder struct {
	users   map[*graph.Value][]*graph.Node
	weights map[*graph.Value]*Weight // by root
	biases  map[*graph.Node]bool     // Add nodes that belong to a layer
	from    map[*graph.Node]*Layer
	layers  []*Layer
}

// walk lists the layers whose operator says that it has weights.
func (f *layerFinder) walk(g *graph.Graph) {
	g.Walk(func(sub *graph.Graph) {
		for _, n := range sub.Nodes {
			rule, ok := layerRules[ruleName(n)]
			if !ok {
				continue
			}
			l := &Layer{Node: n.Path(), Op: n.Type, Kind: rule.kind, node: n, out: n.Out[0]}
			for _, in := range rule.inputs {
				if in.index < len(n.In) {
					f.add(l, n.In[in.index], in.role)
				}
			}
			if len(l.Weights) == 0 || rule.kind == Embedding && isRotation(l.Weights[0]) {
				continue
			}
			if rule.kind == Linear || rule.kind == Conv {
				f.bias(l)
			}
			f.from[n] = l
			f.layers = append(f.layers, l)
		}
	})
}

// add adds the weight behind v to l, if v is one.
func (f *layerFinder) add(l *Layer, v *graph.Value, role Role) {
	if w := f.weight(v, role); w != nil {
		w.Uses++
		l.Weights = append(l.Weights, w)
	}
}

// weight returns the weight that v is made of, nil if v is none.
func (f *layerFinder) weight(v *graph.Value, role Role) *Weight {
	root, frozen := rootOf(v)
	if root == nil {
		return nil
	}
	if w := f.weights[root]; w != nil {
		return w
	}
	w := &Weight{Name: root.Name, DType: root.DType, Shape: root.Const.Shape(), Role: role, Frozen: frozen, value: root.Const}
	if frozen == "" {
		w.Frozen = frozenType(root.DType)
	}
	f.weights[root] = w
	return w
}

func frozenType(d tensor.DType) string {
	switch d {
	case tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16:
		return ""
	}
	return fmt.Sprintf("its elements are %v", d)
}

// rootOf follows v to the constant that it is a form of, nil if it is none, and says why that cannot train.
func rootOf(v *graph.Value) (root *graph.Value, frozen string) {
	for v != nil {
		switch {
		case v.From == nil && !v.IsConst():
			return nil, ""
		case v.From == nil, v.From.Type == "Constant" && v.From.Domain == "":
			if v.Const == nil || v.Const.Kind() != tensor.KindTensor {
				return nil, ""
			}
			return v, frozen
		}
		n := v.From
		if _, ok := weightForms[ruleName(n)]; !ok || v.Index != 0 || len(n.In) == 0 {
			return nil, ""
		}
		if n.Type == "DequantizeLinear" {
			frozen = "it is quantised"
		}
		v = n.In[0]
	}
	return nil, ""
}

// bias adds to a linear layer or convolution the constant that an Add after it adds to each of its outputs.
func (f *layerFinder) bias(l *Layer) {
	v := l.out
	for range 3 { // at most Cast and Reshape in between
		users := f.users[v]
		if len(users) != 1 || users[0] == nil {
			return
		}
		n := users[0]
		switch n.Type {
		case "Identity", "Cast", "Reshape":
			v = n.Out[0]
			continue
		case "Add":
			other := n.In[0]
			if other == v {
				other = n.In[1]
			}
			if root, _ := rootOf(other); root != nil && isBias(root.Const.Shape(), l) {
				f.add(l, other, Bias)
				l.out = n.Out[0]
				f.biases[n], f.from[n] = true, l
			}
		}
		return
	}
}

// isBias reports whether a constant of shape s is a bias of a layer: a vector, of one element only where the layer has one
// unit.
func isBias(s tensor.Shape, l *Layer) bool {
	v := l.out
	wide := 0
	for _, d := range s {
		if d != 1 {
			wide++
		}
	}
	if wide > 0 || len(s) == 0 || v.Rank() < 1 {
		return wide == 1
	}
	units, known := v.Dims[v.Rank()-1].Const()
	return known && units == 1 || !known && slices.Contains(l.Weights[0].Shape, 1)
}
