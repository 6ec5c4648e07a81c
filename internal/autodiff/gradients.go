package autodiff

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
)

// A Request says what to differentiate with respect to what. All values belong to one inferred graph, or to a
// graph and those around it.
type Request struct {
	Y    []*graph.Value // what is differentiated
	Dy   []*graph.Value // gradient of each y, of its type and shape; ones where it is nil or the list ends
	X    []*graph.Value // with respect to what: inputs, constants or inner values
	Stop []*graph.Value // values that are taken as independent of what they are computed from
}

// Gradients emits the nodes that compute, for each x, the sum over all y of dy times the derivative of y by x.
// An x that no y depends on gets zeros. A node on the way whose operator has no gradient is reported in an
// *ops.UnsupportedError with all others that were met.
func (e *Emitter) Gradients(r Request) ([]*graph.Value, error) {
	for _, list := range [][]*graph.Value{r.Y, r.X} {
		for _, v := range list {
			if !differentiable(v) {
				return nil, fmt.Errorf("autodiff: %q is %v, want a tensor of floating-point numbers", v.Name, v.Type)
			}
		}
	}
	return e.orZeros(r)
}

// orZeros is Gradients of values that gradients are defined for.
func (e *Emitter) orZeros(r Request) ([]*graph.Value, error) {
	dx, err := e.partial(r)
	if err != nil {
		return nil, err
	}
	for i, x := range r.X {
		if dx[i] == nil {
			if dx[i], err = e.zeros(x); err != nil {
				return nil, err
			}
		}
	}
	return dx, nil
}

// partial is Gradients with nil for zeros.
func (e *Emitter) partial(r Request) ([]*graph.Value, error) {
	w := &walk{Emitter: e, path: findPath(r.Y, r.X, r.Stop), grads: map[*graph.Value][]*graph.Value{}}
	for i, y := range r.Y {
		if !w.path.wants(y) {
			continue
		}
		var dy *graph.Value
		if i < len(r.Dy) {
			dy = r.Dy[i]
		}
		if dy == nil {
			var err error
			if dy, err = e.Filled(y, 1); err != nil {
				return nil, err
			}
		}
		w.grads[y] = append(w.grads[y], dy)
	}
	if err := w.run(); err != nil {
		return nil, err
	}
	out := make([]*graph.Value, len(r.X))
	for i, x := range r.X {
		var err error
		if out[i], err = w.gradient(x); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// A walk goes from the last node of a path to the first and collects the gradients of their values.
type walk struct {
	*Emitter
	path    *path
	grads   map[*graph.Value][]*graph.Value // the parts, one for each use of a value
	missing []string
}

func (w *walk) run() error {
	outer := w.Emitter.path
	defer func() { w.Emitter.path = outer }()
	for i := len(w.path.order) - 1; i >= 0; i-- {
		n := w.path.order[i]
		if !w.reached(n) {
			continue
		}
		w.Emitter.path = n.Path()
		if err := w.node(n); err != nil {
			var missing *ops.UnsupportedError
			if errors.As(err, &missing) {
				w.missing = append(w.missing, atNode(n, missing.Missing)...)
				continue
			}
			return fmt.Errorf("autodiff: gradient of node %q (%s): %w", n.Path(), n.Type, err)
		}
	}
	if len(w.missing) > 0 {
		return &ops.UnsupportedError{Missing: w.missing}
	}
	return nil
}

// reached reports whether an output of n has a gradient.
func (w *walk) reached(n *graph.Node) bool {
	for _, v := range n.Out {
		if v != nil && len(w.grads[v]) > 0 && !w.path.stop[v] {
			return true
		}
	}
	return false
}

// node adds to the gradients of the inputs of n: by the rule of its operator, by going through the graphs inside of
// it, or by the body that the standard gives it.
func (w *walk) node(n *graph.Node) error {
	if n.Op.Grad != nil {
		return w.rule(n)
	}
	if n.Op.Flags&ops.Bodied != 0 {
		switch {
		case n.Type == "If":
			return w.conditional(n)
		case n.Type == "Scan" && n.Domain == "" && n.Version < 9:
			return w.batched(n)
		}
		return w.rounds(n)
	}
	if n.Schema == nil || len(n.Bodies) > 0 {
		return noGradient(n)
	}
	nodes, outs, err := graph.Inline(n, w.table)
	if err != nil {
		return err
	}
	if nodes == nil {
		return noGradient(n)
	}
	return w.body(n, nodes, outs)
}

func noGradient(n *graph.Node) error {
	return ops.Unsupported("no gradient of %s (node %q)", opName(n), n.Path())
}

// opName is the operator of n, with its domain unless that is ai.onnx.
func opName(n *graph.Node) string {
	if n.Domain == "" {
		return n.Type
	}
	return n.Domain + ":" + n.Type
}

// atNode adds operator and node to what a rule says is missing, unless another node is named already.
func atNode(n *graph.Node, missing []string) []string {
	out := slices.Clone(missing)
	for i, m := range out {
		if !strings.Contains(m, "(node ") {
			out[i] = fmt.Sprintf("%s (node %q, %s)", m, n.Path(), opName(n))
		}
	}
	return out
}

// body differentiates the nodes that stand for n, which are computed once more for it.
func (w *walk) body(n *graph.Node, nodes []*graph.Node, outs []*graph.Value) error {
	for _, b := range nodes {
		if err := w.add(b); err != nil {
			return err
		}
	}
	return w.through(n, outs)
}

// through adds the gradients of values that equal the outputs of n, as far as they are known, to those of its inputs.
func (w *walk) through(n *graph.Node, outs []*graph.Value) error {
	var r Request
	for i, v := range outs {
		if v == nil || n.Out[i] == nil || w.path.stop[n.Out[i]] {
			continue
		}
		dy, err := w.gradient(n.Out[i])
		if err != nil {
			return err
		}
		if dy != nil {
			r.Y, r.Dy = append(r.Y, v), append(r.Dy, dy)
		}
	}
	read := inputsOf(n)
	r.X, r.Stop = w.wanted(read), slices.Concat(read, n.Out)
	dx, err := w.partial(r)
	if err != nil {
		return err
	}
	done := map[*graph.Value]bool{}
	for i, v := range r.X {
		if dx[i] != nil && !done[v] {
			done[v] = true // one gradient counts all uses of an input that the node has twice
			w.grads[v] = append(w.grads[v], dx[i])
		}
	}
	return nil
}

// gradient returns the sum of the parts of a gradient, nil if there are none.
func (w *walk) gradient(v *graph.Value) (*graph.Value, error) {
	parts := w.grads[v]
	switch len(parts) {
	case 0:
		return nil, nil
	case 1:
		return parts[0], nil
	}
	sum, err := w.sum(parts...)
	if err != nil {
		return nil, err
	}
	w.grads[v] = []*graph.Value{sum}
	return sum, nil
}
