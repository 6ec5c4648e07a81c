package autodiff

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
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

// emit adds the node and returns its outputs. The formal inputs of the body are set.
func (s *scan) emit(e *Emitter, body *graph.Graph) ([]*graph.Value, error) {
	body.Inputs = slices.Concat(s.in, s.slices)
	attrs := map[string]any{
		"num_scan_inputs": len(s.slices), "scan_input_axes": s.inAxes, "scan_input_directions": s.inBack,
		"scan_output_axes": s.outAxes, "scan_output_directions": s.outBack,
	}
	return e.nodeAround([]graph.Body{{Name: "body", Graph: body}}, len(s.out)+len(s.stacked), "", "Scan", attrs, slices.Concat(s.first, s.scanned)...)
}
