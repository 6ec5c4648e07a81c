package nn

import (
	"fmt"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/tensor"
)

// maxElements bounds a weight.
const maxElements = 1<<31 - 1

// A weight is a tensor of the model that is trained, or kept by training, as running statistics are.
type weight struct {
	name  string
	dtype tensor.DType
	shape tensor.Shape
	init  finetune.Initializer
	value *Value
}

// Weight adds a weight of the layer that is being added, named within it, and returns it. Of a Shared layer it returns
// the one that is there already.
func (b *Builder) Weight(name string, init finetune.Initializer, dtype tensor.DType, shape ...int) *Value {
	full := b.top.below(name)
	if b.err != nil {
		return b.none()
	}
	if n, err := tensor.Shape(shape).Count(); err != nil || n == 0 || n > maxElements {
		return b.fail("weight %q has shape %v, want sizes above 0 and at most %d elements", full, shape, int64(maxElements))
	}
	if init == nil {
		return b.fail("weight %q has no initializer", full)
	}
	if w := b.byName[full]; w != nil && b.top.again {
		if !w.shape.Equal(shape) || w.dtype != dtype {
			return b.fail("weight %q is shared as %v%v, want %v%v", full, w.dtype, []int(w.shape), dtype, shape)
		}
		return w.value
	}
	switch dtype {
	case tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16:
	default:
		return b.fail("weight %q is of type %v, want floating-point numbers", full, dtype)
	}
	v, err := b.declare(full, fixedType(dtype, shape))
	if err != nil {
		return b.fail("weight %q: %w", full, err)
	}
	w := &weight{name: full, dtype: dtype, shape: tensor.Shape(shape).Clone(), init: init, value: v}
	b.weights, b.byName[full] = append(b.weights, w), w
	return v
}

// tensor returns the first elements of the weight.
func (w *weight) tensor(seed uint64) (*tensor.Tensor, error) {
	x := make([]float32, w.shape.Len())
	random := finetune.Random{Seed: seed, Stream: finetune.NamedStream(w.name)}
	if err := w.init.Fill(x, finetune.FanOf(w.shape, finetune.OutIn), random); err != nil {
		return nil, err
	}
	if w.dtype == tensor.Float32 {
		return tensor.FromSlice(x, w.shape...), nil
	}
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	return tensor.FromFloat64s(w.dtype, w.shape, wide)
}

// sized returns axis i of x, which must be a known number: layers have weights of that size.
func (b *Builder) sized(x *Value, i int) (int, bool) {
	if b.err != nil {
		return 0, false
	}
	n, ok := x.Dim(i)
	if !ok {
		b.fail("is applied to %v, want a known size of axis %d", x, i)
	}
	return n, ok
}

// ranked notes a mistake unless x is floating-point numbers of a rank between low and high.
func (b *Builder) ranked(x *Value, low, high int) bool {
	if b.err != nil {
		return false
	}
	want := fmt.Sprintf("rank %d to %d", low, high)
	if low == high {
		want = fmt.Sprintf("rank %d", low)
	}
	if r := x.Rank(); r < low || r > high {
		b.fail("is applied to %v, want %s", x, want)
		return false
	}
	return true
}

// positive notes a mistake unless the number n of the named things is above 0.
func (b *Builder) positive(what string, n int) bool {
	if b.err == nil && n <= 0 {
		b.fail("%s is %d, want a number above 0", what, n)
	}
	return b.err == nil
}
