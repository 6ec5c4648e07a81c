package graph

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// scopesIR is the version of the format from which an initializer need not be an input.
const scopesIR = 4

// Export makes a model of g, which was built from the model like: the types of inputs and outputs, and all that is said of
// the model as a whole, are those of like. Constants become initializers, which share their elements with g. A node of
// an operator that like does not import, or not in the node's version, is an *ops.UnsupportedError, as is information
// about training, which g does not keep.
func Export(g *Graph, like *onnx.Model) (*onnx.Model, error) {
	if len(like.TrainingInfo) > 0 {
		return nil, ops.Unsupported("writing a model with training information")
	}
	m := *like
	m.IRVersion = max(m.IRVersion, scopesIR)
	m.Functions, m.Opsets = nil, slices.Clone(like.Opsets)
	e := &exporter{model: &m, names: map[string]bool{"": true}, of: map[*Value]string{}, readers: map[*Value]bool{}}
	for v := range g.Users() {
		e.readers[v] = true
	}
	out, err := e.graph(g, like.Graph)
	if err == nil {
		err = e.err
	}
	if err != nil {
		return nil, err
	}
	out.Initializers = e.weights
	out.QuantizationAnnotations = slices.DeleteFunc(slices.Clone(like.Graph.QuantizationAnnotations), func(a onnx.Annotation) bool {
		return !e.names[a.TensorName] || slices.ContainsFunc(a.Params, func(p onnx.Entry) bool { return !e.names[p.Value] })
	})
	m.Graph = out
	return &m, nil
}

// exporter gives every value of a graph and the graphs inside it a name of its own.
type exporter struct {
	model   *onnx.Model
	names   map[string]bool // taken
	of      map[*Value]string
	readers map[*Value]bool
	weights []*tensor.Proto
	err     error // a constant that no initializer can hold
}

// fresh takes a name like the given one.
func (e *exporter) fresh(name string) string {
	unique := name
	for i := 2; e.names[unique]; i++ {
		unique = fmt.Sprintf("%s_%d", name, i)
	}
	e.names[unique] = true
	return unique
}

// graph writes g, whose inputs and outputs have the types that like says. The main graph keeps the names of both.
func (e *exporter) graph(g *Graph, like *onnx.Graph) (*onnx.Graph, error) {
	out := &onnx.Graph{Name: g.Name, Metadata: like.Metadata, Doc: like.Doc}
	for _, v := range g.Inputs {
		e.of[v] = e.fresh(v.Name)
		info := &onnx.ValueInfo{Name: e.of[v]}
		if i := slices.IndexFunc(like.Inputs, func(x *onnx.ValueInfo) bool { return x.Name == v.Name }); i >= 0 {
			info.Type, info.Doc, info.Metadata = like.Inputs[i].Type, like.Inputs[i].Doc, like.Inputs[i].Metadata
		}
		out.Inputs = append(out.Inputs, info)
	}
	made := map[*Value]bool{}
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			made[v] = true
		}
	}
	var copies []*onnx.Node // for outputs that no node of this graph makes under their name
	for i, v := range g.Outputs {
		info := *like.Outputs[i]
		info.Name = e.fresh(info.Name)
		if _, named := e.of[v]; !named && made[v] && !v.IsConst() {
			e.of[v] = info.Name
		} else {
			copies = append(copies, &onnx.Node{OpType: "Identity", Inputs: []string{""}, Outputs: []string{info.Name}})
			defer func(n *onnx.Node) { n.Inputs[0] = e.name(v) }(copies[len(copies)-1])
		}
		out.Outputs = append(out.Outputs, &info)
	}
	for _, n := range g.Nodes {
		node, err := e.node(n)
		if err != nil {
			return nil, err
		}
		out.Nodes = append(out.Nodes, node)
	}
	out.Nodes = append(out.Nodes, copies...)
	return out, nil
}

// name returns the name of a value that a node reads, and makes an initializer of a constant.
func (e *exporter) name(v *Value) string {
	if v == nil {
		return ""
	}
	name, ok := e.of[v]
	if !ok {
		name = e.fresh(v.Name)
		e.of[v] = name
		if v.IsConst() && v.Const.Kind() != tensor.KindTensor {
			e.err = ops.Unsupported("writing constant %q, a %v", v.Name, v.Const.Kind())
		} else if v.IsConst() {
			e.weights = append(e.weights, tensor.NewProto(name, v.Const))
		}
	}
	return name
}

func (e *exporter) node(n *Node) (*onnx.Node, error) {
	if err := e.imports(n); err != nil {
		return nil, err
	}
	if isGradient(n.Domain, n.Type) { // it reads what it differentiates by by name
		return nil, ops.Unsupported("writing node %q, a Gradient", n.Path())
	}
	out := &onnx.Node{Name: n.Name, OpType: n.Type, Domain: n.Domain}
	for _, v := range n.In {
		out.Inputs = append(out.Inputs, e.name(v))
	}
	for i, v := range n.Out {
		name := ""
		if v != nil && (i == 0 || e.readers[v]) && !v.IsConst() {
			name = e.name(v)
		} else if v != nil && (i == 0 || e.readers[v]) { // known, but the node is needed for its other outputs
			name = e.fresh(v.Name)
		}
		out.Outputs = append(out.Outputs, name)
	}
	for len(out.Outputs) > 1 && out.Outputs[len(out.Outputs)-1] == "" {
		out.Outputs = out.Outputs[:len(out.Outputs)-1]
	}
	for _, a := range n.Attrs {
		if a.G == nil {
			if !isDefault(a, n.Schema) {
				out.Attributes = append(out.Attributes, a)
			}
			continue
		}
		body, err := e.graph(n.Body(a.Name), a.G)
		if err != nil {
			return nil, err
		}
		out.Attributes = append(out.Attributes, onnx.NewGraph(a.Name, body))
	}
	return out, nil
}

// imports sees to it that the model imports what n needs.
func (e *exporter) imports(n *Node) error {
	have := e.model.Opset(n.Domain)
	if have == int64(n.Version) {
		return nil
	}
	if have == 0 && n.Schema != nil {
		e.model.Opsets = append(e.model.Opsets, onnx.OpsetID{Domain: n.Domain, Version: int64(n.Version)})
		return nil
	}
	if n.Schema == nil || schema.Lookup(n.Domain, n.Type, int(have)) != n.Schema {
		return ops.Unsupported("writing node %q: %s%s of version %d in a model of version %d", n.Path(), qualifier(n.Domain), n.Type, n.Version, have)
	}
	return nil
}

// isDefault reports whether an attribute says what the schema says without it.
func isDefault(a *onnx.Attribute, s *schema.Schema) bool {
	if s == nil {
		return false
	}
	for _, d := range s.Attributes {
		if d.Name != a.Name || d.Default == nil {
			continue
		}
		b := ops.DefaultAttr(d.Name, d.Default)
		return a.Type == b.Type && a.F == b.F && a.I == b.I && bytes.Equal(a.S, b.S) && slices.Equal(a.Ints, b.Ints) &&
			slices.Equal(a.Floats, b.Floats) && slices.EqualFunc(a.Strings, b.Strings, bytes.Equal) && a.T == nil && b.T == nil
	}
	return false
}
