package ops

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// zipMapKeys returns the keys of the maps that ZipMap makes.
func zipMapKeys(a Attrs) (*tensor.Tensor, error) {
	l := mlClassLabels(a, "classlabels_int64s", "classlabels_strings")
	if err := l.check(1); err != nil {
		return nil, err
	}
	if len(l.strs) > 0 {
		return tensor.FromSlice(l.strs), nil
	}
	return tensor.FromSlice(l.ints), nil
}

func zipMapInfer(c *InferCtx) error {
	keys, err := zipMapKeys(c.Attrs)
	if err != nil {
		return err
	}
	value := TensorType(tensor.Float32)
	c.SetType(0, SequenceOf(Type{Kind: tensor.KindMap, DType: tensor.Float32, Elem: &value, Key: keys.DType()}))
	return nil
}

// zipMapKernel makes a map of every row of scores. All maps share the keys.
func zipMapKernel(k *KernelCtx) (Kernel, error) {
	keys, err := zipMapKeys(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	n := keys.Len()
	return Kernel{Run: func(c *Call) error {
		rows, width, err := mlRows(c.In[0].Shape())
		if err != nil {
			return err
		}
		if width != n {
			return fmt.Errorf("ops: %d scores per row for %d class labels", width, n)
		}
		x := slices.Clone(tensor.Of[float32](c.In[0]))
		vals := tensor.Scalars(x)
		maps := make([]*tensor.Tensor, rows)
		for r := range maps {
			if maps[r], err = tensor.NewMap(keys, vals[r*n:(r+1)*n]...); err != nil {
				return err
			}
		}
		c.Put(0, tensor.NewSequence(tensor.Float32, maps...))
		return nil
	}}, nil
}

// dictVocabulary returns the keys of DictVectorizer by column.
func dictVocabulary(a Attrs) *tensor.Tensor {
	if s := a.StrList("string_vocabulary"); len(s) > 0 {
		return tensor.FromSlice(s)
	}
	return tensor.FromSlice(a.IntList("int64_vocabulary"))
}

// dictVectorizerInfer infers a row of the vocabulary's length, of the type of the map's values.
func dictVectorizerInfer(c *InferCtx) error {
	d := c.Type(0).DType
	if e := c.Type(0).Elem; e != nil {
		d = e.DType
	}
	c.Set(0, d, sym.Const(1), sym.Const(int64(dictVocabulary(c.Attrs).Len())))
	return nil
}

func dictVectorizerKernel(k *KernelCtx) (Kernel, error) {
	index, err := newIndex(dictVocabulary(k.Attrs))
	n := dictVocabulary(k.Attrs).Len()
	return Kernel{Run: func(c *Call) error {
		m := c.In[0]
		if m.Kind() != tensor.KindMap {
			return fmt.Errorf("ops: input is a %v, want a map", m.Kind())
		}
		y, err := c.Alloc(0, m.DType(), 1, n)
		if err != nil {
			return err
		}
		clear(y.Bytes())
		return index.eachKey(m.Keys(), func(i, key int) {
			if key < 0 {
				return
			}
			v := m.Elems()[i]
			if v.DType() != m.DType() || v.Len() < 1 {
				return
			}
			if m.DType() == tensor.String {
				y.Strings()[key] = v.Strings()[0]
			} else {
				size := m.DType().Size()
				copy(y.Bytes()[key*size:(key+1)*size], v.Bytes())
			}
		})
	}}, err
}

// castMapWidth is the number of columns that CastMap puts out, -1 if it depends on the map.
func castMapWidth(a Attrs) (int, error) {
	if a.Str("map_form") != "SPARSE" {
		return -1, nil
	}
	n := a.IntOr("max_map", 1)
	if n < 1 || n > math.MaxInt32 {
		return 0, fmt.Errorf("ops: max_map is %d", n)
	}
	return n, nil
}

func castMapType(a Attrs) (tensor.DType, error) {
	switch s := a.Str("cast_to"); s {
	case "TO_FLOAT", "":
		return tensor.Float32, nil
	case "TO_INT64":
		return tensor.Int64, nil
	case "TO_STRING":
		return tensor.String, nil
	default:
		return 0, fmt.Errorf("ops: cast_to is %q", s)
	}
}

func castMapInfer(c *InferCtx) error {
	d, err := castMapType(c.Attrs)
	if err != nil {
		return err
	}
	n, err := castMapWidth(c.Attrs)
	if err != nil {
		return err
	}
	w := c.Fresh()
	if n >= 0 {
		w = sym.Const(int64(n))
	}
	c.Set(0, d, sym.Const(1), w)
	return nil
}

// castMapKernel lists the values of a map with integer keys by ascending key, or puts each at the column of its key.
func castMapKernel(k *KernelCtx) (Kernel, error) {
	d, err := castMapType(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	width, err := castMapWidth(k.Attrs)
	return Kernel{Run: func(c *Call) error {
		m := c.In[0]
		if m.Kind() != tensor.KindMap || m.Keys().DType() != tensor.Int64 {
			return fmt.Errorf("ops: input is a %v, want a map with int64 keys", m.Kind())
		}
		keys := tensor.Of[int64](m.Keys())
		order := make([]int, len(keys))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int {
			if keys[a] < keys[b] {
				return -1
			}
			return 1
		})
		n := width
		if n < 0 {
			n = len(keys)
		}
		y, err := c.Alloc(0, d, 1, n)
		if err != nil {
			return err
		}
		clear(y.Bytes())
		if d == tensor.String && width >= 0 {
			for i := range y.Strings() {
				y.Strings()[i] = "0.f"
			}
		}
		for pos, i := range order {
			if width >= 0 {
				if pos = int(keys[i]); keys[i] < 0 || keys[i] >= int64(n) {
					continue
				}
			}
			if err := castMapValue(y, pos, m.Elems()[i]); err != nil {
				return err
			}
		}
		return nil
	}}, err
}

// castMapValue writes one value of a map, a number or a string, as element i of y.
func castMapValue(y *tensor.Tensor, i int, v *tensor.Tensor) error {
	var f float64
	var s string
	if v.Len() < 1 {
		return fmt.Errorf("ops: a map value has no elements")
	}
	switch v.DType() {
	case tensor.String:
		s = v.Strings()[0]
		var err error
		if f, err = strconv.ParseFloat(s, 64); err != nil && y.DType() != tensor.String {
			return fmt.Errorf("ops: map value %q is no number", s)
		}
	default:
		num := tensor.Float64s(v, 1)
		if len(num) == 0 {
			return fmt.Errorf("ops: map value of type %v", v.DType())
		}
		f, s = num[0], strconv.FormatFloat(num[0], 'f', 6, 64)
	}
	switch y.DType() {
	case tensor.Float32:
		tensor.Of[float32](y)[i] = float32(f)
	case tensor.Int64:
		tensor.Of[int64](y)[i] = int64(f)
	default:
		y.Strings()[i] = s
	}
	return nil
}
