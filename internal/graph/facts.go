package graph

import (
	"errors"
	"fmt"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
)

// maxProblems bounds the errors that Study lists.
const maxProblems = 100

// Facts is what inference finds out about a model, as far as it gets.
type Facts struct {
	Graph *Graph
	// Problems lists what is wrong with nodes: *ops.NodeError for those that contradict their inputs, one
	// *ops.UnsupportedError for all operators that are missing here. What follows from a problem is not listed.
	Problems []error

	names map[*onnx.Graph]map[string]*Value
}

// Study builds the graph of a model and infers what it can: a node that fails, or whose operator is missing
// here, leaves its outputs as unknown as the model's declarations do, and the rest goes on. An error is
// returned only where no graph can be built.
func Study(m *onnx.Model, table *ops.Table) (*Facts, error) {
	f := &Facts{names: map[*onnx.Graph]map[string]*Value{}}
	b := &builder{model: m, table: table, facts: f, declared: map[*Value]ops.Type{}}
	g, err := b.main()
	if err != nil {
		return nil, err
	}
	f.Graph = g
	if len(b.missing) > 0 {
		f.Problems = append(f.Problems, &ops.UnsupportedError{Missing: b.missed()})
	}
	in := &inferrer{study: &study{facts: f, declared: b.declared, seen: map[string]bool{}}}
	if err := in.graph(g); err != nil {
		f.Problems = append(f.Problems, err)
	}
	return f, nil
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
	facts    *Facts
	declared map[*Value]ops.Type // what the model says of inner values
	seen     map[string]bool     // problems, each of which a loop may meet several times
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

// giveUp leaves the outputs of a node with what the model declares of them.
func (s *study) giveUp(n *Node) {
	for _, v := range n.Out {
		if v != nil {
			v.Value = ops.Value{Type: s.declared[v]}
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
