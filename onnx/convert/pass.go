package convert

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
)

// A pass rewrites the nodes of a unit from one version of a domain to a neighbouring one.
type pass struct {
	*unit
	domain   string
	from, to int
	failed   []failure

	initializers []*onnx.TensorProto // that the main graph needs besides its own
	studied      bool
	facts        *graph.Facts
	constants    map[string]*onnx.Node // of a function: the nodes that make constants
}

// failure is a node that the pass has no way for. There may be a function body to put in its place.
type failure struct {
	node  *onnx.Node
	scope *scope
	path  string
	err   error
}

func (p *pass) fail(n *onnx.Node, sc *scope, path string, err error) {
	p.failed = append(p.failed, failure{n, sc, path, err})
}

// maxReported bounds the nodes that an error lists.
const maxReported = 20

func (p *pass) report() error {
	e := &Error{Domain: p.domain, From: p.from, To: p.to}
	for _, f := range p.failed[:min(len(p.failed), maxReported)] {
		e.Nodes = append(e.Nodes, Failure{Node: f.path, Op: f.node.OpType, Reason: f.err.Error()})
	}
	if more := len(p.failed) - maxReported; more > 0 {
		e.Nodes = append(e.Nodes, Failure{Node: "...", Op: "...", Reason: fmt.Sprintf("and %d more nodes", more)})
	}
	return e
}

// A scope is a graph of the model before the pass, with the graphs around it.
type scope struct {
	graph *onnx.Graph
	outer *scope
	path  string // of the nodes in the graph
}

// convert returns the graph of a scope with converted nodes; what does not change is shared.
func (p *pass) convert(sc *scope) *onnx.Graph {
	g := sc.graph
	out := *g
	out.Nodes = make([]*onnx.Node, 0, len(g.Nodes))
	for _, n := range g.Nodes {
		out.Nodes = append(out.Nodes, p.node(n, sc)...)
	}
	if sc.outer == nil && len(p.initializers) > 0 {
		out.Initializers = append(slices.Clone(g.Initializers), p.initializers...)
	}
	return &out
}

// node returns what stands for a node after the pass.
func (p *pass) node(before *onnx.Node, sc *scope) []*onnx.Node {
	path := sc.path + nodeName(before)
	n := p.bodies(before, sc, path)
	if onnx.NormalDomain(n.Domain) != p.domain || p.model.Function(n.Domain, n.OpType, n.Overload) != nil {
		return []*onnx.Node{n}
	}
	def := schema.Lookup(p.domain, n.OpType, p.from)
	next := schema.Lookup(p.domain, n.OpType, p.to)
	if def == nil {
		p.fail(before, sc, path, fmt.Errorf("version %d has no such operator", p.from))
		return nil
	}
	if next == def && !next.Deprecated {
		return []*onnx.Node{n}
	}
	s := &site{pass: p, scope: sc, def: def, next: next}
	copied := *n
	copied.Inputs, copied.Outputs = slices.Clone(n.Inputs), slices.Clone(n.Outputs)
	copied.Attributes = slices.Clone(n.Attributes)
	s.node = &copied
	list, err := s.convert()
	if err != nil {
		p.fail(before, sc, path, err)
	}
	return list
}

// bodies returns the node with converted graphs in its attributes. The node keeps its identity when it has
// none, so that a failure can name it.
func (p *pass) bodies(n *onnx.Node, sc *scope, path string) *onnx.Node {
	out, _ := mapBodies(n, func(attr string, g *onnx.Graph) (*onnx.Graph, error) {
		return p.convert(&scope{graph: g, outer: sc, path: path + "/" + attr + "/"}), nil
	})
	return out
}

func nodeName(n *onnx.Node) string {
	if n.Name != "" {
		return n.Name
	}
	for _, o := range n.Outputs {
		if o != "" {
			return o
		}
	}
	return n.OpType
}

// value returns what is known of a name: nothing for most values in functions.
func (p *pass) value(sc *scope, name string) ops.Value {
	if !p.isModel {
		return p.ownConstant(name)
	}
	if !p.studied {
		p.studied = true
		m := *p.model
		m.Graph, m.Opsets = p.graph, p.opsets
		p.facts, _ = graph.Study(&m, ops.Default()) // without facts fewer adapters work
	}
	for ; sc != nil; sc = sc.outer {
		if v := p.facts.Value(sc.graph, name); v != nil {
			return v.Value
		}
	}
	return ops.Value{}
}

// ownConstant returns the value of a Constant node in a function, and nothing for other names.
func (p *pass) ownConstant(name string) ops.Value {
	if p.constants == nil {
		p.constants = map[string]*onnx.Node{}
		collectConstants(p.graph, p.constants)
	}
	n := p.constants[name]
	if n == nil {
		return ops.Value{}
	}
	row := ops.Default().Find("", "Constant", max(p.from, 1))
	if row == nil || len(n.Attributes) != 1 || n.Attributes[0].RefAttrName != "" {
		return ops.Value{}
	}
	out, err := row.Eval(n.Attributes, 1)
	if err != nil {
		return ops.Value{}
	}
	return ops.ConstValue(out[0])
}

// collectConstants enters the Constant nodes of a graph and the graphs inside it by the names of their
// outputs; a name that stands for two of them gets nil.
func collectConstants(g *onnx.Graph, list map[string]*onnx.Node) {
	for _, n := range g.Nodes {
		if n.OpType == "Constant" && onnx.NormalDomain(n.Domain) == "" && len(n.Outputs) == 1 {
			if _, twice := list[n.Outputs[0]]; twice {
				list[n.Outputs[0]] = nil
			} else {
				list[n.Outputs[0]] = n
			}
		}
		for _, a := range n.Attributes {
			for _, b := range bodiesOf(a) {
				collectConstants(b, list)
			}
		}
	}
}

// bodiesOf returns the graphs in an attribute.
func bodiesOf(a *onnx.Attribute) []*onnx.Graph {
	if a.G == nil {
		return a.Graphs
	}
	return append([]*onnx.Graph{a.G}, a.Graphs...)
}
