package graph

import (
	"errors"
	"fmt"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// maxProblems bounds the errors that Study lists.
const maxProblems = 100

// Facts is what inference finds out about a model, as far as it gets.
type Facts struct {
	Graph *Graph
	// Problems lists what is wrong with nodes: *ops.NodeError for those that contradict their inputs, one
	// *ops.UnsupportedError for all operators that are missing here. What follows from a problem is not listed.
	Problems []error

	names    map[*onnx.Graph]map[string]*Value
	declared map[*Value]ops.Type // what the model says of inner values and outputs
	order    []*Value            // of the inner values in declared
}

// Study builds the graph of a model and infers what it can: a node that fails, or whose operator is missing
// here, leaves its outputs as unknown as the model's declarations do, and the rest goes on. An error is
// returned only where no graph can be built.
func Study(m *onnx.Model, table *ops.Table) (*Facts, error) {
	f := &Facts{names: map[*onnx.Graph]map[string]*Value{}, declared: map[*Value]ops.Type{}}
	b := &builder{model: m, table: table, facts: f}
	g, err := b.main()
	if err != nil {
		return nil, err
	}
	f.Graph = g
	if len(b.missing) > 0 {
		f.Problems = append(f.Problems, &ops.UnsupportedError{Missing: b.missed()})
	}
	in := &inferrer{study: &study{facts: f, seen: map[string]bool{}}}
	if err := in.graph(g); err != nil {
		f.Problems = append(f.Problems, err)
	}
	return f, nil
}

// Contradictions lists the inner values of which the model declares something else than inference finds. Those
// of outputs are Verify's.
func (f *Facts) Contradictions() []error {
	var list []error
	for _, v := range f.order {
		if err := contradiction(f.declared[v], v.Type); err != nil && len(list) < maxProblems {
			list = append(list, onnx.Malformed("graph", "value %q: %w", v.Name, err))
		}
	}
	return list
}

// keep notes what the names of a graph stand for, and what it declares of them.
func (f *Facts) keep(src *onnx.Graph, sc *scope) {
	f.names[src] = sc.names
	for i, list := range [][]*onnx.ValueInfo{src.Outputs, src.ValueInfos} {
		for _, vi := range list {
			v := sc.names[vi.Name]
			if v == nil || v.From == nil {
				continue
			}
			if _, twice := f.declared[v]; !twice {
				f.declared[v] = inputType(vi)
				if i > 0 {
					f.order = append(f.order, v)
				}
			}
		}
	}
}

// Value returns the value that a name stands for in one of the model's graphs, not counting the graphs
// around it, and nil if there is none or the graph is a function's.
func (f *Facts) Value(g *onnx.Graph, name string) *Value {
	if f == nil {
		return nil
	}
	return f.names[g][name]
}

// study is how an inferrer goes on after an error.
type study struct {
	facts *Facts
	seen  map[string]bool // problems, each of which a loop may meet several times
}

// errUnknown says that a body could not be inferred, for a reason that is known already.
var errUnknown = errors.New("the graph inside could not be inferred")

// node infers one node and never fails.
func (s *study) node(in *inferrer, n *Node) {
	if n.Op == nil || n.Op.Infer == nil || !known(n.In) {
		s.giveUp(n)
		return
	}
	err := in.node(n)
	if err == nil {
		return
	}
	s.giveUp(n)
	if errors.Is(err, errUnknown) || len(s.facts.Problems) >= maxProblems {
		return
	}
	var inner *ops.NodeError
	if !errors.As(err, &inner) {
		err = &ops.NodeError{Path: n.Path(), Op: n.Type, Err: err}
	}
	if text := err.Error(); !s.seen[text] {
		s.seen[text] = true
		s.facts.Problems = append(s.facts.Problems, err)
	}
}

// quietly runs f and forgets the problems that it finds: those of a branch that is never taken are none.
func (s *study) quietly(f func()) {
	n := len(s.facts.Problems)
	f()
	s.facts.Problems = s.facts.Problems[:n]
}

// live returns the name of the branch that an If with a constant condition takes, "" for all other nodes.
func (n *Node) live() string {
	if n.Type != "If" || n.Domain != "" || len(n.In) == 0 || n.In[0] == nil || n.In[0].Const == nil {
		return ""
	}
	if c := n.In[0].Const; c.DType() != tensor.Bool || c.Len() != 1 {
		return ""
	} else if tensor.Of[bool](c)[0] {
		return "then_branch"
	}
	return "else_branch"
}

// giveUp leaves the outputs of a node with what the model declares of them.
func (s *study) giveUp(n *Node) {
	for _, v := range n.Out {
		if v != nil {
			v.Value = ops.Value{Type: s.facts.declared[v]}
		}
	}
}

// known reports whether the types of all inputs that are given are known.
func known(in []*Value) bool {
	for _, v := range in {
		if v != nil && !v.Present() {
			return false
		}
	}
	return true
}

// checkOutputs makes a body with outputs of unknown type fail.
func (s *study) checkOutputs(g *Graph) error {
	if !known(g.Outputs) {
		return fmt.Errorf("graph %q: %w", g.Name, errUnknown)
	}
	return nil
}
