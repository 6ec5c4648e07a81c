package nn

import "github.com/onnxrun/onnxrun/tensor"

// Flatten joins all axes from Axis on: [batch, a, b...] becomes [batch, a*b...]. With another Axis than 1 the axes before it
// are joined, too: the result is always of rank 2.
type Flatten struct {
	Axis int // 0 stands for 1
}

// Apply adds the node.
func (l Flatten) Apply(x *Value) *Value {
	return unary(x, "Flatten", "Flatten", Attrs{"axis": orDefault(l.Axis, 1)})
}

// Reshape gives its input other dimensions. A 0 keeps the dimension of that place, one -1 takes what is left.
type Reshape struct {
	Dims []int
}

// Apply adds the node.
func (l Reshape) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("Reshape", "reshape")()
	return b.sole("Reshape", nil, x, b.integers("shape", l.Dims...))
}

// Transpose reorders axes: axis i of the result is axis Perm[i] of the input.
type Transpose struct {
	Perm []int // none: the other way round
}

// Apply adds the node.
func (l Transpose) Apply(x *Value) *Value {
	attrs := Attrs{}
	if l.Perm != nil {
		attrs["perm"] = l.Perm
	}
	return unary(x, "Transpose", "Transpose", attrs)
}

// integers adds a constant list of int64, such as a shape.
func (b *Builder) integers(name string, list ...int) *Value {
	v := make([]int64, len(list))
	for i, n := range list {
		v[i] = int64(n)
	}
	return b.Constant(name, tensor.FromSlice(v, len(v)))
}

// number adds a constant scalar.
func (b *Builder) number(name string, d tensor.DType, v float64) *Value {
	t, err := tensor.FromFloat64s(d, tensor.Shape{}, []float64{v})
	if err != nil {
		return b.fail("%w", err)
	}
	return b.Constant(name, t)
}
