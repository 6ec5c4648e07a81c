package finetune

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
)

// cut divides g, whose outputs are set, into what depends on the live inputs and what does not. It makes g the first
// half, the suffix, and returns the frontier: the values of the second half, the prefix, that the suffix reads. They
// become inputs of g, before the live ones. Emitted nodes (the loss and the gradients) belong to the suffix in any case,
// and so does what makes a value of the name of one in pulled.
func cut(g *graph.Graph, live []*graph.Value, emitted map[*graph.Node]bool, pulled map[string]bool) (frontier []*graph.Value) {
	g.Prune()
	own, isLive := map[*graph.Value]bool{}, map[*graph.Value]bool{}
	for _, v := range live {
		own[v], isLive[v] = true, true
	}
	var suffix []*graph.Node
	for _, n := range g.Nodes {
		in := reads(n)
		depends := emitted[n]
		for _, v := range in {
			depends = depends || own[v]
		}
		for _, v := range n.Out {
			depends = depends || v != nil && pulled[v.Name]
		}
		if !depends {
			continue
		}
		suffix = append(suffix, n)
		for _, v := range n.Out {
			own[v] = true
		}
	}
	seen := map[*graph.Value]bool{}
	take := func(v *graph.Value) {
		if v != nil && !v.IsConst() && !own[v] && !seen[v] {
			seen[v] = true
			frontier = append(frontier, v)
		}
	}
	for _, n := range suffix {
		for _, v := range reads(n) {
			take(v)
		}
	}
	for _, v := range g.Outputs {
		take(v)
	}
	for _, v := range frontier {
		v.From, v.Index = nil, 0
	}
	g.Nodes = suffix
	g.Inputs = append(append([]*graph.Value{}, frontier...), live...)
	return frontier
}

// reads returns what n reads: its inputs, and what its bodies use of the graphs around them.
func reads(n *graph.Node) []*graph.Value {
	if len(n.Bodies) == 0 {
		return n.In
	}
	return append(n.In[:len(n.In):len(n.In)], n.Captures()...)
}

// dependsOn marks the values of g that depend on the elements of the given ones.
func dependsOn(g *graph.Graph, on []*graph.Value) map[*graph.Value]bool {
	marked := map[*graph.Value]bool{}
	for _, v := range on {
		marked[v] = true
	}
	for _, n := range g.Nodes {
		if n.Op.Flags&ops.ShapeOnly != 0 {
			continue
		}
		for _, v := range reads(n) {
			if v != nil && marked[v] && !v.IsConst() {
				for _, o := range n.Out {
					marked[o] = true
				}
				break
			}
		}
	}
	return marked
}

// find returns the values of the given names.
func find(g *graph.Graph, names []string) ([]*graph.Value, error) {
	named := g.Names()
	out := make([]*graph.Value, len(names))
	for i, name := range names {
		if out[i] = named[name]; out[i] == nil {
			return nil, fmt.Errorf("finetune: the model has no value %q", name)
		}
	}
	return out, nil
}
