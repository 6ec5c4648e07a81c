package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// mlIndex finds keys of one element type in a list of keys. Zeros of both signs are one key, and so are all NaN.
type mlIndex struct {
	ints   map[int64]int
	floats map[float64]int
	strs   map[string]int
	nan    int
}

// newIndex indexes keys that hold one of the three lists; of equal keys the first one counts.
func newIndex(keys *tensor.Tensor) (*mlIndex, error) {
	x := &mlIndex{nan: -1}
	switch d := keys.DType(); {
	case d == tensor.String:
		x.strs = make(map[string]int, keys.Len())
		for i, s := range slices.Backward(keys.Strings()) {
			x.strs[s] = i
		}
	case d.IsInt():
		x.ints = make(map[int64]int, keys.Len())
		for i, v := range slices.Backward(tensor.Ints(keys)) {
			x.ints[v] = i
		}
	case d == tensor.Float32 || d == tensor.Float64 || isHalf(d):
		x.floats = make(map[float64]int, keys.Len())
		for i, v := range slices.Backward(tensor.Float64s(keys, keys.Len())) {
			if math.IsNaN(v) {
				x.nan = i
			} else {
				x.floats[v] = i
			}
		}
	default:
		return nil, Unsupported("keys of type %v", d)
	}
	return x, nil
}

// eachKey calls put with the position of every element of t among the keys, -1 for strangers.
func (x *mlIndex) eachKey(t *tensor.Tensor, put func(i, key int)) error {
	switch t.DType() {
	case tensor.String:
		eachKeyOf(t.Strings(), x.str, put)
	case tensor.Int64:
		eachKeyOf(tensor.Of[int64](t), x.number, put)
	case tensor.Int32:
		eachKeyOf(tensor.Of[int32](t), func(v int32) int { return x.number(int64(v)) }, put)
	case tensor.Int16:
		eachKeyOf(tensor.Of[int16](t), func(v int16) int { return x.number(int64(v)) }, put)
	case tensor.Float32:
		eachKeyOf(tensor.Of[float32](t), func(v float32) int { return x.float(float64(v)) }, put)
	case tensor.Float64:
		eachKeyOf(tensor.Of[float64](t), x.float, put)
	default:
		return Unsupported("element type %v", t.DType())
	}
	return nil
}

func eachKeyOf[T any](s []T, find func(T) int, put func(i, key int)) {
	for i, v := range s {
		put(i, find(v))
	}
}

func (x *mlIndex) str(s string) int {
	if i, ok := x.strs[s]; ok {
		return i
	}
	return -1
}

func (x *mlIndex) number(v int64) int {
	if i, ok := x.ints[v]; ok {
		return i
	}
	return -1
}

// float looks up a float; integer keys are compared with its integer part.
func (x *mlIndex) float(v float64) int {
	if x.floats == nil {
		return x.number(int64(v))
	}
	if math.IsNaN(v) {
		return x.nan
	}
	if i, ok := x.floats[v]; ok {
		return i
	}
	return -1
}

// oneHotCats returns the categories of OneHotEncoder.
func oneHotCats(a Attrs) *tensor.Tensor {
	if s := a.StrList("cats_strings"); len(s) > 0 {
		return tensor.FromSlice(s)
	}
	return tensor.FromSlice(a.IntList("cats_int64s"))
}

func oneHotEncoderInfer(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		c.SetType(0, Unranked(tensor.Float32))
		return nil
	}
	dims := append([]Dim(nil), x.Dims...)
	c.Set(0, tensor.Float32, append(dims, sym.Const(int64(oneHotCats(c.Attrs).Len())))...)
	return nil
}

func oneHotEncoderKernel(k *KernelCtx) (Kernel, error) {
	cats := oneHotCats(k.Attrs)
	if cats.Len() == 0 || (cats.DType() == tensor.String) != (k.DType(0) == tensor.String) {
		return Kernel{}, fmt.Errorf("ops: %d categories of type %v for elements of type %v", cats.Len(), cats.DType(), k.DType(0))
	}
	index, err := newIndex(cats)
	if err != nil {
		return Kernel{}, err
	}
	zeros := k.IntOr("zeros", 1) != 0
	n := cats.Len()
	return Kernel{Run: func(c *Call) error {
		y := tensor.Of[float32](c.Out[0])
		if len(y) != c.In[0].Len()*n {
			return fmt.Errorf("ops: output has %d elements for %d", len(y), c.In[0].Len())
		}
		clear(y)
		missing := -1
		err := index.eachKey(c.In[0], func(i, key int) {
			if key >= 0 {
				y[i*n+key] = 1
			} else {
				missing = i
			}
		})
		if err == nil && missing >= 0 && !zeros {
			return fmt.Errorf("ops: element %d is none of the %d categories", missing, n)
		}
		return err
	}}, err
}
