package autodiff

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
)

// A Spec names what Extend differentiates.
type Spec struct {
	Of   []string // outputs; none: all that are floating-point tensors
	Wrt  []string // inputs, weights or inner values; none: all inputs that are floating-point tensors
	Ones bool     // the gradients of outputs are ones instead of inputs
}

// DyName and GradName are the names that Extend gives to the gradient of an output, an input of the extended
// graph, and to the gradient with respect to a value, an output.
func DyName(output string) string { return "dy." + output }

// GradName: see DyName.
func GradName(value string) string { return "grad." + value }

// Extend adds gradients to the outputs of the main graph g, which must be inferred, and where they are not
// ones the gradients of the outputs to its inputs.
func Extend(g *graph.Graph, table *ops.Table, s Spec) error {
	named := g.Names()
	var r Request
	var err error
	if r.Y, err = choose(s.Of, g.Outputs, named); err != nil {
		return err
	}
	if r.X, err = choose(s.Wrt, g.Inputs, named); err != nil {
		return err
	}
	for _, y := range r.Y {
		if s.Ones {
			break
		}
		dy := &graph.Value{Name: DyName(y.Name), Value: ops.Value{Type: y.Type}}
		if named[dy.Name] != nil {
			return fmt.Errorf("autodiff: the model has a value %q already", dy.Name)
		}
		r.Dy = append(r.Dy, dy)
	}
	e := NewEmitter(table)
	dx, err := e.Gradients(r)
	if err != nil {
		return err
	}
	for i, x := range r.X {
		out := &graph.Value{Name: GradName(x.Name)}
		if named[out.Name] != nil {
			return fmt.Errorf("autodiff: the model has a value %q already", out.Name)
		}
		if err := e.alias(dx[i], out); err != nil {
			return err
		}
		g.Outputs = append(g.Outputs, out)
	}
	g.Inputs = append(g.Inputs, r.Dy...)
	g.Nodes = append(g.Nodes, e.Nodes...)
	return nil
}

// choose returns the values of the given names, each once; without names, those of all that gradients are
// defined for.
func choose(names []string, all []*graph.Value, named map[string]*graph.Value) ([]*graph.Value, error) {
	var out []*graph.Value
	if len(names) == 0 {
		for _, v := range all {
			if differentiable(v) {
				out = append(out, v)
			}
		}
		return out, nil
	}
	seen := map[*graph.Value]bool{}
	for _, name := range names {
		v := named[name]
		if v == nil {
			return nil, fmt.Errorf("autodiff: the model has no value %q", name)
		}
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out, nil
}
