package convert

import (
	"fmt"

	"github.com/onnxrun/onnxrun/onnx"
)

// flattened takes Softmax and its kin from version 11, where all dimensions from the axis on are normalised
// together, to version 13, where only one is: unless it is the last anyway, the input goes through two
// dimensions.
func flattened(s *site) error {
	axis, err := s.int("axis", 1)
	if err != nil {
		return err
	}
	rank, err := s.rank(0)
	if err != nil {
		rank = -1
	} else if axis < 0 {
		axis += int64(rank)
	}
	s.set(onnx.NewInt("axis", -1))
	if axis == int64(rank)-1 || axis == -1 {
		return nil
	}
	x := s.in(0)
	shape := s.emit("Shape", []string{x})
	s.setIn(0, s.emit("Flatten", []string{x}, onnx.NewInt("axis", axis)))
	inner, outer := s.detach(0)
	s.emitAfter(outer, "Reshape", []string{inner, shape})
	return nil
}

// unflattened takes them back: a dimension that is not the last is moved there.
func unflattened(s *site) error {
	axis, err := s.int("axis", -1)
	if err != nil {
		return err
	}
	s.set(onnx.NewInt("axis", axis))
	if axis == -1 {
		return nil
	}
	rank, err := s.rank(0)
	if err != nil {
		return err
	}
	last := int64(rank) - 1
	if axis < 0 {
		axis += int64(rank)
	}
	if axis < 0 || axis > last {
		return fmt.Errorf("axis %d of rank %d", axis, rank)
	}
	s.set(onnx.NewInt("axis", last))
	if axis == last {
		return nil
	}
	perm := make([]int64, rank)
	for i := range perm {
		perm[i] = int64(i)
	}
	perm[axis], perm[last] = last, axis
	s.setIn(0, s.emit("Transpose", []string{s.in(0)}, onnx.NewInts("perm", perm...)))
	inner, outer := s.detach(0)
	s.emitAfter(outer, "Transpose", []string{inner}, onnx.NewInts("perm", perm...))
	return nil
}
