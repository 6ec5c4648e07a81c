package conform

import (
	"cmp"
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// values returns the elements of a dense tensor as float64, complex ones as pairs, and nil for the packed
// types, the 8-bit floats and 64-bit integers: these are compared by their bytes.
func values(t *tensor.Tensor) []float64 {
	switch t.DType() {
	case tensor.Float32:
		return widen(tensor.Raw[float32](t))
	case tensor.Float64, tensor.Complex128:
		return tensor.Raw[float64](t)
	case tensor.Complex64:
		return widen(tensor.Raw[float32](t))
	case tensor.Float16:
		wide := make([]float32, t.Len())
		vec.FromFloat16(wide, tensor.Raw[tensor.Float16Bits](t))
		return widen(wide)
	case tensor.BFloat16:
		wide := make([]float32, t.Len())
		vec.FromBFloat16(wide, tensor.Raw[tensor.BFloat16Bits](t))
		return widen(wide)
	case tensor.Int8:
		return widen(tensor.Raw[int8](t))
	case tensor.Int16:
		return widen(tensor.Raw[int16](t))
	case tensor.Int32:
		return widen(tensor.Raw[int32](t))
	case tensor.Uint8:
		return widen(tensor.Raw[uint8](t))
	case tensor.Uint16:
		return widen(tensor.Raw[uint16](t))
	case tensor.Uint32:
		return widen(tensor.Raw[uint32](t))
	}
	return nil
}

func widen[T int8 | int16 | int32 | uint8 | uint16 | uint32 | float32](s []T) []float64 {
	out := make([]float64, len(s))
	for i, v := range s {
		out[i] = float64(v)
	}
	return out
}

// isNaN8 tells which bytes of the 8-bit floats are no numbers.
var isNaN8 = map[tensor.DType]func(byte) bool{
	tensor.Float8E4M3FN:   func(b byte) bool { return b&0x7F == 0x7F },
	tensor.Float8E4M3FNUZ: func(b byte) bool { return b == 0x80 },
	tensor.Float8E5M2:     func(b byte) bool { return b&0x7F > 0x7C },
	tensor.Float8E5M2FNUZ: func(b byte) bool { return b == 0x80 },
	tensor.Float8E8M0:     func(b byte) bool { return b == 0xFF },
}

// equalBytes compares the elements of packed and 8-bit types; the unused bits of the last byte do not count.
func equalBytes(got, want *tensor.Tensor) error {
	g, w := got.Bytes(), want.Bytes()
	isNaN := isNaN8[want.DType()]
	for i := range w {
		diff := g[i] ^ w[i]
		if used := want.Len()*want.DType().Bits() - 8*i; used < 8 {
			diff &= 1<<used - 1
		}
		if diff != 0 && (isNaN == nil || !isNaN(g[i]) || !isNaN(w[i])) {
			return mismatch("byte %d of the elements is %#x, want %#x", i, g[i], w[i])
		}
	}
	return nil
}

// alignMaps turns a pair of which one is a sequence of maps, and the other one too or a dense matrix of one
// row per map, into the values by row and ascending key, after the keys if both have them. It reports false
// for other pairs.
func alignMaps(got, want *tensor.Tensor) (lists [2][]*tensor.Tensor, ok bool) {
	if !isMaps(got) && !isMaps(want) {
		return lists, false
	}
	for i, t := range []*tensor.Tensor{got, want} {
		switch {
		case isMaps(t):
			var vals []*tensor.Tensor
			for _, m := range t.Elems() {
				keys, row := sortedMap(m)
				if isMaps(got) && isMaps(want) {
					lists[i] = append(lists[i], keys)
				}
				vals = append(vals, row...)
			}
			dense, ok := stack(vals)
			if !ok {
				return lists, false
			}
			lists[i] = append(lists[i], dense)
		case t.Kind() == tensor.KindTensor && t.Rank() == 2:
			flat, err := t.Reshaped(t.Len())
			if err != nil {
				return lists, false
			}
			lists[i] = append(lists[i], flat)
		default:
			return lists, false
		}
	}
	return lists, true
}

func isMaps(t *tensor.Tensor) bool {
	return t.Kind() == tensor.KindSequence && t.Len() > 0 && t.Elems()[0].Kind() == tensor.KindMap
}

// stack puts scalars of one numeric type into one vector.
func stack(list []*tensor.Tensor) (*tensor.Tensor, bool) {
	if len(list) == 0 {
		return nil, false
	}
	dtype := list[0].DType()
	var data []byte
	for _, v := range list {
		if v.Kind() != tensor.KindTensor || v.DType() != dtype || dtype.Size() == 0 || v.Len() != 1 {
			return nil, false
		}
		data = append(data, v.Bytes()...)
	}
	t, err := tensor.FromBytes(dtype, tensor.Shape{len(list)}, data)
	return t, err == nil
}

// sortedMap returns keys and values of a map by ascending key.
func sortedMap(m *tensor.Tensor) (keys *tensor.Tensor, vals []*tensor.Tensor) {
	order := make([]int, m.Len())
	for i := range order {
		order[i] = i
	}
	keys = m.Keys()
	if s := tensor.Of[string](keys); s != nil {
		keys = sortBy(order, s)
	} else if k := tensor.Of[int64](keys); k != nil {
		keys = sortBy(order, k)
	}
	for _, i := range order {
		vals = append(vals, m.Elems()[i])
	}
	return keys, vals
}

// sortBy sorts order by the keys it points to and returns the sorted keys.
func sortBy[T int64 | string](order []int, keys []T) *tensor.Tensor {
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(keys[a], keys[b]) })
	sorted := make([]T, len(keys))
	for i, k := range order {
		sorted[i] = keys[k]
	}
	return tensor.FromSlice(sorted)
}
