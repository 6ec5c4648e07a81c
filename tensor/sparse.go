package tensor

import "fmt"

// Ints returns a copy of the elements of a dense tensor of whole bytes of integers, or nil for other types.
func Ints(t *Tensor) []int64 {
	switch t.dtype {
	case Int8:
		return widenInts(Raw[int8](t))
	case Int16:
		return widenInts(Raw[int16](t))
	case Int32:
		return widenInts(Raw[int32](t))
	case Int64:
		return widenInts(Raw[int64](t))
	case Uint8:
		return widenInts(Raw[uint8](t))
	case Uint16:
		return widenInts(Raw[uint16](t))
	case Uint32:
		return widenInts(Raw[uint32](t))
	case Uint64:
		return widenInts(Raw[uint64](t))
	}
	return nil
}

func widenInts[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](s []T) []int64 {
	out := make([]int64, len(s))
	for i, v := range s {
		out[i] = int64(v)
	}
	return out
}

// CheckSparse checks a sparse tensor: values [NNZ], and int64 indices [NNZ] or [NNZ, rank] that ascend and lie
// in the shape.
func CheckSparse(t *Tensor) error {
	if _, err := t.shape.Count(); err != nil {
		return err
	}
	values, indices := t.elems[0], t.elems[1]
	if values.Rank() != 1 || values.kind != KindTensor {
		return fmt.Errorf("sparse tensor: values of shape %v, want one dimension", values.shape)
	}
	if indices.dtype != Int64 {
		return fmt.Errorf("sparse tensor: indices of %v, want int64", indices.dtype)
	}
	n, rank := values.shape[0], len(t.shape)
	idx := Of[int64](indices)
	switch {
	case indices.shape.Equal(Shape{n}):
		return checkLinear(idx, int64(t.shape.Len()))
	case indices.shape.Equal(Shape{n, rank}):
		return checkCoords(idx, t.shape)
	}
	return fmt.Errorf("sparse tensor: indices of shape %v for %d values of rank %d", indices.shape, n, rank)
}

func checkLinear(idx []int64, size int64) error {
	last := int64(-1)
	for i, v := range idx {
		if v <= last || v >= size {
			return fmt.Errorf("sparse tensor: index %d is %d after %d, in a tensor of %d elements", i, v, last, size)
		}
		last = v
	}
	return nil
}

func checkCoords(idx []int64, shape Shape) error {
	last, rank := int64(-1), len(shape)
	for i := 0; rank > 0 && i+rank <= len(idx); i += rank {
		at := int64(0)
		for k, d := range shape {
			v := idx[i+k]
			if v < 0 || v >= int64(d) {
				return fmt.Errorf("sparse tensor: index %v lies outside %v", idx[i:i+rank], shape)
			}
			at = at*int64(d) + v
		}
		if at <= last {
			return fmt.Errorf("sparse tensor: index %v does not ascend", idx[i:i+rank])
		}
		last = at
	}
	return nil
}
