package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/tensor"
)

func scatterNDInfer(c *InferCtx) error {
	x, index, u := c.Type(0), c.Type(1), c.Type(2)
	c.SetType(0, x)
	if !x.Ranked || !index.Ranked {
		return nil
	}
	if len(index.Dims) == 0 {
		return fmt.Errorf("ops: input 1 (indices) is a scalar, want at least one axis")
	}
	last := len(index.Dims) - 1
	k, ok := index.Dims[last].Const()
	if !ok {
		return nil
	}
	if int(k) > len(x.Dims) || k < 0 {
		return fmt.Errorf("ops: input 1 (indices) has shape %v: tuples of %d for data of shape %v", index, k, x)
	}
	if want := last + len(x.Dims) - int(k); u.Ranked && len(u.Dims) != want {
		return fmt.Errorf("ops: input 2 (updates) has shape %v, want %d axes", u, want)
	}
	return nil
}

func scatterNDKernel(k *KernelCtx) (Kernel, error) {
	apply, err := scatterApply(k.DType(0), k.Str("reduction"))
	if err != nil {
		return Kernel{}, err
	}
	return Kernel{Run: func(c *Call) error {
		x, index, u := c.In[0], c.In[1], c.In[2]
		s, si, su := x.Shape(), index.Shape(), u.Shape()
		if len(si) == 0 || si[len(si)-1] > len(s) {
			return fmt.Errorf("ops: indices have shape %v for data of shape %v", si, s)
		}
		last := len(si) - 1
		tuple := si[last]
		if len(su) != last+len(s)-tuple || !su[:last].Equal(si[:last]) || !su[last:].Equal(s[tuple:]) {
			return fmt.Errorf("ops: updates have shape %v for data of shape %v and indices of shape %v", su, s, si)
		}
		y, err := mvOut(c, 0, x.DType(), s)
		if err != nil {
			return err
		}
		mvCopy(y, x, c.Threads)
		if index.Len() == 0 && u.Len() == 0 {
			return nil // axes of any length may stand beside one of length 0
		}
		block := mvLen(s[tuple:])
		at := tensor.Of[int64](index)
		to := scatterPositions.Get().(*[scatterStep]int)
		defer scatterPositions.Put(to)
		for lo, all := 0, mvLen(si[:last]); lo < all; lo += scatterStep {
			part := to[:min(scatterStep, all-lo)]
			if !move.Offsets(part, at[lo*tuple:(lo+len(part))*tuple], s[:tuple], block) {
				return errTuple(at, s[:tuple])
			}
			apply(y, u, part, lo*block, block)
		}
		return nil
	}}, nil
}

// errTuple names the first tuple of indices that is out of range.
func errTuple(index []int64, axes tensor.Shape) error {
	for n := len(axes); len(index) >= n; index = index[n:] {
		for k, v := range index[:n] {
			if v < -int64(axes[k]) || v >= int64(axes[k]) {
				return fmt.Errorf("ops: input 1 (indices) has %v, out of range for axes of lengths %v", append([]int64(nil), index[:n]...), append(tensor.Shape(nil), axes...))
			}
		}
	}
	return nil
}

func tensorScatterInfer(c *InferCtx) error {
	x, u := c.Type(0), c.Type(1)
	c.SetType(0, x)
	if x.Ranked && u.Ranked && len(x.Dims) != len(u.Dims) {
		return fmt.Errorf("ops: input 1 (update) has shape %v for a cache of shape %v", u, x)
	}
	return nil
}

func tensorScatterKernel(k *KernelCtx) (Kernel, error) {
	attr, circular := k.IntOr("axis", -2), k.Str("mode") == "circular"
	return Kernel{Run: func(c *Call) error {
		x, u := c.In[0], c.In[1]
		s, su := x.Shape(), u.Shape()
		axis, err := mvAxis(attr, len(s))
		if err != nil {
			return err
		}
		if axis == 0 || len(su) != len(s) || !su[:axis].Equal(s[:axis]) || !su[axis+1:].Equal(s[axis+1:]) || su[axis] > s[axis] {
			return fmt.Errorf("ops: update of shape %v for a cache of shape %v along axis %d", su, s, axis)
		}
		var starts []int64
		if len(c.In) > 2 && c.In[2] != nil {
			if starts = tensor.Of[int64](c.In[2]); len(starts) != s[0] {
				return fmt.Errorf("ops: input 2 (write_indices) has %d elements, want %d", len(starts), s[0])
			}
		}
		y, err := mvOut(c, 0, x.DType(), s)
		if err != nil {
			return err
		}
		mvCopy(y, x, c.Threads)
		inner, n, m := mvLen(s[axis+1:]), s[axis], su[axis]
		perBatch := mvLen(s[1:axis])
		to, from := mvDataOf(y), mvDataOf(u)
		for b := range s[0] {
			at := int64(0)
			if starts != nil {
				at = starts[b]
			}
			if at < 0 || !circular && at > int64(n-m) {
				return fmt.Errorf("ops: input 2 (write_indices) has %d: %d positions do not fit in an axis of length %d", at, m, n)
			}
			for o := b * perBatch; o < (b+1)*perBatch; o++ {
				for i := range m {
					p := int((at + int64(i)) % int64(n))
					blockCopy(to, from, 1, inner, 0, (o*n+p)*inner, 0, (o*m+i)*inner, 1)
				}
			}
		}
		mvRepack(y, to)
		return nil
	}}, nil
}
