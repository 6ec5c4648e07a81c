package convert

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// maxInlined bounds the nodes of a model after functions were replaced by their bodies.
const maxInlined = 1 << 20

// expand replaces the failed nodes of a pass by constants, where inference knows their outputs, and else by
// the bodies that the standard gives their operators. It reports false if one of them has neither.
func (u *unit) expand(p *pass) (bool, error) {
	bodies := map[*onnx.Node]*onnx.Function{}
	for _, f := range p.failed {
		body, err := p.folded(f), error(nil)
		if body == nil {
			body, err = p.body(f.node)
		}
		if body == nil || err != nil {
			return false, err
		}
		bodies[f.node] = body
	}
	g, err := u.inline(u.graph, func(n *onnx.Node) *onnx.Function { return bodies[n] })
	if err != nil {
		return false, err
	}
	u.graph = g
	return true, nil
}

// folded returns a body that makes the outputs of a node from nothing, nil if they are not constant.
func (p *pass) folded(f failure) *onnx.Function {
	n := f.node
	if n.OpType == "Constant" || len(n.Outputs) == 0 {
		return nil
	}
	body := &onnx.Function{Opsets: p.opsets}
	for _, out := range n.Outputs {
		v := p.value(f.scope, out)
		if out == "" || v.Const == nil || v.Const.Kind() != tensor.KindTensor {
			return nil
		}
		body.Outputs = append(body.Outputs, out)
		body.Nodes = append(body.Nodes, &onnx.Node{OpType: "Constant", Outputs: []string{out},
			Attributes: []*onnx.Attribute{onnx.NewTensor("value", tensor.NewProto("", v.Const))}})
	}
	return body
}

// body returns the function body of a node for the version that the pass comes from, nil if there is none.
func (p *pass) body(n *onnx.Node) (*onnx.Function, error) {
	s := schema.Lookup(p.domain, n.OpType, p.from)
	if s == nil {
		return nil, nil
	}
	b := s.Function(p.from)
	if b == nil {
		return nil, nil
	}
	body, err := onnx.DecodeFunction(b)
	if err != nil {
		return nil, err
	}
	if body, err = p.function(body, map[string]int{p.domain: p.from}); err != nil {
		return nil, nil
	}
	body.AttributeProtos = append(slices.Clone(body.AttributeProtos), defaults(s)...)
	return body, nil
}

// defaults returns the default attributes of a schema.
func defaults(s *schema.Schema) []*onnx.Attribute {
	var list []*onnx.Attribute
	for _, d := range s.Attributes {
		if d.Default != nil {
			list = append(list, ops.DefaultAttr(d.Name, d.Default))
		}
	}
	return list
}

// inlineAll replaces all calls of the model's functions by their bodies and drops the functions.
func (c *converter) inlineAll() error {
	m := c.model
	bodies := map[*onnx.Function]*onnx.Function{}
	for _, f := range m.Functions {
		to := map[string]int{}
		for _, o := range f.Opsets {
			domain := onnx.NormalDomain(o.Domain)
			if v := m.Opset(domain); v == 0 {
				m.Opsets = append(m.Opsets, o)
			} else if v != o.Version {
				to[domain] = int(v)
			}
		}
		g, err := c.function(f, to)
		if err != nil {
			return fmt.Errorf("function %s is written for another version than the model: %w", f.Name, err)
		}
		bodies[f] = g
	}
	g, err := c.inline(m.Graph, func(n *onnx.Node) *onnx.Function {
		return bodies[m.Function(n.Domain, n.OpType, n.Overload)]
	})
	if err != nil {
		return err
	}
	m.Graph, m.Functions = g, nil
	return nil
}

// inline returns g with the nodes that bodyOf has a body for replaced by it, and the nodes in these bodies,
// too.
func (c *converter) inline(g *onnx.Graph, bodyOf func(*onnx.Node) *onnx.Function) (*onnx.Graph, error) {
	in := &inliner{converter: c, bodyOf: bodyOf}
	nodes, err := in.nodes(g.Nodes, 0)
	if err != nil {
		return nil, err
	}
	out := *g
	out.Nodes = nodes
	return &out, nil
}

// maxDepth bounds how deep functions and graphs may be nested.
const maxDepth = 128

type inliner struct {
	*converter
	bodyOf func(*onnx.Node) *onnx.Function
	count  int
}

func (in *inliner) nodes(list []*onnx.Node, depth int) ([]*onnx.Node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("convert: functions and graphs are nested more than %d deep", maxDepth)
	}
	out := make([]*onnx.Node, 0, len(list))
	for _, n := range list {
		if in.count++; in.count > maxInlined {
			return nil, fmt.Errorf("convert: more than %d nodes after expanding functions", maxInlined)
		}
		f := in.bodyOf(n)
		if f == nil {
			n, err := mapBodies(n, func(_ string, g *onnx.Graph) (*onnx.Graph, error) {
				inner := *g
				var err error
				inner.Nodes, err = in.nodes(g.Nodes, depth+1)
				return &inner, err
			})
			if err != nil {
				return nil, err
			}
			out = append(out, n)
			continue
		}
		body, err := in.nodes(in.instance(n, f), depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, body...)
	}
	return out, nil
}

// instance returns the nodes of a function's body for one call.
func (in *inliner) instance(call *onnx.Node, f *onnx.Function) []*onnx.Node {
	r := &renamer{converter: in.converter, prefix: nodeName(call), names: map[string]string{}, attrs: map[string]*onnx.Attribute{}}
	for _, list := range [][]*onnx.Attribute{f.AttributeProtos, call.Attributes} {
		for _, a := range list {
			r.attrs[a.Name] = a
		}
	}
	for i, name := range f.Inputs {
		r.names[name] = ""
		if i < len(call.Inputs) {
			r.names[name] = call.Inputs[i]
		}
	}
	var copies []*onnx.Node
	for i, name := range f.Outputs {
		if i >= len(call.Outputs) || call.Outputs[i] == "" {
			continue
		}
		if from, taken := r.names[name]; taken { // an input, or an output that is there twice
			copies = append(copies, &onnx.Node{OpType: "Identity", Inputs: []string{from}, Outputs: []string{call.Outputs[i]}})
			continue
		}
		r.names[name] = call.Outputs[i]
	}
	return append(r.nodes(f.Nodes), copies...)
}

// A renamer copies the nodes of a body with the names and attributes of a call.
type renamer struct {
	*converter
	prefix string
	names  map[string]string
	attrs  map[string]*onnx.Attribute
}

func (r *renamer) name(s string) string {
	if s == "" {
		return ""
	}
	if t, ok := r.names[s]; ok {
		return t
	}
	t := r.fresh(r.prefix + "/" + s)
	r.names[s] = t
	return t
}

func (r *renamer) list(names []string) []string {
	out := make([]string, len(names))
	for i, s := range names {
		out[i] = r.name(s)
	}
	return out
}

func (r *renamer) nodes(list []*onnx.Node) []*onnx.Node {
	out := make([]*onnx.Node, len(list))
	for i, n := range list {
		c := *n
		c.Name = r.fresh(r.prefix + "/" + nodeName(n))
		c.Inputs, c.Outputs = r.list(n.Inputs), r.list(n.Outputs)
		c.Attributes = nil
		for _, a := range n.Attributes {
			if b := r.attribute(a); b != nil {
				c.Attributes = append(c.Attributes, b)
			}
		}
		out[i] = &c
	}
	return out
}

// attribute returns an attribute of the body for this call, nil for one that the call leaves out.
func (r *renamer) attribute(a *onnx.Attribute) *onnx.Attribute {
	b := *a
	switch {
	case a.RefAttrName != "":
		v := r.attrs[a.RefAttrName]
		if v == nil {
			return nil
		}
		b = *v
		b.Name = a.Name
	case a.G != nil:
		b.G = r.graph(a.G)
	case len(a.Graphs) > 0:
		b.Graphs = nil
		for _, g := range a.Graphs {
			b.Graphs = append(b.Graphs, r.graph(g))
		}
	}
	return &b
}

// graph copies a graph inside of a body; its own names hide those around it.
func (r *renamer) graph(g *onnx.Graph) *onnx.Graph {
	inner := *r
	inner.names = make(map[string]string, len(r.names))
	for k, v := range r.names {
		inner.names[k] = v
	}
	own := func(s string) { inner.names[s] = r.fresh(r.prefix + "/" + s) }
	for _, v := range g.Inputs {
		own(v.Name)
	}
	for _, t := range g.Initializers {
		own(t.Name)
	}
	for _, n := range g.Nodes {
		for _, o := range n.Outputs {
			if o != "" {
				own(o)
			}
		}
	}
	out := *g
	out.Initializers = nil
	for _, t := range g.Initializers {
		out.Initializers = append(out.Initializers, renamedTensor(t, inner.names[t.Name]))
	}
	out.Inputs, out.Outputs, out.ValueInfos = inner.infos(g.Inputs), inner.infos(g.Outputs), inner.infos(g.ValueInfos)
	out.Nodes = inner.nodes(g.Nodes)
	return &out
}

func (r *renamer) infos(list []*onnx.ValueInfo) []*onnx.ValueInfo {
	out := make([]*onnx.ValueInfo, len(list))
	for i, v := range list {
		c := *v
		c.Name = r.name(v.Name)
		out[i] = &c
	}
	return out
}
