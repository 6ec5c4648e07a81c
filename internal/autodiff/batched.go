package autodiff

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// batched emits the gradient of Scan 8, which has a batch axis in front of all values and the lengths of the sequences:
// it is a Scan over the batch of one Scan each over the steps of a sequence. What is stacked gets zeros behind the end.
func (w *walk) batched(n *graph.Node) error {
	if len(n.In) == 0 || n.Body("body") == nil {
		return noGradient(n)
	}
	states := len(n.In) - 1 - n.Attrs.Int("num_scan_inputs")
	if states < 0 || states >= len(n.In)-1 || len(n.Out) < states {
		return noGradient(n)
	}
	outer := &scan{}
	rows := make([]*graph.Value, len(n.In))
	for i, v := range n.In {
		if v != nil {
			rows[i] = w.slice(v)
			outer.walk(v, rows[i], 0, 0)
		}
	}
	nodes, err := w.inside(func() error {
		out, err := w.sequence(n, states, rows)
		for _, v := range out {
			outer.stack(v, 0, 0)
		}
		return err
	})
	if err != nil {
		return err
	}
	outs, err := outer.emit(w.Emitter, &graph.Graph{Name: "batch", Nodes: nodes, Parent: n.Body("body").Parent})
	if err != nil {
		return err
	}
	return w.through(n, outs)
}

// slice returns a value of the type of one position along the first axis of v.
func (e *Emitter) slice(v *graph.Value) *graph.Value {
	t := v.Type
	if t.Ranked = t.Ranked && len(t.Dims) > 0; t.Ranked {
		t.Dims = t.Dims[1:]
	}
	return &graph.Value{Name: e.name("slice"), Value: ops.Value{Type: t}}
}

// sequence emits the scan over one sequence and returns what it adds to the outputs of n. rows are those of the inputs.
func (w *walk) sequence(n *graph.Node, states int, rows []*graph.Value) ([]*graph.Value, error) {
	r, err := w.replay(n, n.Body("body"))
	if err != nil {
		return nil, err
	}
	g := r.graph
	inner := &scan{first: rows[1 : 1+states]}
	for k := range states {
		inner.carry(g.Inputs[k], g.Outputs[k])
	}
	for _, v := range g.Outputs[states:] {
		inner.stack(v, 0, 0)
	}
	back := n.Attrs.IntList("directions")
	var end, rest *graph.Value // the length of the sequence, and the number of steps behind it
	for i, x := range rows[1+states:] {
		if rows[0] != nil {
			if end == nil {
				if end, rest, err = w.lengths(rows[0], x); err != nil {
					return nil, err
				}
			}
			if x, err = w.One("Slice", nil, x, w.ints(0), end, w.ints(0)); err != nil {
				return nil, err
			}
		}
		dir := int64(0)
		if i < len(back) {
			dir = back[i]
		}
		inner.walk(x, g.Inputs[states+i], 0, dir)
	}
	if err := r.settle(nil, inner.results()); err != nil {
		return nil, err
	}
	made, err := inner.emit(w.Emitter, r.graph)
	out := slices.Clone(made) // they stay those of the node
	for i := states; i < len(out) && err == nil && rest != nil; i++ {
		out[i], err = w.padded(out[i], rest)
	}
	return out, err
}

// lengths returns the length of a sequence and how many steps of x are behind it, as lists.
func (w *walk) lengths(length, x *graph.Value) (end, rest *graph.Value, err error) {
	if end, err = w.One("Reshape", nil, length, w.ints(1)); err != nil {
		return nil, nil, err
	}
	all, err := w.One("Shape", map[string]any{"end": 1}, x)
	if err != nil {
		return nil, nil, err
	}
	rest, err = w.One("Sub", nil, all, end)
	return end, rest, err
}

// padded appends zeros to the first axis of v.
func (w *walk) padded(v, count *graph.Value) (*graph.Value, error) {
	pads, err := w.One("Concat", map[string]any{"axis": 0}, w.ints(0), count)
	if err != nil {
		return nil, err
	}
	return w.One("Pad", nil, v, pads, nil, w.ints(0))
}

// ints returns a list of int64 as a constant.
func (e *Emitter) ints(v ...int64) *graph.Value { return e.Const(tensor.FromSlice(v, len(v))) }
