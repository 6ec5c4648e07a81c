package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// seqAxis returns an axis counted from the front for a rank.
func seqAxis(axis, rank int) (int, error) {
	if axis < -rank || axis >= rank {
		return 0, fmt.Errorf("ops: axis is %d, want it inside a rank of %d", axis, rank)
	}
	if axis < 0 {
		axis += rank
	}
	return axis, nil
}

func splitToSequenceInfer(c *InferCtx) error {
	t := c.Type(0)
	if !t.Ranked {
		c.SetType(0, SequenceOf(Unranked(t.DType)))
		return nil
	}
	axis, err := seqAxis(c.Int("axis"), len(t.Dims))
	if err != nil {
		return err
	}
	dims := append([]Dim(nil), t.Dims...)
	switch {
	case c.Has(1):
		dims[axis] = seqSplitSize(c, dims[axis])
	case c.IntOr("keepdims", 1) == 0:
		dims = append(dims[:axis], dims[axis+1:]...)
	default:
		dims[axis] = sym.Const(1)
	}
	c.SetType(0, SequenceOf(TensorType(t.DType, dims...)))
	return nil
}

// seqSplitSize returns the size that all parts have, a new symbol if that is not known.
func seqSplitSize(c *InferCtx, whole Dim) Dim {
	sizes, ok := c.Ints(1)
	if !ok || len(sizes) == 0 || sizes[0] <= 0 {
		return c.Fresh()
	}
	for _, s := range sizes {
		if s != sizes[0] {
			return c.Fresh()
		}
	}
	if t := c.Type(1); t.Ranked && len(t.Dims) == 0 {
		if n, known := whole.Const(); !known || n%sizes[0] != 0 {
			return c.Fresh()
		}
	}
	return sym.Const(sizes[0])
}

func splitToSequenceKernel(k *KernelCtx) (Kernel, error) {
	axis, keep := k.Int("axis"), k.IntOr("keepdims", 1) != 0
	return Kernel{Run: func(c *Call) error { return splitToSequence(c, axis, keep) }}, nil
}

func splitToSequence(c *Call, axis int, keep bool) error {
	x := c.In[0]
	axis, err := seqAxis(axis, x.Rank())
	if err != nil {
		return err
	}
	if d := x.DType(); d != tensor.String && d.Size() == 0 {
		return Unsupported("element type %v", d)
	}
	n := x.Shape()[axis]
	sizes, err := seqSplitSizes(input(c, 1), n)
	if err != nil {
		return err
	}
	outer, inner := x.Shape()[:axis].Len(), x.Shape()[axis+1:].Len()
	elems := make([]*tensor.Tensor, len(sizes))
	at := 0
	for i, size := range sizes {
		shape := x.Shape().Clone()
		if shape[axis] = size; input(c, 1) == nil && !keep {
			shape = append(shape[:axis], shape[axis+1:]...)
		}
		if x.DType() == tensor.String {
			elems[i] = tensor.New(tensor.String, shape...)
			seqPart(elems[i].Strings(), x.Strings(), outer, n*inner, at*inner, size*inner)
		} else {
			w := x.DType().Size()
			b, err := c.Memory.Bytes(shape.Len() * w)
			if err != nil {
				return err
			}
			seqPart(b, x.Bytes(), outer, n*inner*w, at*inner*w, size*inner*w)
			if elems[i], err = tensor.FromBytes(x.DType(), shape, b); err != nil {
				return err
			}
		}
		at += size
	}
	c.Put(0, tensor.NewSequence(x.DType(), elems...))
	return nil
}

// seqPart copies size elements from off on of each of the outer rows, which are n long.
func seqPart[T any](dst, src []T, outer, n, off, size int) {
	for i := range outer {
		copy(dst[i*size:(i+1)*size], src[i*n+off:])
	}
}

// seqSplitSizes returns the sizes of the parts of an axis of n: those in split, or parts of the one size there,
// the last one shorter, or ones.
func seqSplitSizes(split *tensor.Tensor, n int) ([]int, error) {
	part := int64(1)
	if split != nil && split.Rank() > 0 {
		var sizes []int
		sum := int64(0)
		for _, s := range tensor.Ints(split) {
			if s < 0 || s > int64(n)-sum {
				return nil, fmt.Errorf("ops: split is %v, want sizes whose sum is %d", tensor.Ints(split), n)
			}
			sum += s
			sizes = append(sizes, int(s))
		}
		if sum != int64(n) {
			return nil, fmt.Errorf("ops: split is %v, want sizes whose sum is %d", tensor.Ints(split), n)
		}
		return sizes, nil
	}
	if split != nil {
		var err error
		if part, err = seqInt(split); err != nil {
			return nil, err
		}
		if part <= 0 {
			return nil, fmt.Errorf("ops: split is %d, want a positive size", part)
		}
	}
	var sizes []int
	for at := 0; at < n; at += sizes[len(sizes)-1] {
		sizes = append(sizes, int(min(part, int64(n-at))))
	}
	return sizes, nil
}

func concatFromSequenceInfer(c *InferCtx) error {
	t, err := seqType(c, 0)
	if err != nil {
		return err
	}
	elem := seqElem(c, t)
	if !elem.Ranked {
		c.SetType(0, Unranked(t.DType))
		return nil
	}
	stack := c.Bool("new_axis")
	rank := len(elem.Dims)
	if stack {
		rank++
	}
	axis, err := seqAxis(c.Int("axis"), rank)
	if err != nil {
		return err
	}
	dims := append([]Dim(nil), elem.Dims[:axis]...)
	rest := elem.Dims[axis:]
	if !stack {
		rest = rest[1:]
	}
	c.Set(0, t.DType, append(append(dims, c.Fresh()), rest...)...)
	return nil
}

func concatFromSequenceKernel(k *KernelCtx) (Kernel, error) {
	axis, stack, want := k.Int("axis"), k.Bool("new_axis"), k.OutType(0)
	return Kernel{Run: func(c *Call) error { return concatFromSequence(c, axis, stack, want) }}, nil
}

func concatFromSequence(c *Call, axis int, stack bool, want Type) error {
	elems := c.In[0].Elems()
	if len(elems) == 0 {
		return fmt.Errorf("ops: the sequence is empty")
	}
	first := elems[0].Shape()
	rank := len(first)
	if stack {
		rank++
	}
	axis, err := seqAxis(axis, rank)
	if err != nil {
		return err
	}
	d := elems[0].DType()
	if d != tensor.String && d.Size() == 0 {
		return Unsupported("element type %v", d)
	}
	tail := axis
	if !stack {
		tail++
	}
	total := 0
	for i, e := range elems {
		s := e.Shape()
		if e.DType() != d || len(s) != len(first) || !s[:axis].Equal(first[:axis]) || !s[tail:].Equal(first[tail:]) {
			return fmt.Errorf("ops: element %d of the sequence is %v%v, want it to fit %v%v along axis %d", i, e.DType(), []int(s), d, []int(first), axis)
		}
		if stack {
			total++
		} else {
			total += s[axis]
		}
	}
	dims := append(append(append([]int(nil), first[:axis]...), total), first[tail:]...)
	out, err := c.Alloc(0, d, dims...)
	if err != nil {
		return err
	}
	if err := seqCheck(out, want); err != nil {
		return err
	}
	outer := first[:axis].Len()
	at := 0
	for _, e := range elems {
		if d == tensor.String {
			at = seqConcatPart(out.Strings(), e.Strings(), outer, at)
		} else {
			at = seqConcatPart(out.Bytes(), e.Bytes(), outer, at)
		}
	}
	return nil
}

// seqConcatPart copies src, outer rows, to offset at of the outer rows of dst. It returns the offset behind.
func seqConcatPart[T any](dst, src []T, outer, at int) int {
	if outer == 0 {
		return 0
	}
	n, size := len(dst)/outer, len(src)/outer
	for i := range outer {
		copy(dst[i*n+at:i*n+at+size], src[i*size:])
	}
	return at + size
}
