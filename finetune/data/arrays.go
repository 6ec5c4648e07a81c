package data

import (
	"encoding/binary"
	"fmt"
	"hash"
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/tensor"
)

// arrays are samples that lie in memory or in mapped files, one row each.
type arrays struct {
	inputs []*arrayInput
}

// An arrayInput is the values of one input of the model for all rows.
type arrayInput struct {
	name   string
	values *tensor.Tensor // rows first, then shape
	mapped bool
	plain  []bool   // of each element of a row: no category, so that it can be standardised
	scale  *scaling // of the elements of a row, nil for none
}

// rowOf returns row i of an array, which shares its memory.
func rowOf(t *tensor.Tensor, i int) (*tensor.Tensor, error) {
	shape := t.Shape()[1:]
	n := shape.Len()
	if t.DType() == tensor.String {
		return tensor.FromSlice(t.Strings()[i*n:(i+1)*n], append([]int{}, shape...)...), nil
	}
	size := t.DType().ByteLen(n)
	return tensor.FromBytes(t.DType(), shape, t.Bytes()[i*size:(i+1)*size])
}

func (a *arrays) sample(row int, v view) (map[string]*tensor.Tensor, error) {
	out := make(map[string]*tensor.Tensor, len(a.inputs)+1)
	for _, in := range a.inputs {
		x, err := in.row(row)
		if err != nil {
			return nil, err
		}
		if v.n > 0 {
			x = v.noisy(x, in.name)
		}
		out[in.name] = x
	}
	return out, nil
}

// row returns the values of a row in memory of the process, standardised if that is wanted.
func (in *arrayInput) row(i int) (*tensor.Tensor, error) {
	x, err := rowOf(in.values, i)
	if err != nil {
		return nil, err
	}
	if in.mapped {
		if err := mmap.Guard(func() error { x = x.Clone(); return nil }); err != nil {
			return nil, err
		}
		if at := notFinite(x); at >= 0 {
			return nil, fmt.Errorf("input %q: element %d is no finite number", in.name, at)
		}
	}
	if in.scale != nil {
		x = in.scale.apply(x)
	}
	return x, nil
}

// notFinite returns the first element of a float tensor that is NaN or infinite, -1 if there is none.
func notFinite(x *tensor.Tensor) int {
	bad := func(v float64) bool { return v-v != 0 }
	switch x.DType() {
	case tensor.Float32:
		for i, v := range tensor.Of[float32](x) {
			if v-v != 0 {
				return i
			}
		}
	case tensor.Float64:
		return slices.IndexFunc(tensor.Of[float64](x), bad)
	case tensor.Float16, tensor.BFloat16:
		return slices.IndexFunc(tensor.Float64s(x, x.Len()), bad)
	}
	return -1
}

func (a *arrays) digest(row int, h hash.Hash) error {
	for _, in := range a.inputs {
		x, err := rowOf(in.values, row)
		if err != nil {
			return err
		}
		h.Write([]byte(in.name))
		h.Write([]byte{0, byte(x.DType())})
		for _, s := range x.Strings() {
			h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(s))))
			h.Write([]byte(s))
		}
		if err := mmap.Guard(func() error { h.Write(x.Bytes()); return nil }); err != nil {
			return err
		}
	}
	return nil
}

// join puts columns side by side: [rows, elements] of the given type.
func join(columns []*column, rows int, dtype tensor.DType) (*tensor.Tensor, error) {
	features := make([]*feature, len(columns))
	for i, c := range columns {
		features[i] = &feature{column: c}
	}
	return joinFeatures(features, rows, dtype)
}

// A rowError is an error at a row of a table.
type rowError struct {
	row int
	err error
}

func (e *rowError) Error() string { return e.err.Error() }

func joinFeatures(features []*feature, rows int, dtype tensor.DType) (*tensor.Tensor, error) {
	width := 0
	for _, f := range features {
		width += f.width()
	}
	if n, err := (tensor.Shape{rows, width}).Count(); err != nil || n > math.MaxInt/8 {
		return nil, fmt.Errorf("%d rows of %d values are too many", rows, width)
	}
	switch dtype {
	case tensor.String:
		return joinTexts(features, rows, width)
	case tensor.Float32:
		x := make([]float32, rows*width)
		if err := fill(x, features, rows, width); err != nil {
			return nil, err
		}
		return tensor.FromSlice(x, rows, width), nil
	}
	x := make([]float64, rows*width)
	if err := fill(x, features, rows, width); err != nil {
		return nil, err
	}
	t, err := tensor.FromFloat64s(dtype, tensor.Shape{rows, width}, x)
	if err == nil {
		return t, nil
	}
	for i, v := range x { // which one was it?
		if _, err := tensor.FromFloat64s(dtype, tensor.Shape{}, []float64{v}); err != nil {
			return nil, &rowError{i / width, fmt.Errorf("%v is no %v", v, dtype)}
		}
	}
	return nil, err
}

func joinTexts(features []*feature, rows, width int) (*tensor.Tensor, error) {
	out := make([]string, rows*width)
	at := 0
	for _, f := range features {
		words := f.words()
		if words == nil {
			return nil, fmt.Errorf("column %s holds no texts", quoted(f.name))
		}
		for i, w := range words {
			out[i*width+at] = w
		}
		at++
	}
	return tensor.FromSlice(out, rows, width), nil
}

// fill writes the features of all rows into x, [rows, width].
func fill[T float32 | float64](x []T, features []*feature, rows, width int) error {
	at := 0
	for _, f := range features {
		n := f.width()
		switch {
		case f.categories != nil:
			for i, w := range f.words() {
				if k, ok := slices.BinarySearch(f.categories, w); ok {
					x[i*width+at+k] = 1
				}
			}
		case f.numbers != nil:
			for i, v := range f.numbers {
				x[i*width+at] = T(v)
			}
		case f.lists != nil:
			for i, l := range f.lists {
				for k, v := range l {
					x[i*width+at+k] = T(v)
				}
			}
		case f.array != nil && f.array.DType() != tensor.String:
			for i, v := range tensor.Float64s(f.array, rows*n) {
				x[i/n*width+at+i%n] = T(v)
			}
		default:
			return fmt.Errorf("column %s holds no numbers", quoted(f.name))
		}
		at += n
	}
	for i, v := range x {
		if v-v != 0 {
			return &rowError{i / width, fmt.Errorf("value %d of the sample is no finite number", i%width)}
		}
	}
	return nil
}
