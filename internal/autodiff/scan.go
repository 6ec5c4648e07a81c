package autodiff

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A scan collects what a Scan is made of.
type scan struct {
	first, in, out   []*graph.Value // carried values: what the node begins with, what its body takes and returns
	scanned, slices  []*graph.Value // scan inputs, and what the body takes of them
	inAxes, inBack   []int64
	stacked          []*graph.Value // what the body returns to be stacked
	outAxes, outBack []int64
}

// carry adds a carried value whose result in the body is out.
func (s *scan) carry(in, out *graph.Value) { s.in, s.out = append(s.in, in), append(s.out, out) }

// walk adds a scan input x.
func (s *scan) walk(x, slice *graph.Value, axis, back int64) {
	s.scanned, s.slices = append(s.scanned, x), append(s.slices, slice)
	s.inAxes, s.inBack = append(s.inAxes, axis), append(s.inBack, back)
}

// stack adds a stacked output.
func (s *scan) stack(v *graph.Value, axis, back int64) {
	s.stacked, s.outAxes, s.outBack = append(s.stacked, v), append(s.outAxes, axis), append(s.outBack, back)
}

// results returns what the body returns.
func (s *scan) results() []*graph.Value { return slices.Concat(s.out, s.stacked) }

// emit adds the node and returns its outputs. The inputs and outputs of the body are set.
func (s *scan) emit(e *Emitter, body *graph.Graph) ([]*graph.Value, error) {
	body.Inputs, body.Outputs = slices.Concat(s.in, s.slices), s.results()
	attrs := map[string]any{
		"num_scan_inputs": len(s.slices), "scan_input_axes": s.inAxes, "scan_input_directions": s.inBack,
		"scan_output_axes": s.outAxes, "scan_output_directions": s.outBack,
	}
	domain := ""
	if slices.ContainsFunc(s.in, func(v *graph.Value) bool { return v.Kind != tensor.KindTensor }) {
		domain = "onnxrun" // those of the standard carry no sequences
	}
	return e.nodeAround([]graph.Body{{Name: "body", Graph: body}}, len(s.out)+len(s.stacked), domain, "Scan", attrs, slices.Concat(s.first, s.scanned)...)
}

// Scan adds a Scan whose body step emits.
func (c *ruleCtx) Scan(first, xs []ops.Ref, step func(carried, slices []ops.Ref) (next, results []ops.Ref)) (last, stacked []ops.Ref) {
	last = make([]ops.Ref, len(first))
	if c.err != nil {
		return last, nil
	}
	s := &scan{}
	var carried, parts []ops.Ref
	for _, r := range first {
		v := c.value(r)
		in := &graph.Value{Name: c.w.name("carried"), Value: ops.Value{Type: v.Type}}
		s.first, s.in, carried = append(s.first, v), append(s.in, in), append(carried, c.ref(in))
	}
	for _, r := range xs {
		slice := c.w.slice(c.value(r))
		s.walk(c.value(r), slice, 0, 0)
		parts = append(parts, c.ref(slice))
	}
	nodes, _ := c.w.inside(func() error {
		next, results := step(carried, parts)
		for _, r := range next {
			s.out = append(s.out, c.value(r))
		}
		for _, r := range results {
			s.stack(c.value(r), 0, 0)
		}
		return nil
	})
	stacked = make([]ops.Ref, len(s.stacked))
	if c.err != nil {
		return last, stacked
	}
	if len(s.out) != len(first) {
		c.fail(fmt.Errorf("the step of a scan returns %d carried values, want %d", len(s.out), len(first)))
		return last, stacked
	}
	out, err := s.emit(c.w.Emitter, &graph.Graph{Name: "step", Nodes: nodes, Parent: new(graph.Graph)})
	if err != nil {
		c.fail(err)
		return last, stacked
	}
	for i, v := range out {
		if r := c.ref(v); i < len(last) {
			last[i] = r
		} else {
			stacked[i-len(last)] = r
		}
	}
	return last, stacked
}
