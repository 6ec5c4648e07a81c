package graph

import (
	"fmt"
	"strings"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
)

// node appends n to g: as a node, or as the nodes of its body.
func (b *builder) node(g *Graph, n *onnx.Node, sc *scope) error {
	in := make([]*Value, len(n.Inputs))
	for i, name := range n.Inputs {
		if name == "" {
			continue
		}
		v, ok := sc.find(name)
		if in[i] = v; !ok {
			return onnx.Malformed("graph", "node %q (%s): input %d (%q) is not defined before it", sc.prefix+n.Name, n.OpType, i, name)
		}
	}
	attrs, err := resolveAttrs(n, sc)
	if err != nil {
		return err
	}
	domain := onnx.NormalDomain(n.Domain)
	if isGradient(domain, n.OpType) {
		if in, err = withNamed(in, n, attrs, sc); err != nil {
			return err
		}
	}
	if f := b.model.Function(domain, n.OpType, n.Overload); f != nil {
		return b.call(g, n, f, in, attrs, sc)
	}
	if domain == schema.Internal && ops.WideRowsOf(attrs).Any() {
		return onnx.Malformed("graph", "node %q (%s): attributes that let nodes write to what others made are not for models", sc.prefix+n.Name, n.OpType)
	}
	version := opset(sc.opsets, domain)
	s := schema.Lookup(domain, n.OpType, version)
	row := b.table.Find(domain, n.OpType, version)
	if row == nil || row.Kernel == nil && row.Flags&ops.Rewritten == 0 {
		if f, err := bodyOf(s, version); err != nil || f != nil {
			if err != nil {
				return err
			}
			return b.call(g, n, f, in, b.withDefaults(attrs, s), sc)
		}
		b.miss(fmt.Sprintf("operator %s%s version %d", qualifier(domain), n.OpType, version), sc.prefix+n.Name)
		row = nil
	}
	node := &Node{Name: sc.prefix + n.Name, Domain: domain, Type: n.OpType, Version: version, Op: row, Schema: s, In: in, Attrs: b.withDefaults(attrs, s)}
	if n.Name == "" {
		node.Name = ""
	}
	for _, a := range attrs {
		if a.G == nil {
			continue
		}
		inner := *sc
		inner.names, inner.outer, inner.depth = map[string]*Value{}, sc, sc.depth+1
		body, err := b.graph(a.G, &inner)
		if err != nil {
			return err
		}
		body.Parent = g
		node.Bodies = append(node.Bodies, Body{Name: a.Name, Graph: body})
	}
	if err := defineOutputs(node, n.Outputs, sc); err != nil {
		return err
	}
	g.Nodes = append(g.Nodes, node)
	return nil
}

// defineOutputs gives a node its outputs. One that the operator always computes but the model does not name
// becomes a value that nobody can ask for, so that kernels find it.
func defineOutputs(node *Node, names []string, sc *scope) error {
	for i := range max(len(names), node.leastOutputs()) {
		name := ""
		if i < len(names) {
			name = names[i]
		}
		if name == "" && node.hasOutput(i) {
			node.Out = append(node.Out, &Value{Name: fmt.Sprintf("%s#%d", strings.Join(names, ""), i), From: node, Index: i})
			continue
		}
		if name == "" {
			node.Out = append(node.Out, nil)
			continue
		}
		v := &Value{Name: name, From: node, Index: i}
		if err := sc.define(v); err != nil {
			return err
		}
		node.Out = append(node.Out, v)
	}
	for len(node.Out) > 0 && node.Out[len(node.Out)-1] == nil {
		node.Out = node.Out[:len(node.Out)-1]
	}
	return nil
}

func (n *Node) leastOutputs() int {
	if n.Schema == nil {
		return 0
	}
	return n.Schema.MinOutputs
}

// hasOutput reports whether the operator always has an output i.
func (n *Node) hasOutput(i int) bool {
	if n.Schema == nil {
		return false
	}
	p := n.Schema.Output(i)
	return p != nil && p.Option != schema.Optional
}

// call expands the body of f in place of n.
func (b *builder) call(g *Graph, n *onnx.Node, f *onnx.Function, in []*Value, attrs []*onnx.Attribute, sc *scope) error {
	id := f.Domain + ":" + f.Name + ":" + f.Overload
	for _, c := range sc.calls {
		if c == id {
			return onnx.Malformed("graph", "function %s calls itself", f.Name)
		}
	}
	inner := &scope{names: map[string]*Value{}, opsets: f.Opsets, attrs: map[string]*onnx.Attribute{}, depth: sc.depth + 1,
		prefix: sc.prefix + n.Name + "/", calls: append(sc.calls[:len(sc.calls):len(sc.calls)], id)}
	if len(inner.opsets) == 0 {
		inner.opsets = sc.opsets
	}
	if inner.depth > maxDepth {
		return onnx.Malformed("graph", "functions are nested more than %d deep", maxDepth)
	}
	for _, a := range f.AttributeProtos {
		inner.attrs[a.Name] = a
	}
	for _, a := range attrs {
		inner.attrs[a.Name] = a
	}
	for i, name := range f.Inputs {
		inner.names[name] = nil // an absent optional input
		if i < len(in) {
			inner.names[name] = in[i]
		}
	}
	if err := b.appendNodes(g, f.Nodes, inner); err != nil {
		return err
	}
	for i, name := range n.Outputs {
		if name == "" {
			continue
		}
		if i >= len(f.Outputs) || inner.names[f.Outputs[i]] == nil {
			return onnx.Malformed("graph", "node %q (%s): function has no output %d", n.Name, n.OpType, i)
		}
		if _, dup := sc.names[name]; dup {
			return onnx.Malformed("graph", "value %q is defined twice", name)
		}
		v := inner.names[f.Outputs[i]]
		if v.From != nil {
			v.Name = sc.prefix + name
		}
		sc.names[name] = v
	}
	return nil
}
