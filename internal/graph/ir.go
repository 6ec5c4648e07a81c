// Package graph is the intermediate representation between a model and a program: nodes in topological
// order, values with what is known of them, subgraphs of control-flow nodes. Every stage after decoding
// works on it: inference, optimisation, gradients, planning.
//
// It imports ops and onnx, and no kernels.
package graph

import (
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
)

// A Graph is a list of nodes in topological order. The graphs of control-flow nodes use values of the
// graphs around them directly.
type Graph struct {
	Name    string
	Inputs  []*Value // formal inputs, without initializers
	Outputs []*Value
	Nodes   []*Node
	Parent  *Graph // the graph around a body, nil for the main graph

	Opsets    []onnx.OpsetID // of the main graph
	Metadata  []onnx.Entry
	declared  []ops.Type // what the model says of the outputs
	inputsSay []ops.Type // and of the inputs
}

// A Value is produced by one node, or is an input or a constant. Value.Const is set for initializers and for
// whatever inference found to be constant.
type Value struct {
	Name string
	ops.Value
	From  *Node // nil for inputs and initializers
	Index int   // which output of From

	Derived *Derived // how Const was computed, if it can be again
}

// IsConst reports whether the elements are known.
func (v *Value) IsConst() bool { return v.Const != nil }

// A Node applies one operator.
type Node struct {
	Name    string
	Domain  string
	Type    string // operator name
	Version int    // opset version of the domain
	Op      *ops.Op
	Schema  *schema.Schema // nil for operators that no schema describes
	Attrs   ops.Attrs
	In, Out []*Value // nil where an optional one is absent
	Bodies  []Body
}

// A Body is a graph attribute of a control-flow node.
type Body struct {
	Name  string
	Graph *Graph
}

// Path returns the node's name for messages, or its first output's where it has none.
func (n *Node) Path() string {
	if n.Name != "" {
		return n.Name
	}
	for _, o := range n.Out {
		if o != nil {
			return o.Name
		}
	}
	return n.Type
}

// Into returns the number of the input whose storage output 0 takes over, 0 if there is none: see ops.WideRows.
func (n *Node) Into() int {
	if n.Op == nil || n.Op.Flags&ops.Into == 0 {
		return 0
	}
	return n.Attrs.IntOr("into", 0)
}

// Over returns the number of the input that output 0 may be written over because it is added to it, 0 if there is none: see ops.Sums.
func (n *Node) Over() int {
	if n.Op == nil || n.Op.Flags&ops.Sums == 0 || len(n.In) < 4 || n.In[3] == nil || !ops.SumsInPlace(n.Attrs, n.In[1].Type) {
		return 0
	}
	return 3
}

// Body returns the named graph attribute, nil if there is none.
func (n *Node) Body(name string) *Graph {
	for _, b := range n.Bodies {
		if b.Name == name {
			return b.Graph
		}
	}
	return nil
}

// BodyInput returns the type of formal input i of the named body, zero if there is none.
func (n *Node) BodyInput(name string, i int) ops.Type {
	g := n.Body(name)
	if g == nil || i >= len(g.Inputs) {
		return ops.Type{}
	}
	return g.Inputs[i].Type
}

// BodyOutput returns what the model declares of output i of the named body, zero if nothing.
func (n *Node) BodyOutput(name string, i int) ops.Type {
	g := n.Body(name)
	if g == nil || i >= len(g.declared) {
		return ops.Type{}
	}
	return g.declared[i]
}

// Captures returns the values of outer graphs that the bodies of n use, each once, in order of first use.
func (n *Node) Captures() []*Value {
	var out []*Value
	for _, b := range n.Bodies {
		for _, v := range b.Graph.Captures() {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return out
}

// Captures returns the values of outer graphs that g uses and that are not constant, each once, in order of
// first use.
func (g *Graph) Captures() []*Value {
	local := map[*Value]bool{}
	for _, v := range g.Inputs {
		local[v] = true
	}
	for _, n := range g.Nodes {
		for _, o := range n.Out {
			local[o] = true
		}
	}
	var out []*Value
	add := func(v *Value) {
		if v != nil && !v.IsConst() && !local[v] {
			local[v] = true
			out = append(out, v)
		}
	}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			add(v)
		}
		for _, v := range n.Captures() {
			add(v)
		}
	}
	for _, v := range g.Outputs {
		add(v)
	}
	return out
}

// Walk calls f for g and every graph inside it, outer graphs first.
func (g *Graph) Walk(f func(*Graph)) {
	f(g)
	for _, n := range g.Nodes {
		for _, b := range n.Bodies {
			b.Graph.Walk(f)
		}
	}
}
