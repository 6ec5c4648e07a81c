package onnxgo

import (
	"fmt"
	"maps"
	"math"
	"slices"

	onnx "github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend"
	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/simple"

	"github.com/onnxrun/onnxrun/runtime"
)

var _ backend.ComputationBackend = (*Graph)(nil)

// A Graph collects the nodes of a model from onnx-go and runs them. It is for one model and one goroutine.
type Graph struct {
	// Opset is the version of the ai.onnx operator set that the operators are of; 0: see the package comment.
	Opset int
	// Options are the settings of the session; Outputs is not used.
	Options runtime.Options

	dag     *simple.WeightedDirectedGraph
	nodes   []*Node
	inputs  map[int64]map[float64]*Node // of each output node, by position
	ops     []operation
	wanted  map[*Node]bool // produced nodes that Run computes
	session *session
}

// An operation is one operator with the nodes that it reads and writes; nil where one is left out.
type operation struct {
	onnx.Operation
	domain string
	in     []*Node
	out    []*Node
}

// NewGraph returns an empty graph for onnx.NewModel.
func NewGraph() *Graph {
	return &Graph{
		dag:    simple.NewWeightedDirectedGraph(0, math.Inf(1)),
		inputs: map[int64]map[float64]*Node{},
		wanted: map[*Node]bool{},
	}
}

// NewNode returns a node with an unused number, counted from 0. AddNode adds it to the graph.
func (g *Graph) NewNode() graph.Node { return &Node{id: g.dag.NewNode().ID(), graph: g} }

// AddNode adds a node made by NewNode. It panics if the number is taken, as gonum demands.
func (g *Graph) AddNode(n graph.Node) {
	g.dag.AddNode(n)
	if n, ok := n.(*Node); ok {
		g.nodes = append(g.nodes, n)
	}
}

// NewWeightedEdge returns an edge from an operator's output to one of its inputs, whose position is the weight.
func (g *Graph) NewWeightedEdge(output, input graph.Node, position float64) graph.WeightedEdge {
	return g.dag.NewWeightedEdge(output, input, position)
}

// SetWeightedEdge adds an edge. Unlike gonum's graphs it keeps all edges between two nodes: an operator may read
// a value twice.
func (g *Graph) SetWeightedEdge(e graph.WeightedEdge) {
	if e.From().ID() == e.To().ID() {
		return // ApplyOperation misses the input and says so
	}
	g.dag.SetWeightedEdge(e)
	id := e.From().ID()
	if g.inputs[id] == nil {
		g.inputs[id] = map[float64]*Node{}
	}
	g.inputs[id][e.Weight()], _ = e.To().(*Node)
}

// Node returns the node with a number, nil if there is none.
func (g *Graph) Node(id int64) graph.Node { return g.dag.Node(id) }

// Nodes returns all nodes.
func (g *Graph) Nodes() graph.Nodes { return g.dag.Nodes() }

// From returns the inputs of the operator that computes the node.
func (g *Graph) From(id int64) graph.Nodes { return g.dag.From(id) }

// To returns the nodes that are computed from the node.
func (g *Graph) To(id int64) graph.Nodes { return g.dag.To(id) }

// HasEdgeBetween reports whether one of the nodes is an input of the other.
func (g *Graph) HasEdgeBetween(x, y int64) bool { return g.dag.HasEdgeBetween(x, y) }

// HasEdgeFromTo reports whether v is an input of u.
func (g *Graph) HasEdgeFromTo(u, v int64) bool { return g.dag.HasEdgeFromTo(u, v) }

// Edge returns the edge from u to v, nil if there is none.
func (g *Graph) Edge(u, v int64) graph.Edge { return g.dag.Edge(u, v) }

// WeightedEdge returns the edge from u to v, nil if there is none.
func (g *Graph) WeightedEdge(u, v int64) graph.WeightedEdge { return g.dag.WeightedEdge(u, v) }

// Weight returns the position of v among the inputs of u, the last one if there are several, and whether there
// is an edge.
func (g *Graph) Weight(u, v int64) (position float64, ok bool) { return g.dag.Weight(u, v) }

// ApplyOperation makes the nodes the outputs of an operator; their inputs are those at the edges. It returns
// *onnx.ErrNotImplemented if no version of the operator is known that takes them.
func (g *Graph) ApplyOperation(o onnx.Operation, outputs ...graph.Node) error {
	op := operation{Operation: o}
	var first *Node
	for i, n := range outputs {
		node, ok := n.(*Node)
		if !ok || node.graph != g {
			return fmt.Errorf("onnxgo: output %d of %s is a node of another graph", i, o.Name)
		}
		if node.absent() {
			node = nil
		} else if first == nil {
			first = node
		}
		op.out = append(op.out, node)
	}
	if first == nil {
		return fmt.Errorf("onnxgo: operator %s has no output", o.Name)
	}
	at := g.inputs[first.id]
	for i, position := range slices.Sorted(maps.Keys(at)) {
		if position != float64(i) || at[position] == nil {
			return fmt.Errorf("onnxgo: input %d of %s is missing", i, o.Name)
		}
		op.in = append(op.in, at[position])
	}
	if err := g.settle(&op); err != nil {
		return err
	}
	for _, n := range op.out {
		if n != nil {
			n.produced = true
		}
	}
	for _, n := range op.in {
		if n != nil {
			n.used = true
		}
	}
	g.ops = append(g.ops, op)
	g.session = nil
	return nil
}

// settle replaces inputs that are left out by nil and finds the operator's domain.
func (g *Graph) settle(op *operation) error {
	for i, n := range op.in {
		if n.absent() {
			op.in[i] = nil
		}
	}
	if len(op.in) == 1 && op.in[0] != nil && op.in[0].placeholder() && takesNothing(op.Name) {
		op.in = nil // onnx-go makes up an input for operators without any
	}
	for len(op.in) > 0 && op.in[len(op.in)-1] == nil {
		op.in = op.in[:len(op.in)-1]
	}
	for len(op.out) > 0 && op.out[len(op.out)-1] == nil {
		op.out = op.out[:len(op.out)-1]
	}
	domain, err := g.domainOf(op)
	op.domain = domain
	return err
}
