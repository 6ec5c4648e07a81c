package onnx

import (
	"errors"
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// Name returns the name of the tensor, which is that of its values.
func (s *SparseTensor) Name() string {
	if s.Values == nil {
		return ""
	}
	return s.Values.Name
}

// Tensor returns the sparse tensor. Its indices are not checked: see tensor.CheckSparse.
func (s *SparseTensor) Tensor() (*tensor.Tensor, error) {
	if s.Values == nil || s.Indices == nil {
		return nil, errors.New("onnx: a sparse tensor without values or indices")
	}
	shape := make(tensor.Shape, len(s.Dims))
	for i, d := range s.Dims {
		if shape[i] = int(d); int64(shape[i]) != d {
			return nil, fmt.Errorf("onnx: sparse tensor %q: dimension %d overflows", s.Name(), d)
		}
	}
	if _, err := shape.Count(); err != nil {
		return nil, fmt.Errorf("onnx: sparse tensor %q: %w", s.Name(), err)
	}
	values, err := s.Values.Value()
	if err != nil {
		return nil, err
	}
	indices, err := s.Indices.Value()
	if err != nil {
		return nil, err
	}
	return tensor.NewSparse(shape, values, indices), nil
}
