package nn

import (
	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/tensor"
)

// Embedding looks up a row of its weight for each of the int64 or int32 numbers of its input: [...] becomes [..., Width].
//
// Weights: weight [Count, Width], normal with standard deviation 1, as PyTorch's is.
type Embedding struct {
	Count  int
	Width  int
	Init   finetune.Initializer // nil: as above
	Weight *Value               // a weight [Count, Width] to use instead of a new one; Count and Width may then be 0
}

// Apply adds the node and its weight.
func (l Embedding) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("Embedding", "embed")()
	if d := x.DType(); b.err == nil && d != tensor.Int64 && d != tensor.Int32 {
		return b.fail("is applied to %v, want int64 or int32", x)
	}
	w := l.Weight
	if w == nil {
		if !b.positive("Count", l.Count) || !b.positive("Width", l.Width) {
			return b.none()
		}
		w = b.Weight("weight", orInit(l.Init, finetune.NormalInit{Std: 1}), tensor.Float32, l.Count, l.Width)
	}
	return b.sole("Gather", Attrs{"axis": 0}, w, x)
}

// Positions adds to a sequence [batch, sequence, width] a vector for each position, which is trained.
//
// Weights: weight [Max, width], normal with standard deviation 0.02, as GPT-2's is.
type Positions struct {
	Max  int                  // the longest sequence
	Init finetune.Initializer // nil: as above
}

// Apply adds the nodes and the weight.
func (l Positions) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("Positions", "positions")()
	if !b.ranked(x, 3, 3) || !b.positive("Max", l.Max) {
		return b.none()
	}
	width, ok := b.sized(x, 2)
	if !ok {
		return b.none()
	}
	if n, ok := x.Dim(1); ok && n > l.Max {
		return b.fail("is applied to %v, want at most Max, %d positions", x, l.Max)
	}
	w := b.Weight("weight", orInit(l.Init, finetune.NormalInit{Std: 0.02}), x.DType(), l.Max, width)
	end := b.Op("Squeeze", nil, b.Op("Shape", Attrs{"start": 1, "end": 2}, x))
	zero, one := tensor.Scalar[int64](0), tensor.Scalar[int64](1)
	ids := b.Op("Range", nil, b.Constant("start", zero), end, b.Constant("step", one))
	return b.sole("Add", nil, x, b.Op("Gather", Attrs{"axis": 0}, w, ids))
}
