package graph

import (
	"fmt"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// maxDense bounds, in bytes, what a sparse initializer may grow to when it is made dense.
const maxDense = 1 << 30

// dense returns the dense form of a sparse initializer of a type that takes whole bytes.
func dense(p *onnx.SparseTensor) (*tensor.Tensor, error) {
	s, err := p.Tensor()
	if err != nil {
		return nil, err
	}
	if err := tensor.CheckSparse(s); err != nil {
		return nil, err
	}
	size := s.DType().Size()
	n, err := s.Shape().Count()
	if err != nil || size == 0 || n > maxDense/size {
		return nil, fmt.Errorf("sparse initializer %q of %v%v cannot be made dense", p.Name(), s.DType(), []int(s.Shape()))
	}
	out := tensor.New(s.DType(), s.Shape()...)
	values, indices := s.Elems()[0], tensor.Of[int64](s.Elems()[1])
	rank, strides := 1, []int{1}
	if s.Elems()[1].Rank() == 2 {
		rank, strides = s.Rank(), s.Shape().Strides()
	}
	for i := range values.Len() {
		at := 0
		for k := range rank {
			at += int(indices[i*rank+k]) * strides[k]
		}
		copy(out.Bytes()[at*size:(at+1)*size], values.Bytes()[i*size:])
	}
	return out, nil
}
