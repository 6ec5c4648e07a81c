package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// An editor changes the main graph of a model. Nodes and initializers that are added or removed take effect in commit;
// names of values outside of what is edited stay.
type editor struct {
	model         *onnx.Model
	graph         *onnx.Graph
	makers        map[string]*onnx.Node   // by name of an output, in the main graph
	users         map[string][]*onnx.Node // of the main graph: a node stands for the bodies in it, too
	inits         map[string]*onnx.TensorProto
	taken         map[string]bool // names of values, bodies included
	before, after map[*onnx.Node][]*onnx.Node
	removed       map[*onnx.Node]bool
}

// newEditor returns an editor of a model that is valid.
func newEditor(m *onnx.Model) (*editor, error) {
	if err := onnx.Check(m).Err(); err != nil {
		return nil, err
	}
	e := &editor{model: m, graph: m.Graph, makers: map[string]*onnx.Node{}, users: map[string][]*onnx.Node{},
		inits: map[string]*onnx.TensorProto{}, taken: map[string]bool{},
		before: map[*onnx.Node][]*onnx.Node{}, after: map[*onnx.Node][]*onnx.Node{}, removed: map[*onnx.Node]bool{}}
	for _, p := range m.Graph.Initializers {
		e.inits[p.Name], e.taken[p.Name] = p, true
	}
	for _, v := range m.Graph.Inputs {
		e.taken[v.Name] = true
	}
	for _, n := range m.Graph.Nodes {
		e.index(n)
	}
	return e, nil
}

// index notes what a node of the main graph makes and reads.
func (e *editor) index(n *onnx.Node) {
	for _, name := range n.Outputs {
		if name != "" {
			e.makers[name] = n
		}
	}
	e.names(n, func(name string) {
		if e.taken[name] = true; !slices.Contains(e.users[name], n) && !slices.Contains(n.Outputs, name) {
			e.users[name] = append(e.users[name], n)
		}
	})
}

// names visits the names of all values that a node and the bodies in it make and read.
func (e *editor) names(n *onnx.Node, visit func(string)) {
	for _, name := range slices.Concat(n.Inputs, n.Outputs) {
		if name != "" {
			visit(name)
		}
	}
	for _, g := range bodiesOf(n) {
		for _, p := range g.Initializers {
			visit(p.Name)
		}
		for _, v := range slices.Concat(g.Inputs, g.Outputs) {
			visit(v.Name)
		}
		for _, inner := range g.Nodes {
			e.names(inner, visit)
		}
	}
}

// bodiesOf returns the graphs that a node holds.
func bodiesOf(n *onnx.Node) []*onnx.Graph {
	var list []*onnx.Graph
	for _, a := range n.Attributes {
		if a.G != nil {
			list = append(list, a.G)
		}
		list = append(list, a.Graphs...)
	}
	return list
}

// fresh returns a name that no value has: name, or name with a number after it.
func (e *editor) fresh(name string) string {
	out := name
	for i := 2; e.taken[out]; i++ {
		out = fmt.Sprintf("%s_%d", name, i)
	}
	e.taken[out] = true
	return out
}

// isOutput reports whether a value is an output of the model.
func (e *editor) isOutput(name string) bool {
	return slices.ContainsFunc(e.graph.Outputs, func(v *onnx.ValueInfo) bool { return v.Name == name })
}

// constant returns the value of an initializer that is no input with a default, or of a Constant node; nil for others.
func (e *editor) constant(name string) *tensor.Tensor {
	if p := e.inits[name]; p != nil {
		t, err := p.Value()
		if err != nil {
			return nil
		}
		return t
	}
	if n := e.makers[name]; n != nil && n.OpType == "Constant" && onnx.NormalDomain(n.Domain) == "" {
		return constantOf(n)
	}
	return nil
}

// constantOf returns the value of a Constant node, nil if it is no dense tensor of numbers.
func constantOf(n *onnx.Node) *tensor.Tensor {
	for _, a := range n.Attributes {
		switch a.Name {
		case "value":
			if a.T == nil {
				return nil
			}
			t, err := a.T.Value()
			if err != nil {
				return nil
			}
			return t
		case "value_float":
			return tensor.Scalar(a.F)
		case "value_floats":
			return tensor.FromSlice(a.Floats)
		case "value_int":
			return tensor.Scalar(a.I)
		case "value_ints":
			return tensor.FromSlice(a.Ints)
		}
	}
	return nil
}

// initialize adds an initializer, or replaces the one of that name. Models before IR version 4 list it as an input, too.
func (e *editor) initialize(name string, t *tensor.Tensor) {
	p := tensor.NewProto(name, t)
	if i := slices.IndexFunc(e.graph.Initializers, func(q *onnx.TensorProto) bool { return q.Name == name }); i >= 0 {
		e.graph.Initializers = slices.Clone(e.graph.Initializers)
		e.graph.Initializers[i] = p
	} else {
		e.graph.Initializers = append(e.graph.Initializers, p)
	}
	e.inits[name], e.taken[name] = p, true
	info := &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(t.DType(), fixedDims(t.Shape())...)}
	if i := slices.IndexFunc(e.graph.Inputs, func(v *onnx.ValueInfo) bool { return v.Name == name }); i >= 0 {
		e.graph.Inputs = slices.Clone(e.graph.Inputs)
		e.graph.Inputs[i] = info
	} else if e.model.IRVersion < 4 {
		e.graph.Inputs = append(e.graph.Inputs, info)
	}
}

// replaceConstant gives another value to an initializer or a Constant node.
func (e *editor) replaceConstant(name string, t *tensor.Tensor) {
	if n := e.makers[name]; n != nil {
		n.Attributes = []*onnx.Attribute{onnx.NewTensor("value", tensor.NewProto(name, t))}
		return
	}
	e.initialize(name, t)
}

// dropInitializer removes an initializer, and the input that lists it.
func (e *editor) dropInitializer(name string) {
	delete(e.inits, name)
	e.graph.Initializers = slices.DeleteFunc(slices.Clone(e.graph.Initializers), func(p *onnx.TensorProto) bool { return p.Name == name })
	e.graph.Inputs = slices.DeleteFunc(slices.Clone(e.graph.Inputs), func(v *onnx.ValueInfo) bool { return v.Name == name })
}

func fixedDims(shape tensor.Shape) []onnx.Dim {
	dims := make([]onnx.Dim, len(shape))
	for i, d := range shape {
		dims[i] = onnx.FixedDim(int64(d))
	}
	return dims
}

// commit puts the added nodes in their places and drops the removed ones.
func (e *editor) commit() {
	var nodes []*onnx.Node
	for _, n := range e.graph.Nodes {
		nodes = append(nodes, e.before[n]...)
		if !e.removed[n] {
			nodes = append(nodes, n)
		}
		nodes = append(nodes, e.after[n]...)
	}
	e.graph.Nodes = nodes
	clear(e.before)
	clear(e.after)
	clear(e.removed)
}

// setMetadata sets an entry of the model's metadata, and removes it if value is empty.
func (e *editor) setMetadata(key, value string) {
	list := slices.DeleteFunc(slices.Clone(e.model.Metadata), func(m onnx.Entry) bool { return m.Key == key })
	if value != "" {
		list = append(list, onnx.Entry{Key: key, Value: value})
	}
	e.model.Metadata = list
}
