package autodiff

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A replay is a copy of a graph inside a control-flow node, in which the gradients of its outputs are emitted: going
// back, the values that these need are computed once more from what the forward run saved.
type replay struct {
	*walk
	copies   *graph.Cloner
	graph    *graph.Graph
	captures []*graph.Value // of the graphs around, constants included
}

// replay copies a body of n. Nodes that make a value of cut are not copied for it: it becomes an input of the copy.
func (w *walk) replay(n *graph.Node, body *graph.Graph, cut ...*graph.Value) (*replay, error) {
	r := &replay{walk: w, copies: &graph.Cloner{Copies: map[*graph.Value]*graph.Value{}, Name: w.name}}
	for _, v := range cut {
		r.copies.Copies[v] = &graph.Value{Name: w.name(v.Name), Value: v.Value}
	}
	r.graph = r.copies.Graph(body)
	for _, v := range bodyInputs(n) {
		if r.copies.Copies[v] == nil {
			r.captures = append(r.captures, v)
		}
	}
	return r, w.counts(r.copies.Nodes)
}

// emit appends to the copy what f emits.
func (r *replay) emit(f func() error) error {
	nodes, err := r.inside(f)
	r.graph.Nodes = append(r.graph.Nodes, nodes...)
	return err
}

// settle makes the copy a graph with the given inputs and outputs, without the nodes that these do not need. Of those
// that are left none may give other results than the forward run did.
func (r *replay) settle(inputs, outputs []*graph.Value) error {
	r.graph = &graph.Graph{Name: r.graph.Name, Parent: r.graph.Parent, Inputs: inputs, Outputs: outputs, Nodes: r.graph.Nodes}
	r.graph.Prune()
	var missing []string
	r.graph.Walk(func(g *graph.Graph) {
		for _, n := range g.Nodes {
			if redraws(n) {
				missing = append(missing, fmt.Sprintf("no gradient through %s inside of a control-flow operator: its random numbers are not kept (node %q)", n.Type, n.Path()))
			}
		}
	})
	if missing != nil {
		return &ops.UnsupportedError{Missing: missing}
	}
	return nil
}

// redraws reports whether n gives other results when it is run once more on the same inputs.
func redraws(n *graph.Node) bool {
	if n.Op.Flags&ops.Random == 0 {
		return false
	}
	if n.Type != "Dropout" {
		return true
	}
	if n.Attrs.HasAttr("seed") || len(n.In) < 3 || n.In[2] == nil {
		return false
	}
	mode := n.In[2].Const
	return mode == nil || slices.Contains(tensor.Of[bool](mode), true)
}

// uses returns the values that g and the graphs inside it read.
func uses(g *graph.Graph) map[*graph.Value]bool {
	used := map[*graph.Value]bool{}
	for v := range g.Users() {
		used[v] = true
	}
	return used
}

// upstream returns the gradients of the outputs of n, nil where there is none, and whether there are any.
func (w *walk) upstream(n *graph.Node) (dy []*graph.Value, any bool, err error) {
	dy = make([]*graph.Value, len(n.Out))
	for i, v := range n.Out {
		if v == nil || w.path.stop[v] || !carries(v) {
			continue
		}
		if dy[i], err = w.gradient(v); err != nil {
			return nil, false, err
		}
		any = any || dy[i] != nil
	}
	return dy, any, nil
}

// wanted returns the values of a list whose gradients are wanted.
func (w *walk) wanted(list []*graph.Value) []*graph.Value {
	var out []*graph.Value
	for _, v := range list {
		if v != nil && w.path.wants(v) {
			out = append(out, v)
		}
	}
	return out
}

// give adds dx to the gradients of x, if they are wanted.
func (w *walk) give(x, dx *graph.Value) {
	if x != nil && w.path.wants(x) {
		w.grads[x] = append(w.grads[x], dx)
	}
}
