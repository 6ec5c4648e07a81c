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
	Changes *graph.Value // the input of the graph whose elements the operator changes: its last input
	Op      *ops.Op      // has the flags Changes and Random, and one output: a float32
}

// Deliver adds nodes of the operators to g, each behind all that it reads and behind the last reader of what it changes.
// Their results take the places of the outputs. The order of the nodes of g is that in which they run.
func Deliver(g *graph.Graph, list []Delivery) {
	type placed struct {
		at   int
		node *graph.Node
	}
	var all []placed
	outs := slices.Clone(g.Outputs)
	for _, d := range list {
		v := outs[d.Output]
		in := []*graph.Value{v}
		for _, k := range d.With {
			in = append(in, outs[k])
		}
		at := lastUse(g, d.Changes)
		for _, x := range in {
			at = max(at, slices.Index(g.Nodes, x.From))
		}
		n := &graph.Node{Name: v.Name + "/" + d.Op.Name, Domain: d.Op.Domain, Type: d.Op.Name, Version: d.Op.Since, Op: d.Op, In: append(in, d.Changes)}
		n.Out = []*graph.Value{{Name: n.Name, From: n, Value: ops.Value{Type: ops.TensorType(tensor.Float32, sym.Const(1))}}}
		g.Outputs[d.Output] = n.Out[0]
		all = append(all, placed{at + 1, n})
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(b.at, a.at) })
	for _, p := range all {
		g.Nodes = slices.Insert(g.Nodes, p.at, p.node)
	}
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
