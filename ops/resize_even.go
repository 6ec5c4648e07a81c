package ops

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/tensor"
)

// evenCopy returns the copy that a resampling to the nearest neighbour is where the positions it takes are evenly spaced along
// every axis, as in halving, or nil.
func evenCopy(d tensor.DType, in tensor.Shape, index [][]int) *move.Copy {
	if d == tensor.String || d.Bits()%8 != 0 {
		return nil
	}
	c := &move.Copy{SrcStride: mvStrides(nil, in), Width: d.Bits() / 8}
	for a, at := range index {
		if len(at) == 0 {
			return nil
		}
		step := at[min(1, len(at)-1)] - at[0]
		for i, v := range at {
			if v != at[0]+i*step {
				return nil
			}
		}
		c.SrcOff += at[0] * c.SrcStride[a]
		c.SrcStride[a] *= step
		c.Dims = append(c.Dims, len(at))
	}
	c.DstStride = mvStrides(nil, slices.Clone(c.Dims))
	return c
}
