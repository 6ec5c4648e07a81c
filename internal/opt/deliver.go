package opt

import (
	"cmp"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Delivery is an output of a graph that an operator takes as soon as it may, so that it need not be there to the end.
type Delivery struct {
	Output  int          // which output of the graph
	With    []int        // other outputs that the operator reads, behind that one
	Changes *graph.Value // the input of the graph whose elements the operator changes: its last input; nil: none
	Op      *ops.Op      // has the flag Random, and Changes if it does; one output: a float32
}

// Deliver adds nodes of the operators to g, each behind all that it reads and behind the last reader of what it changes.
// Their results take the places of the outputs. Operators that only look at outputs run first, one after the other, and those of
// the list when all have. The order of the nodes of g is that in which they run.
func Deliver(g *graph.Graph, looks, list []Delivery) {
	outs := slices.Clone(g.Outputs)
	first := placeAll(g, outs, looks, nil)
	var seen *graph.Value
	for _, p := range first {
		if seen != nil {
			p.node.In = append(p.node.In, seen)
		}
		seen = p.node.Out[0]
	}
	insert(g, first)
	then := placeAll(g, outs, list, seen)
	for _, p := range then {
		g.Outputs[p.output] = p.node.Out[0]
	}
	insert(g, then)
}

// Pause adds a node of op, which reads an output of g as soon as that is there, and whose result takes its place. Nodes on which
// the output does not depend run after it. op has the flag Random and one output, a float32. The order of the nodes of g is that
// in which they run.
func Pause(g *graph.Graph, output int, op *ops.Op) {
	v := g.Outputs[output]
	needed := map[*graph.Value]bool{v: true}
	var before, after []*graph.Node
	for _, n := range slices.Backward(g.Nodes) {
		if !slices.ContainsFunc(n.Out, func(v *graph.Value) bool { return needed[v] }) {
			after = append(after, n)
			continue
		}
		before = append(before, n)
		for _, x := range slices.Concat(n.In, n.Captures()) {
			if x != nil {
				needed[x] = true
			}
		}
	}
	slices.Reverse(before)
	slices.Reverse(after)
	n := deliveryNode(op, v, []*graph.Value{v})
	g.Outputs[output] = n.Out[0]
	g.Nodes = slices.Concat(before, []*graph.Node{n}, after)
}

// deliveryNode is a node of op that takes v.
func deliveryNode(op *ops.Op, v *graph.Value, in []*graph.Value) *graph.Node {
	n := &graph.Node{Name: v.Name + "/" + op.Name, Domain: op.Domain, Type: op.Name, Version: op.Since, Op: op, In: in}
	n.Out = []*graph.Value{{Name: n.Name, From: n, Value: ops.Value{Type: ops.TensorType(tensor.Float32, sym.Const(1))}}}
	return n
}

// A placed is a node that takes an output, in front of the node of a number.
type placed struct {
	at, output int
	node       *graph.Node
}

// placeAll makes the nodes of a list, in the order in which they are to run. Besides their outputs they read seen, if that is not
// nil, in front of what they change.
func placeAll(g *graph.Graph, outs []*graph.Value, list []Delivery, seen *graph.Value) []placed {
	all := make([]placed, 0, len(list))
	for _, d := range list {
		v := outs[d.Output]
		in := []*graph.Value{v}
		for _, k := range d.With {
			in = append(in, outs[k])
		}
		if seen != nil {
			in = append(in, seen)
		}
		at := -1
		for _, x := range in {
			at = max(at, slices.Index(g.Nodes, x.From))
		}
		if d.Changes != nil {
			at = max(at, lastUse(g, d.Changes))
			in = append(in, d.Changes)
		}
		all = append(all, placed{at + 1, d.Output, deliveryNode(d.Op, v, in)})
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	return all
}

// insert puts nodes, which are sorted by their places, between those of g.
func insert(g *graph.Graph, list []placed) {
	nodes := make([]*graph.Node, 0, len(g.Nodes)+len(list))
	from := 0
	for _, p := range list {
		nodes = append(append(nodes, g.Nodes[from:p.at]...), p.node)
		from = p.at
	}
	g.Nodes = append(nodes, g.Nodes[from:]...)
}

// lastUse returns the place of the last node that reads v or a view of it, -1 if none does.
func lastUse(g *graph.Graph, v *graph.Value) int {
	last, same := -1, map[*graph.Value]bool{v: true}
	for i, n := range g.Nodes {
		for k, x := range slices.Concat(n.In, n.Captures()) {
			if x == nil || !same[x] {
				continue
			}
			last = i
			if k == 0 && isView(n) {
				same[n.Out[0]] = true
			}
		}
	}
	return last
}
