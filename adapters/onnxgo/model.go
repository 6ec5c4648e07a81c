package onnxgo

import (
	"fmt"
	"maps"
	"slices"

	onnx "github.com/owulveryck/onnx-go"
	gorgonia "gorgonia.org/tensor"

	format "github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// irVersion is the first that lets initializers be no inputs and knows all operator sets that matter here.
const irVersion = 8

// attributes converts what onnx-go makes of attributes, sorted by name.
func attributes(o onnx.Operation) ([]*format.Attribute, error) {
	var list []*format.Attribute
	for _, name := range slices.Sorted(maps.Keys(o.Attributes)) {
		var a *format.Attribute
		switch v := o.Attributes[name].(type) {
		case float32:
			a = format.NewFloat(name, v)
		case int64:
			a = format.NewInt(name, v)
		case string:
			a = format.NewString(name, v)
		case []float32:
			a = format.NewFloats(name, v...)
		case []int64:
			a = format.NewInts(name, v...)
		case []string:
			a = format.NewStrings(name, v...)
		case gorgonia.Tensor:
			t, err := fromGorgonia(v)
			if err != nil {
				return nil, fmt.Errorf("onnxgo: attribute %s of %s: %w", name, o.Name, err)
			}
			a = format.NewTensor(name, tensor.NewProto("", t))
		default:
			return nil, &onnx.ErrNotImplemented{Operator: o.Name, AttributeName: name, AttributeValue: v, Message: fmt.Sprintf("attribute of type %T", v)}
		}
		list = append(list, a)
	}
	return list, nil
}

// model writes the collected operators down as a model: constants become initializers, nodes that were fed
// become inputs, wanted ones outputs. It returns the inputs and outputs beside it.
func (g *Graph) model() (m *format.Model, inputs, outputs []*Node, err error) {
	m = &format.Model{IRVersion: irVersion, ProducerName: "onnxgo", Graph: &format.Graph{Name: "graph"}}
	if m.Opsets, err = g.imports(); err != nil {
		return nil, nil, nil, err
	}
	for i := range g.ops {
		op := &g.ops[i]
		attrs, err := attributes(op.Operation)
		if err != nil {
			return nil, nil, nil, err
		}
		n := &format.Node{Name: fmt.Sprintf("%d", i), OpType: op.Name, Domain: op.domain, Attributes: attrs, Inputs: valueNames(op.in), Outputs: valueNames(op.out)}
		m.Graph.Nodes = append(m.Graph.Nodes, n)
	}
	for _, n := range g.nodes {
		switch {
		case n.produced && (!n.used || g.wanted[n]) && !n.absent():
			outputs = append(outputs, n)
			m.Graph.Outputs = append(m.Graph.Outputs, &format.ValueInfo{Name: n.key()})
		case n.produced || !n.used:
		case n.value == nil:
			return nil, nil, nil, fmt.Errorf("onnxgo: %s has no tensor", n)
		default:
			t, err := n.convert()
			if err != nil {
				return nil, nil, nil, err
			}
			if !n.fed {
				m.Graph.Initializers = append(m.Graph.Initializers, tensor.NewProto(n.key(), t))
				continue
			}
			inputs = append(inputs, n)
			m.Graph.Inputs = append(m.Graph.Inputs, &format.ValueInfo{Name: n.key(), Type: n.declare(t)})
		}
	}
	return m, inputs, outputs, nil
}

// declare returns the type of an input: its present shape, open where it has changed before.
func (n *Node) declare(t *tensor.Tensor) *format.Type {
	if len(n.shape) != t.Rank() {
		n.shape = slices.Clone(t.Shape())
	}
	dims := make([]format.Dim, len(n.shape))
	for i, d := range t.Shape() {
		if n.shape[i] != d {
			n.shape[i] = -1
			dims[i] = format.NamedDim(fmt.Sprintf("%s.%d", n.key(), i))
			continue
		}
		dims[i] = format.FixedDim(int64(d))
	}
	return format.NewTensorType(t.DType(), dims...)
}

// fits reports whether a shape agrees with the declared one.
func (n *Node) fits(shape tensor.Shape) bool {
	return slices.EqualFunc(n.shape, shape, func(have, d int) bool { return have == d || have < 0 })
}

// key is the name of the value inside of the model. Names need not be unique in a graph that a program built.
func (n *Node) key() string { return fmt.Sprintf("%s#%d", n.name, n.id) }

func valueNames(list []*Node) []string {
	names := make([]string, len(list))
	for i, n := range list {
		if n != nil {
			names[i] = n.key()
		}
	}
	return names
}
