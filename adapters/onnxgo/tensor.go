package onnxgo

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"

	gorgonia "gorgonia.org/tensor"

	format "github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// fromGorgonia returns a tensor over the elements of t, which are copied only if they do not lie in row order.
func fromGorgonia(t gorgonia.Tensor) (*tensor.Tensor, error) {
	d, ok := t.(*gorgonia.Dense)
	if !ok {
		return nil, fmt.Errorf("tensor of type %T, want *tensor.Dense", t)
	}
	if d.IsMasked() {
		return nil, errors.New("masked tensor")
	}
	switch d.Dtype().Kind() {
	case reflect.Float32:
		return arrange(d, d.Float32s())
	case reflect.Float64:
		return arrange(d, d.Float64s())
	case reflect.Int8:
		return arrange(d, d.Int8s())
	case reflect.Int16:
		return arrange(d, d.Int16s())
	case reflect.Int32:
		return arrange(d, d.Int32s())
	case reflect.Int64:
		return arrange(d, d.Int64s())
	case reflect.Int:
		wide := make([]int64, len(d.Ints()))
		for i, v := range d.Ints() {
			wide[i] = int64(v)
		}
		return arrange(d, wide)
	case reflect.Uint8:
		return arrange(d, d.Uint8s())
	case reflect.Uint16:
		return arrange(d, d.Uint16s())
	case reflect.Uint32:
		return arrange(d, d.Uint32s())
	case reflect.Uint64:
		return arrange(d, d.Uint64s())
	case reflect.Bool:
		return arrange(d, d.Bools())
	case reflect.String:
		return arrange(d, d.Strings())
	case reflect.Complex64:
		return arrange(d, d.Complex64s())
	case reflect.Complex128:
		return arrange(d, d.Complex128s())
	}
	return nil, fmt.Errorf("elements of type %v", d.Dtype())
}

// arrange gives the elements of d, which may be a transposed or cut view, a shape.
func arrange[T tensor.Element](d *gorgonia.Dense, v []T) (*tensor.Tensor, error) {
	shape := tensor.Shape(slices.Clone([]int(d.Shape())))
	n, err := shape.Count()
	if err != nil {
		return nil, err
	}
	strides := d.Strides()
	if n <= 1 || len(strides) != len(shape) || slices.Equal(strides, shape.Strides()) {
		if len(v) < n {
			return nil, fmt.Errorf("%d elements for shape %v", len(v), shape)
		}
		return tensor.FromSlice(v[:n:n], shape...), nil
	}
	out, at := make([]T, n), make([]int, len(shape))
	for i := range out {
		from := 0
		for k, p := range at {
			from += p * strides[k]
		}
		if from < 0 || from >= len(v) {
			return nil, fmt.Errorf("strides %v lead out of %d elements", strides, len(v))
		}
		out[i] = v[from]
		for k := len(at) - 1; k >= 0; k-- {
			if at[k]++; at[k] < shape[k] {
				break
			}
			at[k] = 0
		}
	}
	return tensor.FromSlice(out, shape...), nil
}

// dtypes are the element types that gorgonia and ONNX share.
var dtypes = map[gorgonia.Dtype]tensor.DType{
	gorgonia.Float32: tensor.Float32, gorgonia.Float64: tensor.Float64,
	gorgonia.Int8: tensor.Int8, gorgonia.Int16: tensor.Int16, gorgonia.Int32: tensor.Int32, gorgonia.Int64: tensor.Int64,
	gorgonia.Uint8: tensor.Uint8, gorgonia.Uint16: tensor.Uint16, gorgonia.Uint32: tensor.Uint32, gorgonia.Uint64: tensor.Uint64,
}

// recast converts numbers to a declared type. onnx-go's own users feed int64 inputs as float32.
func recast(t *tensor.Tensor, declared gorgonia.Dtype) (*tensor.Tensor, error) {
	want, ok := dtypes[declared]
	if !ok || want == t.DType() {
		return t, nil
	}
	cast := func(t *tensor.Tensor, to tensor.DType) (*tensor.Tensor, error) {
		out, err := ops.Default().Find("", "Cast", timeOf).Eval(ops.Attrs{format.NewInt("to", int64(to))}, 1, t)
		if err != nil {
			return nil, err
		}
		return out[0], nil
	}
	out, err := cast(t, want)
	if err != nil {
		return nil, err
	}
	if back, err := cast(out, t.DType()); err != nil || !bytes.Equal(back.Bytes(), t.Bytes()) {
		return nil, fmt.Errorf("elements of type %v cannot be turned into %v as the model wants them", t.DType(), want)
	}
	return out, nil
}

// toGorgonia returns a tensor over the elements of t.
func toGorgonia(t *tensor.Tensor) (gorgonia.Tensor, error) {
	if t.Kind() != tensor.KindTensor {
		return nil, fmt.Errorf("a %v has no place in a tensor.Dense", t.Kind())
	}
	var backing any
	switch t.DType() {
	case tensor.Float32:
		backing = tensor.Of[float32](t)
	case tensor.Float64:
		backing = tensor.Of[float64](t)
	case tensor.Int8:
		backing = tensor.Of[int8](t)
	case tensor.Int16:
		backing = tensor.Of[int16](t)
	case tensor.Int32:
		backing = tensor.Of[int32](t)
	case tensor.Int64:
		backing = tensor.Of[int64](t)
	case tensor.Uint8:
		backing = tensor.Of[uint8](t)
	case tensor.Uint16:
		backing = tensor.Of[uint16](t)
	case tensor.Uint32:
		backing = tensor.Of[uint32](t)
	case tensor.Uint64:
		backing = tensor.Of[uint64](t)
	case tensor.Bool:
		backing = tensor.Of[bool](t)
	case tensor.String:
		backing = t.Strings()
	case tensor.Complex64:
		backing = tensor.Of[complex64](t)
	case tensor.Complex128:
		backing = tensor.Of[complex128](t)
	default:
		return nil, fmt.Errorf("elements of type %v have no place in a tensor.Dense", t.DType())
	}
	return gorgonia.New(gorgonia.WithShape(t.Shape()...), gorgonia.WithBacking(backing)), nil
}
