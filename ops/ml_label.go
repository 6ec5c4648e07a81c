package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// A labelMap is a mapping of elements: keys, as many values, and a value for all other elements.
type labelMap struct {
	keys, values, other *tensor.Tensor
	nan                 bool // a key that is NaN stands for NaN, not for nothing
}

// labelMapOf reads LabelEncoder of version 2 and 4: keys and values in one of several attributes.
func labelMapOf(a Attrs) (m labelMap, err error) {
	if m.keys, err = labelList(a, "keys"); err != nil {
		return m, err
	}
	if m.values, err = labelList(a, "values"); err != nil {
		return m, err
	}
	if m.other, err = a.Tensor("default_tensor"); err != nil {
		return m, err
	}
	if m.keys.Len() != m.values.Len() {
		return m, fmt.Errorf("ops: %d keys for %d values", m.keys.Len(), m.values.Len())
	}
	if m.other != nil {
		if m.other.Len() != 1 || m.other.DType() != m.values.DType() {
			return m, fmt.Errorf("ops: default_tensor has %d elements of type %v, want one of type %v", m.other.Len(), m.other.DType(), m.values.DType())
		}
		return m, nil
	}
	switch d := m.values.DType(); d {
	case tensor.String:
		m.other = tensor.FromSlice([]string{"_Unused"})
		if a.HasAttr("default_string") {
			m.other = tensor.FromSlice([]string{a.Str("default_string")})
		}
	case tensor.Float32:
		m.other = tensor.FromSlice([]float32{a.Float("default_float")})
	case tensor.Int64:
		m.other = tensor.FromSlice([]int64{int64(a.IntOr("default_int64", -1))})
	default: // the defaults of tensors: -1 for integers, -0.0 for floats
		v := -1.0
		if !d.IsInt() {
			v = 0
		}
		m.other, err = tensor.FromFloat64s(d, tensor.Shape{1}, []float64{v})
	}
	return m, err
}

func labelList(a Attrs, prefix string) (*tensor.Tensor, error) {
	t, err := a.Tensor(prefix + "_tensor")
	if err != nil {
		return nil, err
	}
	if t != nil {
		return t, nil
	}
	if s := a.StrList(prefix + "_strings"); len(s) > 0 {
		return tensor.FromSlice(s), nil
	}
	if s := a.IntList(prefix + "_int64s"); len(s) > 0 {
		return tensor.FromSlice(s), nil
	}
	if s := a.FloatList(prefix + "_floats"); len(s) > 0 {
		return tensor.FromSlice(s), nil
	}
	return nil, fmt.Errorf("ops: no attribute %s_tensor, %s_strings, %s_int64s or %s_floats", prefix, prefix, prefix, prefix)
}

// labelMap1 reads LabelEncoder of version 1: strings to their position, or back.
func labelMap1(a Attrs, in tensor.DType) (labelMap, error) {
	classes := a.StrList("classes_strings")
	pos := make([]int64, len(classes))
	for i := range pos {
		pos[i] = int64(i)
	}
	strs, ints := tensor.FromSlice(classes), tensor.FromSlice(pos)
	if in == tensor.String {
		return labelMap{keys: strs, values: ints, other: tensor.FromSlice([]int64{int64(a.IntOr("default_int64", -1))})}, nil
	}
	return labelMap{keys: ints, values: strs, other: defaultString(a)}, nil
}

func defaultString(a Attrs) *tensor.Tensor {
	if !a.HasAttr("default_string") {
		return tensor.FromSlice([]string{"_Unused"})
	}
	return tensor.FromSlice([]string{a.Str("default_string")})
}

// categoryMap reads CategoryMapper: two lists of the same length.
func categoryMap(a Attrs, in tensor.DType) (labelMap, error) {
	strs, ints := tensor.FromSlice(a.StrList("cats_strings")), tensor.FromSlice(a.IntList("cats_int64s"))
	if strs.Len() != ints.Len() {
		return labelMap{}, fmt.Errorf("ops: %d cats_strings for %d cats_int64s", strs.Len(), ints.Len())
	}
	if in == tensor.String {
		return labelMap{keys: strs, values: ints, other: tensor.FromSlice([]int64{int64(a.IntOr("default_int64", -1))})}, nil
	}
	return labelMap{keys: ints, values: strs, other: defaultString(a)}, nil
}

// labelMap2 reads version 2, where NaN equals no key; labelMap4 reads version 4, where it equals NaN.
func labelMap2(a Attrs, _ tensor.DType) (labelMap, error) { return labelMapOf(a) }

func labelMap4(a Attrs, _ tensor.DType) (labelMap, error) {
	m, err := labelMapOf(a)
	m.nan = true
	return m, err
}

// labelInfer infers the shape of the input with the element type of the values.
func labelInfer(read func(Attrs, tensor.DType) (labelMap, error)) func(*InferCtx) error {
	return func(c *InferCtx) error {
		m, err := read(c.Attrs, c.Type(0).DType)
		if err != nil {
			return err
		}
		t := c.Type(0)
		t.DType = m.values.DType()
		c.SetType(0, t)
		return nil
	}
}

func labelKernel(read func(Attrs, tensor.DType) (labelMap, error)) func(*KernelCtx) (Kernel, error) {
	return func(k *KernelCtx) (Kernel, error) {
		m, err := read(k.Attrs, k.DType(0))
		if err != nil {
			return Kernel{}, err
		}
		if d := k.DType(0); (m.keys.DType() == tensor.String) != (d == tensor.String) || m.keys.DType().IsInt() != d.IsInt() {
			return Kernel{}, fmt.Errorf("ops: keys of type %v for elements of type %v", m.keys.DType(), d)
		}
		index, err := newIndex(m.keys)
		if err != nil {
			return Kernel{}, err
		}
		if !m.nan {
			index.nan = -1
		}
		switch m.values.DType() {
		case tensor.String:
			return labelRun[string](index, m), nil
		case tensor.Int64:
			return labelRun[int64](index, m), nil
		case tensor.Int32:
			return labelRun[int32](index, m), nil
		case tensor.Int16:
			return labelRun[int16](index, m), nil
		case tensor.Float32:
			return labelRun[float32](index, m), nil
		case tensor.Float64:
			return labelRun[float64](index, m), nil
		}
		return Kernel{}, Unsupported("values of type %v", m.values.DType())
	}
}

func labelRun[V tensor.Element](index *mlIndex, m labelMap) Kernel {
	values, other := tensor.Of[V](m.values), tensor.Of[V](m.other)[0]
	d := m.values.DType()
	return Kernel{Run: func(c *Call) error {
		t := c.Out[0]
		if d == tensor.String {
			var err error
			if t, err = c.Alloc(0, d, c.In[0].Shape()...); err != nil {
				return err
			}
		}
		y := tensor.Of[V](t)
		if len(y) != c.In[0].Len() {
			return fmt.Errorf("ops: output has %d elements for %d", len(y), c.In[0].Len())
		}
		return index.eachKey(c.In[0], func(i, key int) {
			if key >= 0 {
				y[i] = values[key]
			} else {
				y[i] = other
			}
		})
	}}
}
