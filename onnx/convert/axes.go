package convert

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
)

// positiveAxis makes an axis count from the front.
func positiveAxis(name string) func(*site) error {
	return func(s *site) error {
		a, err := s.given(name)
		if a == nil || err != nil || a.I >= 0 {
			return err
		}
		rank, err := s.rank(0)
		if err == nil {
			s.set(onnx.NewInt(name, a.I+int64(rank)))
		}
		return err
	}
}

// positiveAxes does so for the attribute axes.
func positiveAxes(s *site) error { return s.positive(0) }

// squeezePositive is positiveAxes for Squeeze.
func squeezePositive(s *site) error { return s.positive(0) }

// unsqueezePositive does so for axes of the output.
func unsqueezePositive(s *site) error {
	a, err := s.given("axes")
	if a == nil || err != nil {
		return err
	}
	return s.positive(len(a.Ints))
}

// positive makes axes count from the front in a shape that has so many dimensions more than input 0.
func (s *site) positive(more int) error {
	a, err := s.given("axes")
	if a == nil || err != nil || !slices.ContainsFunc(a.Ints, negative) {
		return err
	}
	rank, err := s.rank(0)
	if err != nil {
		return err
	}
	s.set(onnx.NewInts("axes", fromFront(a.Ints, rank+more)...))
	return nil
}

func negative(v int64) bool { return v < 0 }

// fromFront returns axes that count from the front.
func fromFront(axes []int64, rank int) []int64 {
	out := make([]int64, len(axes))
	for i, a := range axes {
		if out[i] = a; a < 0 {
			out[i] = a + int64(rank)
		}
	}
	return out
}

// axesInput turns the attribute axes into input 1.
func axesInput(s *site) error { return s.listInput("axes", 1) }

// listInput turns a list of integers from an attribute into an input. An empty list of axes, which once meant
// all of them, is left out.
func (s *site) listInput(name string, i int) error {
	a := s.node.Attr(name)
	if a == nil {
		return nil
	}
	s.del(name)
	switch {
	case a.RefAttrName != "":
		ref := &onnx.Attribute{Name: "value_ints", RefAttrName: a.RefAttrName, Type: onnx.AttrInts}
		s.setIn(i, s.emit("Constant", nil, ref))
	case len(a.Ints) > 0 || s.node.OpType == "Unsqueeze":
		s.setIn(i, s.vector(a.Ints...))
	}
	return nil
}

// axesAttribute turns input 1 into the attribute axes. No axes at all stand for all of them, or for none: then
// the operator goes over a new dimension of size 1.
func axesAttribute(s *site) error {
	var axes []int64
	if s.in(1) != "" {
		var err error
		if axes, err = s.ints(1); err != nil {
			return err
		}
	}
	noop, err := s.int("noop_with_empty_axes", 0)
	if err != nil {
		return err
	}
	s.cutIn(1)
	s.del("noop_with_empty_axes")
	switch {
	case len(axes) > 0 || s.node.OpType == "Unsqueeze":
		s.set(onnx.NewInts("axes", axes...))
	case noop != 0:
		s.setIn(0, s.unsqueeze(s.in(0), 0))
		s.set(onnx.NewInts("axes", 0))
		s.set(onnx.NewInt("keepdims", 0))
	}
	return nil
}

// splitAttribute turns input 1 of Split into the attribute split.
func splitAttribute(s *site) error {
	if s.in(1) == "" {
		return nil
	}
	sizes, err := s.ints(1)
	if err != nil {
		return err
	}
	s.cutIn(1)
	s.set(onnx.NewInts("split", sizes...))
	return nil
}

// splitInput turns the attribute split into input 1.
func splitInput(s *site) error { return s.listInput("split", 1) }

// splitCount says how many parts there are where their sizes are not given.
func splitCount(s *site) error {
	if s.in(1) == "" {
		s.set(onnx.NewInt("num_outputs", int64(len(s.node.Outputs))))
	}
	return nil
}

// splitSizes turns a number of parts into sizes, unless the parts are known to be equal.
func splitSizes(s *site) error {
	count, err := s.int("num_outputs", 0)
	if err != nil || count <= 0 {
		return err
	}
	if count != int64(len(s.node.Outputs)) {
		return fmt.Errorf("num_outputs=%d for %d outputs", count, len(s.node.Outputs))
	}
	s.del("num_outputs")
	axis, err := s.int("axis", 0)
	if err != nil {
		return err
	}
	v := s.value(s.in(0))
	if v.Ranked && axis < 0 {
		axis += int64(len(v.Dims))
	}
	if axis < 0 {
		return fmt.Errorf("the rank of input 0 (%s) is not known", s.in(0))
	}
	if v.Ranked && axis < int64(len(v.Dims)) {
		if size, ok := v.Dims[axis].Const(); ok && size%count == 0 {
			return nil
		}
	}
	size := s.emit("Slice", []string{s.emit("Shape", []string{s.in(0)}), s.vector(axis), s.vector(axis + 1)})
	more := s.emit("Add", []string{size, s.vector(count - 1)})
	each := s.emit("Div", []string{more, s.vector(count)})
	places := make([]int64, count)
	for i := range places {
		places[i] = int64(i)
	}
	rest := s.emit("Sub", []string{size, s.emit("Mul", []string{each, s.vector(places...)})})
	s.setIn(1, s.emit("Min", []string{each, s.emit("Max", []string{rest, s.vector(0)})}))
	return nil
}

// dftInput turns the axis of DFT into input 2.
func dftInput(s *site) error {
	axis, err := s.int("axis", 1)
	if err != nil {
		return err
	}
	s.del("axis")
	name, err := s.wholeScalar(axis)
	s.setIn(2, name)
	return err
}

// dftAttribute turns input 2 of DFT into an attribute.
func dftAttribute(s *site) error {
	axis := int64(-2)
	if s.in(2) != "" {
		v, err := s.ints(2)
		if err != nil || len(v) != 1 {
			return fmt.Errorf("axis: %w", err)
		}
		axis = v[0]
	}
	s.cutIn(2)
	s.set(onnx.NewInt("axis", axis))
	return nil
}
