package ops

import (
	"cmp"
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/tensor"
)

func uniqueInfer(c *InferCtx) error {
	x := c.Type(0)
	n := c.Fresh()
	switch {
	case !c.HasAttr("axis"):
		c.Set(0, x.DType, n)
	case !x.Ranked:
		c.SetType(0, x)
	default:
		axis, err := mvAxis(c.Int("axis"), len(x.Dims))
		if err != nil {
			return err
		}
		dims := slices.Clone(x.Dims)
		dims[axis] = n
		c.Set(0, x.DType, dims...)
	}
	c.Set(1, tensor.Int64, n)
	c.Set(3, tensor.Int64, n)
	inverse := c.Fresh()
	if x.Ranked && !c.HasAttr("axis") {
		inverse = mvProduct(x.Dims)
	} else if x.Ranked {
		axis, _ := mvAxis(c.Int("axis"), len(x.Dims))
		inverse = x.Dims[axis]
	}
	return mvSet(c, 2, tensor.Int64, inverse)
}

// uniqueOrder returns the function that compares elements i and j of a tensor of type d.
func uniqueOrder(d tensor.DType) (func(x *tensor.Tensor, i, j int) int, error) {
	switch d {
	case tensor.Float32:
		return uniqueFloats[float32](), nil
	case tensor.Float64:
		return uniqueFloats[float64](), nil
	case tensor.Float16:
		return uniqueHalves[tensor.Float16Bits](), nil
	case tensor.BFloat16:
		return uniqueHalves[tensor.BFloat16Bits](), nil
	case tensor.Int64:
		return uniqueOrdered[int64](), nil
	case tensor.Int32:
		return uniqueOrdered[int32](), nil
	case tensor.Int16:
		return uniqueOrdered[int16](), nil
	case tensor.Int8:
		return uniqueOrdered[int8](), nil
	case tensor.Uint64:
		return uniqueOrdered[uint64](), nil
	case tensor.Uint32:
		return uniqueOrdered[uint32](), nil
	case tensor.Uint16:
		return uniqueOrdered[uint16](), nil
	case tensor.Uint8, tensor.Bool:
		return uniqueOrdered[uint8](), nil
	case tensor.String:
		return uniqueOrdered[string](), nil
	case tensor.Complex64:
		return uniqueComplex[float32](), nil
	case tensor.Complex128:
		return uniqueComplex[float64](), nil
	}
	return nil, Unsupported("Unique of %v", d)
}

func uniqueOrdered[T interface {
	tensor.Element
	cmp.Ordered
}]() func(x *tensor.Tensor, i, j int) int {
	return func(x *tensor.Tensor, i, j int) int { return cmp.Compare(tensor.Raw[T](x)[i], tensor.Raw[T](x)[j]) }
}

func uniqueFloats[T float32 | float64]() func(x *tensor.Tensor, i, j int) int {
	return func(x *tensor.Tensor, i, j int) int { return nanLast(tensor.Of[T](x)[i], tensor.Of[T](x)[j]) }
}

func uniqueHalves[T interface {
	tensor.Element
	Float32() float32
}]() func(x *tensor.Tensor, i, j int) int {
	return func(x *tensor.Tensor, i, j int) int {
		return nanLast(tensor.Of[T](x)[i].Float32(), tensor.Of[T](x)[j].Float32())
	}
}

// uniqueComplex compares complex numbers, pairs of T, by their real and then by their imaginary parts.
func uniqueComplex[T float32 | float64]() func(x *tensor.Tensor, i, j int) int {
	return func(x *tensor.Tensor, i, j int) int {
		v := tensor.Raw[T](x)
		return cmp.Or(nanLast(v[2*i], v[2*j]), nanLast(v[2*i+1], v[2*j+1]))
	}
}

// nanLast compares numbers; NaN equals itself and comes after all others.
func nanLast[T float32 | float64](a, b T) int {
	if a != a || b != b {
		return -cmp.Compare(a, b)
	}
	return cmp.Compare(a, b)
}

func uniqueKernel(k *KernelCtx) (Kernel, error) {
	order, err := uniqueOrder(k.DType(0))
	if err != nil {
		return Kernel{}, err
	}
	attr, flat := k.Int("axis"), !k.HasAttr("axis")
	sorted := k.IntOr("sorted", 1) != 0
	return Kernel{Run: func(c *Call) error {
		x := c.In[0]
		shape, axis := tensor.Shape{x.Len()}, 0
		if !flat {
			shape = x.Shape().Clone()
			var err error
			if axis, err = mvAxis(attr, len(shape)); err != nil {
				return err
			}
		}
		outer, n, inner := mvLen(shape[:axis]), shape[axis], mvLen(shape[axis+1:])
		compare := func(a, b int) int {
			for o := range outer {
				for i := range inner {
					if r := order(x, (o*n+a)*inner+i, (o*n+b)*inner+i); r != 0 {
						return r
					}
				}
			}
			return 0
		}
		u := uniqueFind(n, compare, sorted)
		shape[axis] = len(u.first)
		if err := u.write(c, n); err != nil || c.Out[0] == nil {
			return err
		}
		y, err := mvOut(c, 0, x.DType(), shape)
		if err != nil {
			return err
		}
		if x.DType() == tensor.String {
			return move.GatherOf(y.Strings(), x.Strings(), u.first, outer, n, inner)
		}
		return move.Gather(y.Bytes(), x.Bytes(), u.first, outer, n, inner*x.DType().Size(), c.Threads)
	}}, nil
}

// uniqueGroups are the groups of equal items: where each occurs first, how many it has, and the group of each item.
type uniqueGroups struct{ first, count, inverse []int64 }

// uniqueFind groups n items: in ascending order if sorted, else in the order in which they occur.
func uniqueFind(n int, compare func(a, b int) int, sorted bool) uniqueGroups {
	items := make([]int, n)
	for i := range items {
		items[i] = i
	}
	slices.SortStableFunc(items, compare)
	u := uniqueGroups{inverse: make([]int64, n)}
	for i, item := range items {
		if i == 0 || compare(items[i-1], item) != 0 {
			u.first, u.count = append(u.first, int64(item)), append(u.count, 0)
		}
		u.inverse[item] = int64(len(u.first) - 1)
		u.count[len(u.first)-1]++
	}
	if sorted {
		return u
	}
	rank := make([]int64, len(u.first)) // new number of each group
	out := uniqueGroups{inverse: u.inverse}
	for i, g := range u.inverse {
		if u.first[g] == int64(i) {
			rank[g] = int64(len(out.first))
			out.first, out.count = append(out.first, int64(i)), append(out.count, u.count[g])
		}
		out.inverse[i] = rank[g]
	}
	return out
}

// write fills the outputs other than the first that are wanted.
func (u *uniqueGroups) write(c *Call, n int) error {
	for i, list := range [...][]int64{1: u.first, 2: u.inverse, 3: u.count} {
		if i == 0 || i >= len(c.Out) || c.Out[i] == nil {
			continue
		}
		y, err := mvOut(c, i, tensor.Int64, []int{len(list)})
		if err != nil {
			return err
		}
		copy(tensor.Of[int64](y), list)
	}
	return nil
}
