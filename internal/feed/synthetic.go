package feed

import (
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// maxSynthetic is the largest synthetic input, in bytes.
const maxSynthetic = 1 << 32

// Synthetic returns a seeded value for an input: floats in [0, 1), integers 0 or 1, booleans true, empty
// strings. Open dimensions take their size from Dims, or are 1. The same seed and name give the same value.
func (s *Source) Synthetic(info runtime.ValueInfo) (*tensor.Tensor, error) {
	switch info.Kind {
	case tensor.KindSequence:
		return tensor.NewSequence(info.DType), nil
	case tensor.KindOptional:
		return tensor.NewOptional(info.DType, nil), nil
	case tensor.KindTensor:
	default:
		return nil, fmt.Errorf("feed: input %q is a %v: it needs a file", info.Name, info.Kind)
	}
	shape := s.shape(info)
	n, err := shape.Count()
	if err != nil {
		return nil, fmt.Errorf("feed: input %q: %w", info.Name, err)
	}
	if int64(n) > maxSynthetic/int64(max(1, info.DType.Size())) {
		return nil, fmt.Errorf("feed: input %q of shape %v is too large to make up", info.Name, []int(shape))
	}
	if info.DType == tensor.String {
		return tensor.FromSlice(make([]string, n), shape...), nil
	}
	h := fnv.New64a()
	h.Write([]byte(info.Name))
	seed := h.Sum64() + s.Seed*golden
	r := Recipe{Name: info.Name, DType: info.DType.String(), Shape: shape, Dist: "uniform", Width: 1, Seed: fmt.Sprint(seed)}
	switch {
	case info.DType == tensor.Bool:
		r.Dist, r.Value = "const", 1.0
	case info.DType.IsInt():
		r.Dist, r.N = "randint", 2
	}
	if info.DType.Size() == 0 || storage[info.DType] == nil && !slices.Contains(narrowTypes, info.DType) {
		return tensor.New(info.DType, shape...), nil
	}
	return r.Tensor()
}

// narrowTypes are the types that recipes make by way of float32.
var narrowTypes = []tensor.DType{tensor.Float16, tensor.BFloat16}

// shape replaces the open dimensions of an input.
func (s *Source) shape(info runtime.ValueInfo) tensor.Shape {
	shape := tensor.Shape{}
	for _, d := range info.Dims {
		n := d.Value
		if n < 0 {
			n = 1
			if v, ok := s.Dims[d.Name]; ok {
				n = v
			}
		}
		shape = append(shape, n)
	}
	return shape
}
