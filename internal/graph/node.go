package graph

import (
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
)

// NewNode makes a node of the newest version of an operator, with defaults filled in and one output for each
// name. An operator without a kernel is an *ops.UnsupportedError.
func NewNode(table *ops.Table, domain, op string, attrs ops.Attrs, in []*Value, outs ...string) (*Node, error) {
	n := &Node{Domain: domain, Type: op, In: in, Version: 1}
	for _, s := range schema.Versions(domain, op) {
		if !s.Deprecated {
			n.Schema, n.Version = s, s.Since
		}
	}
	n.Op = table.Find(domain, op, n.Version)
	if n.Op == nil || n.Op.Kernel == nil {
		return nil, ops.Unsupported("operator %s%s version %d", qualifier(domain), op, n.Version)
	}
	n.Attrs = (&builder{}).withDefaults(attrs, n.Schema)
	for i, name := range outs {
		n.Out = append(n.Out, &Value{Name: name, From: n, Index: i})
	}
	return n, nil
}

// An Inferrer works out what is known of the outputs of nodes one at a time: for nodes that are added to a
// graph whose other values are inferred. Prefix sets its new symbols apart from those of others.
type Inferrer struct {
	Prefix string
	in     inferrer
}

// Node infers one node. Errors are *ops.NodeError.
func (f *Inferrer) Node(n *Node) error {
	f.in.prefix = f.Prefix
	return f.in.graph(&Graph{Nodes: []*Node{n}})
}

// Inline returns the nodes that the standard's function body makes of n, applied to the inputs of n, and the
// values that stand for its outputs. It returns no nodes if the operator has no body that is independent of
// the node. The nodes are not inferred, and n is left as it is.
func Inline(n *Node, table *ops.Table) (nodes []*Node, outs []*Value, err error) {
	f, err := bodyOf(n.Schema, n.Version)
	if f == nil || err != nil {
		return nil, nil, err
	}
	call := &onnx.Node{Name: n.Path(), OpType: n.Type}
	for _, v := range n.Out {
		name := ""
		if v != nil {
			name = v.Name
		}
		call.Outputs = append(call.Outputs, name)
	}
	b := &builder{model: &onnx.Model{}, table: table}
	sc := &scope{names: map[string]*Value{}, opsets: []onnx.OpsetID{{Domain: n.Domain, Version: int64(n.Version)}}}
	g := &Graph{}
	if err := b.call(g, call, f, n.In, n.Attrs, sc); err != nil {
		return nil, nil, err
	}
	if len(b.missing) > 0 {
		return nil, nil, &ops.UnsupportedError{Missing: b.missed()}
	}
	for _, name := range call.Outputs {
		outs = append(outs, sc.names[name]) // nil for ""
	}
	return g.Nodes, outs, nil
}
