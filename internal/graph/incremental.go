package graph

import (
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// An Incremental builds and infers a main graph one node at a time, for programs that write a model and want to
// know the type and shape of every value as they go.
type Incremental struct {
	build *builder
	graph *Graph
	scope *scope
	infer Inferrer
}

// NewIncremental returns an empty graph for nodes of the given operator sets.
func NewIncremental(table *ops.Table, opsets []onnx.OpsetID) *Incremental {
	return &Incremental{
		build: &builder{model: &onnx.Model{Opsets: opsets}, table: table},
		graph: &Graph{},
		scope: &scope{opsets: opsets, names: map[string]*Value{}},
	}
}

// Declare adds a value of the given type: an input, or a weight whose elements do not matter to shapes.
func (x *Incremental) Declare(name string, t ops.Type) (*Value, error) {
	v := &Value{Name: name, Value: ops.Value{Type: t}}
	return v, x.scope.define(v)
}

// Constant adds a value whose elements are known.
func (x *Incremental) Constant(name string, t *tensor.Tensor) (*Value, error) {
	v := &Value{Name: name, Value: ops.ConstValue(t)}
	return v, x.scope.define(v)
}

// Node adds a node, whose inputs are names of values that are there already, and returns its outputs: nil for those
// without a name. An operator that is missing here is an *ops.UnsupportedError, one that contradicts its inputs an
// *ops.NodeError.
func (x *Incremental) Node(n *onnx.Node) ([]*Value, error) {
	first := len(x.graph.Nodes)
	if err := x.build.node(x.graph, n, x.scope); err != nil {
		return nil, err
	}
	if len(x.build.missing) > 0 {
		missing := &ops.UnsupportedError{Missing: x.build.missed()}
		x.build.missing = nil
		return nil, missing
	}
	for _, made := range x.graph.Nodes[first:] {
		if err := x.infer.Node(made); err != nil {
			return nil, err
		}
	}
	outs := make([]*Value, len(n.Outputs))
	for i, name := range n.Outputs {
		if name != "" {
			outs[i], _ = x.scope.find(name)
		}
	}
	return outs, nil
}
