package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/tensor"
)

// onnxrun Roll is what the optimiser puts in the place of two slices of a tensor that are concatenated in the other order:
// along each of the axes, element i of Y is element (i+shift) mod n of X.

// rollMax bounds the axes of a tensor that is rolled.
const rollMax = 8

// roll is a bound Roll.
type roll struct {
	axes, shifts []int64
	calls        sync.Pool // of *rollCall
}

// rollCall is the state of one call.
type rollCall struct {
	dims, strides [rollMax]int
	copy          move.Copy
}

func rollKernel(k *KernelCtx) (Kernel, error) {
	r := &roll{axes: k.IntList("axes"), shifts: k.IntList("shifts")}
	if len(r.axes) != len(r.shifts) || k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("Roll of %v along %v by %v", k.DType(0), r.axes, r.shifts)
	}
	r.calls.New = func() any { return new(rollCall) }
	return Kernel{Run: r.run}, nil
}

func (r *roll) run(c *Call) error {
	x, y, shape := c.In[0], c.Out[0], c.In[0].Shape()
	if len(shape) > rollMax || !y.Shape().Equal(shape) {
		return fmt.Errorf("ops: Roll of %v to %v", shape, y.Shape())
	}
	for i, a := range r.axes {
		if a < 0 || int(a) >= len(shape) || r.shifts[i] < 0 || int(r.shifts[i]) > shape[a] {
			return fmt.Errorf("ops: Roll of %v along axis %d by %d", shape, a, r.shifts[i])
		}
	}
	w := r.calls.Get().(*rollCall)
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		w.strides[i] = step
		step *= shape[i]
	}
	for part := range 1 << len(r.axes) {
		copy(w.dims[:], shape)
		w.copy = move.Copy{Dims: w.dims[:len(shape)], DstStride: w.strides[:len(shape)], SrcStride: w.strides[:len(shape)], Width: x.DType().ByteLen(1)}
		for i, a := range r.axes {
			shift := int(r.shifts[i])
			if part>>i&1 == 0 { // what lies behind the shift comes first
				w.dims[a] = shape[a] - shift
				w.copy.SrcOff += shift * w.strides[a]
			} else {
				w.dims[a] = shift
				w.copy.DstOff += (shape[a] - shift) * w.strides[a]
			}
		}
		move.Strided(y.Bytes(), x.Bytes(), w.copy, c.Threads)
	}
	w.copy = move.Copy{}
	r.calls.Put(w)
	return nil
}
