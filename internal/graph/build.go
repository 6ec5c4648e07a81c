package graph

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

const (
	maxDepth = 128     // nesting of graphs and functions
	maxNodes = 4 << 20 // after expanding functions
)

// Build makes the main graph of a model: names become values, model-local functions and operators without a
// kernel are replaced by their bodies, defaults of attributes are filled in. Operators that are missing
// here are all listed in one *ops.UnsupportedError.
func Build(m *onnx.Model, table *ops.Table) (*Graph, error) {
	b := &builder{model: m, table: table}
	g, err := b.main()
	if err == nil && len(b.missing) > 0 {
		return nil, &ops.UnsupportedError{Missing: b.missed()}
	}
	return g, err
}

type builder struct {
	model   *onnx.Model
	table   *ops.Table
	missing []missing
	nodes   int
	facts   *Facts // of Study, nil for Build

	defaults map[*schema.Attribute]*onnx.Attribute // that nodes share
}

// main builds the main graph.
func (b *builder) main() (*Graph, error) {
	m := b.model
	if m.Graph == nil {
		return nil, onnx.Malformed("model", "has no graph")
	}
	names := make(map[string]*Value, len(m.Graph.Initializers)+len(m.Graph.Inputs)+len(m.Graph.Nodes))
	g, err := b.graph(m.Graph, &scope{opsets: m.Opsets, names: names})
	if err != nil {
		return nil, err
	}
	g.Opsets, g.Metadata = m.Opsets, m.Metadata
	return g, nil
}

// missing is an operator without a kernel: the first node that asks for it, and how many do.
type missing struct {
	what, node string
	count      int
}

func (b *builder) miss(what, node string) {
	for i := range b.missing {
		if b.missing[i].what == what {
			b.missing[i].count++
			return
		}
	}
	b.missing = append(b.missing, missing{what, node, 1})
}

func (b *builder) missed() []string {
	var out []string
	for _, m := range b.missing {
		s := fmt.Sprintf("%s (node %q)", m.what, m.node)
		if m.count > 1 {
			s = fmt.Sprintf("%s (node %q and %d more)", m.what, m.node, m.count-1)
		}
		out = append(out, s)
	}
	return out
}

// A scope maps names to values. Bodies see the names of the scopes around them; functions do not.
type scope struct {
	names  map[string]*Value
	outer  *scope
	opsets []onnx.OpsetID
	attrs  map[string]*onnx.Attribute // of the call, for ref_attr_name inside a function
	prefix string                     // of node names inside a function
	depth  int
	calls  []string // functions being expanded
}

// find returns the value of a name. It is nil for an input of a function that the call leaves out.
func (s *scope) find(name string) (v *Value, ok bool) {
	for ; s != nil; s = s.outer {
		if v, ok := s.names[name]; ok {
			return v, true
		}
	}
	return nil, false
}

func (s *scope) define(v *Value) error {
	if _, dup := s.names[v.Name]; dup {
		return onnx.Malformed("graph", "value %q is defined twice", v.Name)
	}
	s.names[v.Name] = v
	return nil
}

func (b *builder) graph(src *onnx.Graph, sc *scope) (*Graph, error) {
	if sc.depth > maxDepth {
		return nil, onnx.Malformed("graph", "graphs are nested more than %d deep", maxDepth)
	}
	g := &Graph{Name: src.Name, Nodes: make([]*Node, 0, len(src.Nodes))}
	if err := b.initializers(src, sc); err != nil {
		return nil, err
	}
	for _, vi := range src.Inputs {
		if v, ok := sc.names[vi.Name]; ok && v.IsConst() {
			continue // an initializer that old models list as an input, too
		}
		v := &Value{Name: vi.Name, Value: ops.Value{Type: inputType(vi)}}
		if err := sc.define(v); err != nil {
			return nil, err
		}
		g.Inputs = append(g.Inputs, v)
		g.inputsSay = append(g.inputsSay, v.Type)
	}
	if err := b.appendNodes(g, src.Nodes, sc); err != nil {
		return nil, err
	}
	for _, vi := range src.Outputs {
		v, ok := sc.find(vi.Name)
		if !ok || v == nil {
			return nil, onnx.Malformed("graph", "output %q of graph %q is not produced by any node", vi.Name, src.Name)
		}
		g.Outputs = append(g.Outputs, v)
		g.declared = append(g.declared, inputType(vi))
	}
	if b.facts != nil {
		b.facts.keep(src, sc)
	}
	return g, nil
}

func (b *builder) initializers(src *onnx.Graph, sc *scope) error {
	for _, p := range src.Initializers {
		t, err := p.Value()
		if err != nil {
			return fmt.Errorf("initializer %q: %w", p.Name, err)
		}
		if err := sc.define(&Value{Name: p.Name, Value: ops.ConstValue(t)}); err != nil {
			return err
		}
	}
	for _, p := range src.SparseInitializers {
		t, err := dense(p)
		if err != nil {
			return err
		}
		if err := sc.define(&Value{Name: p.Name(), Value: ops.ConstValue(t)}); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) appendNodes(g *Graph, nodes []*onnx.Node, sc *scope) error {
	for _, n := range nodes {
		if b.nodes++; b.nodes > maxNodes {
			return onnx.Malformed("graph", "more than %d nodes after expanding functions", maxNodes)
		}
		if err := b.node(g, n, sc); err != nil {
			return err
		}
	}
	return nil
}

// inputType turns a declared type into what is known of the value; unnamed dimensions get a symbol each.
func inputType(vi *onnx.ValueInfo) ops.Type {
	if vi.Type == nil {
		return ops.Type{}
	}
	return typeOf(vi.Type, vi.Name)
}

func typeOf(t *onnx.Type, name string) ops.Type {
	switch t.Kind {
	case onnx.TypeSequence, onnx.TypeOptional, onnx.TypeMap:
		if t.Elem == nil {
			return ops.Type{}
		}
		elem := typeOf(t.Elem, name+".elem")
		switch t.Kind {
		case onnx.TypeSequence:
			return ops.SequenceOf(elem)
		case onnx.TypeOptional:
			return ops.OptionalOf(elem)
		}
		return ops.Type{Kind: tensor.KindMap, DType: elem.DType, Elem: &elem, Key: t.DType()}
	}
	out := ops.Unranked(t.DType())
	if t.Kind == onnx.TypeSparse {
		out.Kind = tensor.KindSparse
	}
	if !t.HasShape {
		return out
	}
	out.Ranked = true
	for i, d := range t.Dims {
		switch {
		case d.Kind == onnx.DimValue && d.Value >= 0:
			out.Dims = append(out.Dims, sym.Const(d.Value))
		case d.Kind == onnx.DimParam && d.Param != "":
			out.Dims = append(out.Dims, sym.Symbol(d.Param))
		default:
			out.Dims = append(out.Dims, sym.Symbol(fmt.Sprintf("%s:%d", name, i)))
		}
	}
	return out
}

func opset(ids []onnx.OpsetID, domain string) int {
	for _, o := range ids {
		if onnx.NormalDomain(o.Domain) == domain {
			return int(min(o.Version, 1<<30))
		}
	}
	return 1
}

func qualifier(domain string) string {
	if domain == "" {
		return ""
	}
	return domain + ":"
}
