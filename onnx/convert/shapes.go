package convert

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// wholeScalar makes a constant int64 of rank 0.
func (s *site) wholeScalar(v int64) (string, error) { return s.tensor(tensor.Scalar(v)), nil }

// reshapeInput turns the shape of a Reshape into an input.
func reshapeInput(s *site) error {
	s.del("consumed_inputs")
	a, err := s.given("shape")
	if err != nil {
		return err
	}
	if a == nil {
		return fmt.Errorf("no attribute shape")
	}
	s.del("shape")
	s.setIn(1, s.vector(a.Ints...))
	return nil
}

// reshapeAttribute turns the shape of a Reshape into an attribute.
func reshapeAttribute(s *site) error {
	shape, err := s.ints(1)
	if err == nil {
		s.cutIn(1)
		s.set(onnx.NewInts("shape", shape...))
	}
	return err
}

// reshapeNoZero drops allowzero where the shape has no zero. Sizes that follow from those of inputs are taken
// to be positive.
func reshapeNoZero(s *site) error {
	v := s.value(s.in(1))
	if shape, ok := v.Ints(); ok {
		if !slices.Contains(shape, 0) {
			s.del("allowzero")
		}
		return nil
	}
	for _, e := range v.Elems {
		if n, ok := e.Const(); ok && n == 0 {
			return nil
		}
	}
	if v.Elems != nil {
		s.del("allowzero")
	}
	return nil
}

// sliceInputs turns the bounds of a Slice into inputs.
func sliceInputs(s *site) error {
	for i, name := range []string{"starts", "ends", "axes"} {
		a, err := s.given(name)
		if err != nil {
			return err
		}
		if a != nil {
			s.del(name)
			s.setIn(i+1, s.vector(a.Ints...))
		}
	}
	return nil
}

// sliceAttributes turns the bounds of a Slice into attributes.
func sliceAttributes(s *site) error {
	for i, name := range []string{"starts", "ends", "axes", "steps"} {
		if s.in(i+1) == "" {
			continue
		}
		v, err := s.ints(i + 1)
		if err != nil {
			return err
		}
		if name != "steps" {
			s.set(onnx.NewInts(name, v...))
		} else if slices.ContainsFunc(v, func(x int64) bool { return x != 1 }) {
			return fmt.Errorf("steps %v, where version %d takes each element", v, s.to)
		}
	}
	s.cutIn(1)
	return nil
}

// slicePositive makes constant axes of a Slice count from the front.
func slicePositive(s *site) error {
	axes, err := s.ints(3)
	if err != nil || !slices.ContainsFunc(axes, negative) {
		return nil
	}
	rank, err := s.rank(0)
	if err == nil {
		s.setIn(3, s.vector(fromFront(axes, rank)...))
	}
	return err
}

// shapeSlice cuts the part of a shape out of the whole.
func shapeSlice(s *site) error {
	start, err := s.int("start", 0)
	if err != nil {
		return err
	}
	end, err := s.given("end")
	if err != nil || start == 0 && end == nil {
		s.del("start")
		return err
	}
	s.del("start", "end")
	stop := int64(1) << 31
	if end != nil {
		stop = end.I
	}
	inner, outer := s.detach(0)
	s.emitAfter(outer, "Slice", []string{inner, s.vector(start), s.vector(stop), s.vector(0)})
	return nil
}

// padInputs turns the sizes and the value of a Pad into inputs.
func padInputs(s *site) error {
	pads, err := s.given("pads")
	if err != nil {
		return err
	}
	value, err := s.given("value")
	if err != nil {
		return err
	}
	s.del("pads", "value")
	if pads != nil {
		s.setIn(1, s.vector(pads.Ints...))
	}
	if value == nil || value.F == 0 {
		return nil
	}
	d, err := s.dtype(0)
	if err != nil {
		return err
	}
	name, err := s.scalar(d, float64(value.F))
	s.setIn(2, name)
	return err
}

// padAttributes turns the sizes and the value of a Pad into attributes.
func padAttributes(s *site) error {
	pads, err := s.ints(1)
	if err != nil {
		return err
	}
	s.set(onnx.NewInts("pads", pads...))
	if s.in(2) != "" {
		v, err := s.floatOf(2)
		if err != nil {
			return err
		}
		s.set(onnx.NewFloat("value", v))
	}
	s.cutIn(1)
	return nil
}

// floatOf returns input i, a constant number that a float attribute can hold.
func (s *site) floatOf(i int) (float32, error) {
	t, err := s.constant(i)
	if err != nil {
		return 0, err
	}
	v := tensor.Float64s(t, 1)
	if t.Len() != 1 || len(v) != 1 || float64(float32(v[0])) != v[0] && v[0] == v[0] {
		return 0, fmt.Errorf("input %d (%s) is not one number that a float attribute can hold", i, s.in(i))
	}
	return float32(v[0]), nil
}

// padAllAxes writes the sizes for all axes of a Pad.
func padAllAxes(s *site) error {
	if err := oneOf("mode", "constant", "reflect", "edge")(s); err != nil || s.in(3) == "" {
		return err
	}
	axes, err := s.ints(3)
	if err != nil {
		return err
	}
	pads, err := s.ints(1)
	if err != nil {
		return err
	}
	rank, err := s.rank(0)
	if err != nil {
		return err
	}
	full := make([]int64, 2*rank)
	for i, a := range fromFront(axes, rank) {
		if a < 0 || a >= int64(rank) || len(pads) != 2*len(axes) {
			return fmt.Errorf("%d sizes for axes %v of rank %d", len(pads), axes, rank)
		}
		full[a], full[int(a)+rank] = pads[i], pads[len(axes)+i]
	}
	s.cutIn(3)
	s.setIn(1, s.vector(full...))
	return nil
}

// tileAll writes the repeats of all axes.
func tileAll(s *site) error {
	rank, err := s.rank(0)
	if err != nil {
		return err
	}
	tiles, err := s.whole(1)
	if err != nil {
		return err
	}
	axis, err := s.whole(2)
	if err != nil {
		return err
	}
	if axis < 0 || axis >= int64(rank) {
		return fmt.Errorf("axis %d of rank %d", axis, rank)
	}
	repeats := slices.Repeat([]int64{1}, rank)
	repeats[axis] = tiles
	s.cutIn(1)
	s.setIn(1, s.vector(repeats...))
	return nil
}

// whole returns input i, one constant number of any type, as an integer.
func (s *site) whole(i int) (int64, error) {
	t, err := s.constant(i)
	if err != nil {
		return 0, err
	}
	v := tensor.Float64s(t, 1)
	if t.Len() != 1 || len(v) != 1 || v[0] != float64(int64(v[0])) {
		return 0, fmt.Errorf("input %d (%s) is not one integer", i, s.in(i))
	}
	return int64(v[0]), nil
}

// tileEach repeats along one axis after the other.
func tileEach(s *site) error {
	repeats, err := s.ints(1)
	if err != nil {
		return err
	}
	d, err := s.dtype(0)
	if err != nil {
		return err
	}
	x := s.in(0)
	for axis, n := range repeats {
		if n == 1 {
			continue
		}
		tiles, err := s.scalar(d, float64(n))
		if err != nil {
			return err
		}
		at, err := s.scalar(d, float64(axis))
		if err != nil {
			return err
		}
		x = s.emit("Tile", []string{x, tiles, at})
	}
	return s.replaceBy("Identity", []string{x})
}

// topKInput turns k into an input.
func topKInput(s *site) error {
	k, err := s.int("k", 0)
	if err == nil {
		s.del("k")
		s.setIn(1, s.vector(k))
	}
	return err
}

// topKAttribute turns k into an attribute.
func topKAttribute(s *site) error {
	k, err := s.whole(1)
	if err == nil {
		s.cutIn(1)
		s.set(onnx.NewInt("k", k))
	}
	return err
}

// topKSmallest looks for the largest of the negative where the smallest are wanted. Results that need no order
// may have one.
func topKSmallest(s *site) error {
	largest, err := s.int("largest", 1)
	if err != nil {
		return err
	}
	s.del("largest", "sorted")
	if largest != 0 {
		return nil
	}
	s.setIn(0, s.emit("Neg", []string{s.in(0)}))
	if s.node.Outputs[0] != "" {
		inner, outer := s.detach(0)
		s.emitAfter(outer, "Neg", []string{inner})
	}
	return nil
}

// scatterDown calls ScatterElements by its older name.
func scatterDown(s *site) error {
	s.node.OpType = "Scatter"
	return positiveAxis("axis")(s)
}

// centerCropPad cuts and pads to known sizes.
func centerCropPad(s *site) error {
	shape, err := s.shape(0)
	if err != nil {
		return err
	}
	want, err := s.ints(1)
	if err != nil {
		return err
	}
	axes, err := s.given("axes")
	if err != nil {
		return err
	}
	rank := len(shape)
	var list []int64
	if axes != nil {
		list = fromFront(axes.Ints, rank)
	} else {
		for i := range rank {
			list = append(list, int64(i))
		}
	}
	if len(list) != len(want) {
		return fmt.Errorf("%d sizes for %d axes", len(want), len(list))
	}
	starts, ends, pads := make([]int64, len(list)), make([]int64, len(list)), make([]int64, 2*rank)
	for i, a := range list {
		if a < 0 || a >= int64(rank) {
			return fmt.Errorf("axis %d of rank %d", a, rank)
		}
		have := int64(shape[a])
		starts[i], ends[i] = 0, have
		if more := want[i] - have; more > 0 {
			pads[a], pads[int(a)+rank] = more/2, more-more/2
		} else {
			starts[i] = -more / 2
			ends[i] = starts[i] + want[i]
		}
	}
	x := s.emit("Slice", []string{s.in(0), s.vector(starts...), s.vector(ends...), s.vector(list...)})
	return s.replaceBy("Pad", []string{x, s.vector(pads...)})
}
