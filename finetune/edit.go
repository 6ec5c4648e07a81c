package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// An editor changes a copy of a model's main graph; commit makes the model that copy. The bodies of nodes, tensors and
// what else is not edited are shared.
type editor struct {
	origin  *onnx.Model
	model   *onnx.Model
	graph   *onnx.Graph
	makers  map[string]*onnx.Node   // by name of an output, in the main graph
	users   map[string][]*onnx.Node // of the main graph: a node stands for the bodies in it, too
	inits   map[string]*onnx.TensorProto
	taken   map[string]bool // names of values, bodies included
	before  map[*onnx.Node][]*onnx.Node
	after   map[*onnx.Node][]*onnx.Node
	removed map[*onnx.Node]bool
}

// newEditor returns an editor of a model that is valid.
func newEditor(m *onnx.Model) (*editor, error) {
	if err := onnx.Check(m).Err(); err != nil {
		return nil, err
	}
	model, graph := *m, *m.Graph
	model.Graph = &graph
	e := &editor{origin: m, model: &model, graph: &graph, makers: map[string]*onnx.Node{}, users: map[string][]*onnx.Node{},
		inits: map[string]*onnx.TensorProto{}, taken: map[string]bool{},
		before: map[*onnx.Node][]*onnx.Node{}, after: map[*onnx.Node][]*onnx.Node{}, removed: map[*onnx.Node]bool{}}
	graph.Initializers, graph.Inputs = slices.Clone(graph.Initializers), slices.Clone(graph.Inputs)
	graph.Nodes, graph.ValueInfos = slices.Clone(graph.Nodes), slices.Clone(graph.ValueInfos)
	for _, p := range graph.Initializers {
		e.inits[p.Name], e.taken[p.Name] = p, true
	}
	for _, v := range graph.Inputs {
		e.taken[v.Name] = true
	}
	for i, n := range graph.Nodes {
		own := *n
		own.Inputs, own.Outputs, own.Attributes = slices.Clone(n.Inputs), slices.Clone(n.Outputs), slices.Clone(n.Attributes)
		graph.Nodes[i] = &own
		e.index(&own)
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

// nodeLabel is what messages call a node: its name, or that of its first output.
func nodeLabel(n *onnx.Node) string {
	if n.Name != "" || len(n.Outputs) == 0 {
		return n.Name
	}
	return n.Outputs[0]
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
		e.graph.Initializers[i] = p
	} else {
		e.graph.Initializers = append(e.graph.Initializers, p)
	}
	e.inits[name], e.taken[name] = p, true
	e.undeclare(name)
	info := &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(t.DType(), fixedDims(t.Shape())...)}
	if i := slices.IndexFunc(e.graph.Inputs, func(v *onnx.ValueInfo) bool { return v.Name == name }); i >= 0 {
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

// undeclare removes what the graph says of the type of an inner value.
func (e *editor) undeclare(name string) {
	e.graph.ValueInfos = slices.DeleteFunc(e.graph.ValueInfos, func(v *onnx.ValueInfo) bool { return v.Name == name })
}

// dropInitializer removes an initializer, and the input that lists it.
func (e *editor) dropInitializer(name string) {
	e.undeclare(name)
	delete(e.inits, name)
	e.graph.Initializers = slices.DeleteFunc(e.graph.Initializers, func(p *onnx.TensorProto) bool { return p.Name == name })
	e.graph.Inputs = slices.DeleteFunc(e.graph.Inputs, func(v *onnx.ValueInfo) bool { return v.Name == name })
}

func fixedDims(shape tensor.Shape) []onnx.Dim {
	dims := make([]onnx.Dim, len(shape))
	for i, d := range shape {
		dims[i] = onnx.FixedDim(int64(d))
	}
	return dims
}

// commit makes the edited copy the model.
func (e *editor) commit() {
	e.settle()
	*e.origin.Graph = *e.graph
	e.origin.Metadata, e.origin.Opsets = e.model.Metadata, e.model.Opsets
}

// settle puts the added nodes in their places and drops the removed ones.
func (e *editor) settle() {
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

// dropDead removes what makes the named values, and what that alone needs, where nothing reads them. It is called after
// settle.
func (e *editor) dropDead(names []string) {
	reads := map[string]int{}
	for _, v := range e.graph.Outputs {
		reads[v.Name]++
	}
	dead := map[*onnx.Node]bool{} // false: may be removed
	for _, n := range e.graph.Nodes {
		e.reads(n, func(name string) { reads[name]++ })
		dead[n] = false
	}
	for len(names) > 0 {
		name := names[len(names)-1]
		names = names[:len(names)-1]
		if reads[name] > 0 {
			continue
		}
		if e.inits[name] != nil {
			e.dropInitializer(name)
		}
		n := e.makers[name]
		if gone, here := dead[n]; gone || !here || slices.ContainsFunc(n.Outputs, func(out string) bool { return reads[out] > 0 }) {
			continue
		}
		dead[n] = true
		e.reads(n, func(in string) {
			reads[in]--
			names = append(names, in)
		})
	}
	e.graph.Nodes = slices.DeleteFunc(e.graph.Nodes, func(n *onnx.Node) bool { return dead[n] })
}

// reads visits the names that a node and the bodies in it read, those that bodies define themselves included.
func (e *editor) reads(n *onnx.Node, visit func(string)) {
	for _, name := range n.Inputs {
		if name != "" {
			visit(name)
		}
	}
	for _, g := range bodiesOf(n) {
		for _, v := range g.Outputs {
			visit(v.Name)
		}
		for _, inner := range g.Nodes {
			e.reads(inner, visit)
		}
	}
}

// setMetadata sets an entry of the model's metadata, and removes it if value is empty.
func (e *editor) setMetadata(key, value string) {
	list := slices.DeleteFunc(slices.Clone(e.model.Metadata), func(m onnx.Entry) bool { return m.Key == key })
	if value != "" {
		list = append(list, onnx.Entry{Key: key, Value: value})
	}
	e.model.Metadata = list
}
