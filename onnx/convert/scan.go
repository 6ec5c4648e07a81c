package convert

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
)

// scanBatch turns a Scan of version 8, which works on each element of a batch, into a Scan over the batch
// around a Scan over the sequence.
func scanBatch(s *site) error {
	if s.in(0) != "" {
		return fmt.Errorf("sequences of different lengths, which version %d does not have", s.to)
	}
	scans, err := s.int("num_scan_inputs", 0)
	if err != nil {
		return err
	}
	body, err := s.given("body")
	if err != nil {
		return err
	}
	directions, err := s.given("directions")
	if err != nil {
		return err
	}
	s.node.Inputs = s.node.Inputs[1:]
	if body == nil || body.G == nil || scans < 1 || scans > int64(len(s.node.Inputs)) {
		return fmt.Errorf("a body for %d scanned inputs of %d", scans, len(s.node.Inputs))
	}
	name := nodeName(s.node)
	inner := &onnx.Node{Name: s.fresh(name), OpType: "Scan", Attributes: []*onnx.Attribute{onnx.NewInt("num_scan_inputs", scans), body}}
	if directions != nil && slices.Contains(directions.Ints, 1) {
		inner.Attributes = append(inner.Attributes, onnx.NewInts("scan_input_directions", directions.Ints...))
	}
	outer := &onnx.Graph{Name: s.fresh(body.G.Name), Nodes: []*onnx.Node{inner}}
	for i := range s.node.Inputs {
		v := &onnx.ValueInfo{Name: s.fresh(name)}
		if i < len(body.G.Inputs) {
			v.Type = elementType(body.G.Inputs[i].Type)
		}
		inner.Inputs = append(inner.Inputs, v.Name)
		outer.Inputs = append(outer.Inputs, v)
	}
	for i := range s.node.Outputs {
		v := &onnx.ValueInfo{Name: s.fresh(name)}
		if i < len(body.G.Outputs) {
			v.Type = elementType(body.G.Outputs[i].Type)
		}
		inner.Outputs = append(inner.Outputs, v.Name)
		outer.Outputs = append(outer.Outputs, v)
	}
	s.node.Attributes = []*onnx.Attribute{onnx.NewInt("num_scan_inputs", int64(len(s.node.Inputs))), onnx.NewGraph("body", outer)}
	return nil
}

// elementType returns a tensor type without its shape.
func elementType(t *onnx.Type) *onnx.Type {
	if t == nil {
		return nil
	}
	return &onnx.Type{Kind: t.Kind, ElemType: t.ElemType, Elem: t.Elem}
}

// scanAxes refuses axes that count from the back.
func scanAxes(s *site) error {
	for _, name := range []string{"scan_input_axes", "scan_output_axes"} {
		if a := s.node.Attr(name); a != nil && slices.ContainsFunc(a.Ints, negative) {
			return fmt.Errorf("%s=%v, where version %d counts from the front", name, a.Ints, s.to)
		}
	}
	return nil
}
