package nn

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Value is an input, a weight, or the result of a node of the model that a Builder writes. After a mistake the results
// of layers know nothing: their rank is -1, and applying further layers to them does nothing.
type Value struct {
	b *Builder
	v *graph.Value // nil after a mistake
}

// Builder returns the builder that the value belongs to.
func (x *Value) Builder() *Builder { return x.b }

// DType returns the element type.
func (x *Value) DType() tensor.DType {
	if x.v == nil {
		return tensor.Undefined
	}
	return x.v.DType
}

// Rank returns the number of dimensions, -1 if it is not known.
func (x *Value) Rank() int {
	if x.v == nil {
		return -1
	}
	return x.v.Rank()
}

// Dim returns dimension i, counted from the end where i is negative, if it is a known number.
func (x *Value) Dim(i int) (size int, ok bool) {
	if i < 0 {
		i += x.Rank()
	}
	if i < 0 || i >= x.Rank() {
		return 0, false
	}
	n, ok := x.v.Dims[i].Const()
	return int(n), ok && int64(int(n)) == n
}

// String returns the element type and the shape, as in float32[batch,3,224,224].
func (x *Value) String() string {
	if x.v == nil {
		return "nothing"
	}
	return x.v.Type.String()
}

// sameShape reports whether x and y have equal shapes as far as is known.
func (x *Value) sameShape(y *Value) bool {
	if x.Rank() != y.Rank() {
		return false
	}
	for i := range x.Rank() {
		d, e := x.v.Dims[i], y.v.Dims[i]
		m, known := d.Const()
		n, both := e.Const()
		if known && both && m != n {
			return false
		}
	}
	return true
}

// fixedType is the type of a weight.
func fixedType(d tensor.DType, shape tensor.Shape) ops.Type {
	dims := make([]ops.Dim, len(shape))
	for i, n := range shape {
		dims[i] = sym.Const(int64(n))
	}
	return ops.TensorType(d, dims...)
}
