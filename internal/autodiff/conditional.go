package autodiff

import (
	"github.com/onnxrun/onnxrun/internal/graph"
)

// conditional emits the gradient of an If: an If on the same condition, whose branches are those of n followed by the
// gradients of what the branches use of the graphs around them. What the branch at hand does not use gets zeros.
func (w *walk) conditional(n *graph.Node) error {
	dy, any, err := w.upstream(n)
	if err != nil || !any {
		return err
	}
	want := w.wanted(bodyInputs(n))
	if len(want) == 0 {
		return nil
	}
	var bodies []graph.Body
	for _, b := range n.Bodies {
		g, err := w.branch(n, b.Graph, want, dy)
		if err != nil {
			return err
		}
		bodies = append(bodies, graph.Body{Name: b.Name, Graph: g})
	}
	dx, err := w.nodeAround(bodies, len(want), "", "If", nil, n.In[0])
	if err != nil {
		return err
	}
	for i, x := range want {
		w.give(x, dx[i])
	}
	return nil
}

// branch returns the graph that computes the gradients of the values in want for one branch of n.
func (w *walk) branch(n *graph.Node, body *graph.Graph, want, dy []*graph.Value) (*graph.Graph, error) {
	r, err := w.replay(n, body)
	if err != nil {
		return nil, err
	}
	var dx []*graph.Value
	err = r.emit(func() error {
		ask := Request{X: want, Stop: r.captures}
		for i, y := range r.graph.Outputs {
			if dy[i] == nil || !carries(y) {
				continue
			}
			d, err := w.ranked(dy[i], y)
			if err != nil {
				return err
			}
			ask.Y, ask.Dy = append(ask.Y, y), append(ask.Dy, d)
		}
		var err error
		dx, err = w.orZeros(ask)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = r.settle(nil, dx)
	return r.graph, err
}

// ranked returns dy, the gradient of y, with the rank of y: joining branches may have lost it.
func (w *walk) ranked(dy, y *graph.Value) (*graph.Value, error) {
	if dy.Ranked || !y.Ranked {
		return dy, nil
	}
	shape, err := w.One("Shape", nil, y)
	if err != nil {
		return nil, err
	}
	return w.One("Reshape", map[string]any{"allowzero": 1}, dy, shape)
}
