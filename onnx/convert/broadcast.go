package convert

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// broadcastUp aligns the second operand at the right. Before version 7 its shape was part of that of the first,
// from an axis on.
func broadcastUp(s *site) error {
	broadcast, err := s.int("broadcast", 0)
	if err != nil {
		return err
	}
	axis, err := s.given("axis")
	if err != nil {
		return err
	}
	s.del("broadcast", "axis")
	if broadcast == 0 || axis == nil {
		return nil
	}
	a, err := s.rank(0)
	if err != nil {
		return err
	}
	b, err := s.rank(1)
	if err != nil || b == 0 {
		return err
	}
	at := axis.I
	if at < 0 {
		at += int64(a)
	}
	if at < 0 || at > int64(a-b) {
		return fmt.Errorf("axis %d does not fit operands of rank %d and %d", axis.I, a, b)
	}
	s.setIn(1, s.trailingOnes(s.in(1), b, a-b-int(at)))
	return nil
}

// trailingOnes appends dimensions of size 1 to a value of a given rank.
func (s *site) trailingOnes(x string, rank, n int) string {
	if n <= 0 {
		return x
	}
	axes := make([]int64, n)
	for i := range axes {
		axes[i] = int64(rank + i)
	}
	return s.unsqueeze(x, axes...)
}

// broadcastDown writes a broadcast in the way of versions before 7, where the second operand is part of the
// first. Where it is not, known shapes are written out.
func broadcastDown(s *site) error {
	a, err := s.shape(0)
	if err != nil {
		return err
	}
	b, err := s.shape(1)
	if err != nil {
		return err
	}
	if a.Equal(b) {
		return nil
	}
	out, err := broadcastShape(a, b)
	if err != nil {
		return err
	}
	if err := s.spread(0, a, out); err != nil {
		return err
	}
	for len(b) > 0 && b[0] == 1 {
		b = b[1:]
	}
	ones := len(b)
	for ones > 0 && b[ones-1] == 1 {
		ones--
	}
	axis, part := len(out)-len(b), b[:ones]
	if !slices.Equal(part, out[axis:axis+ones]) {
		return s.spread(1, b, out)
	}
	if len(part) != len(s.value(s.in(1)).Dims) {
		if len(part) == 0 { // a single number of any rank
			part = tensor.Shape{1}
			axis = len(out) - 1
		}
		s.setIn(1, s.reshape(s.in(1), longs(part)...))
	}
	s.set(onnx.NewInt("broadcast", 1))
	s.set(onnx.NewInt("axis", int64(max(axis, 0))))
	return nil
}

// longs returns the dimensions as int64.
func longs(shape tensor.Shape) []int64 {
	out := make([]int64, len(shape))
	for i, d := range shape {
		out[i] = int64(d)
	}
	return out
}

func broadcastShape(shapes ...tensor.Shape) (tensor.Shape, error) {
	var out tensor.Shape
	for _, s := range shapes {
		for len(out) < len(s) {
			out = append(tensor.Shape{1}, out...)
		}
		for i, d := range s {
			k := len(out) - len(s) + i
			switch {
			case out[k] == 1:
				out[k] = d
			case d != 1 && d != out[k]:
				return nil, fmt.Errorf("shapes %v do not broadcast", shapes)
			}
		}
	}
	return out, nil
}

// spread repeats input i, of a known shape, until it has the shape out.
func (s *site) spread(i int, shape, out tensor.Shape) error {
	name, err := s.tiled(s.in(i), shape, out)
	s.setIn(i, name)
	return err
}

// tiled emits what repeats a value of a known shape until it has the shape out.
func (s *site) tiled(x string, shape, out tensor.Shape) (string, error) {
	if shape.Equal(out) {
		return x, nil
	}
	if s.to < 6 {
		return x, fmt.Errorf("version %d cannot spread the shape %v to %v", s.to, []int(shape), []int(out))
	}
	full := slices.Repeat([]int64{1}, len(out))
	copy(full[len(out)-len(shape):], longs(shape))
	repeats := make([]int64, len(out))
	for k := range repeats {
		if repeats[k] = 1; full[k] != int64(out[k]) {
			repeats[k] = int64(out[k])
		}
	}
	if len(shape) != len(out) {
		x = s.reshape(x, full...)
	}
	return s.emit("Tile", []string{x, s.vector(repeats...)}), nil
}

// oneShape gives all inputs of Max, Min, Mean and Sum one shape.
func oneShape(s *site) error {
	shapes := make([]tensor.Shape, len(s.node.Inputs))
	if len(shapes) < 2 {
		return nil
	}
	for i := range shapes {
		var err error
		if shapes[i], err = s.shape(i); err != nil {
			return err
		}
	}
	out, err := broadcastShape(shapes...)
	for i := 0; err == nil && i < len(shapes); i++ {
		err = s.spread(i, shapes[i], out)
	}
	return err
}

// expandDown repeats a value of known shape.
func expandDown(s *site) error {
	shape, err := s.shape(0)
	if err != nil {
		return err
	}
	want, err := s.ints(1)
	if err != nil {
		return err
	}
	target := make(tensor.Shape, len(want))
	for i, d := range want {
		target[i] = int(d)
	}
	out, err := broadcastShape(shape, target)
	if err != nil {
		return err
	}
	x, err := s.tiled(s.in(0), shape, out)
	if err != nil {
		return err
	}
	return s.replaceBy("Identity", []string{x})
}

// slopeUp aligns the slopes of PRelu at the right; before version 7 there was one for each channel.
func slopeUp(s *site) error {
	b, err := s.rank(1)
	if err != nil || b != 1 {
		return err
	}
	if shape, ok := s.value(s.in(1)).Static(); ok && shape.Len() == 1 {
		return nil
	}
	a, err := s.rank(0)
	if err == nil {
		s.setIn(1, s.trailingOnes(s.in(1), 1, a-2))
	}
	return err
}

// slopeDown gives PRelu a list of slopes.
func slopeDown(s *site) error {
	b, err := s.shape(1)
	if err != nil {
		return err
	}
	a, err := s.rank(0)
	if err != nil {
		return err
	}
	full := slices.Repeat([]int{1}, max(0, a-len(b)))
	full = append(full, b...)
	n := b.Len()
	if n != 1 && (len(full) < 2 || full[1] != n) {
		return fmt.Errorf("slopes of shape %v, where version %d takes one for each channel", []int(b), s.to)
	}
	if len(b) != 1 {
		s.setIn(1, s.reshape(s.in(1), int64(n)))
	}
	return nil
}
