package ops

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/quant"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// QLinearConcat of com.microsoft joins bytes of different meanings: scale and zero point of the result, then a tensor, its
// scale and its zero point for each part.

// concatParts returns how many parts n inputs hold.
func concatParts(n int) (int, error) {
	if n < 5 || (n-2)%3 != 0 {
		return 0, fmt.Errorf("ops: %d inputs, want two and three for each part", n)
	}
	return (n - 2) / 3, nil
}

func qlinearConcatInfer(c *InferCtx) error {
	n, err := concatParts(len(c.In))
	if err != nil {
		return err
	}
	sub := &InferCtx{Attrs: c.Attrs, Out: make([]Value, 1), Fresh: c.Fresh}
	for i := range n {
		v := c.In[2+3*i]
		if v.DType != c.Type(1).DType {
			return fmt.Errorf("ops: input %d is %v, want %v", 2+3*i, v.DType, c.Type(1).DType)
		}
		sub.In = append(sub.In, v)
	}
	if err := concatInfer(sub); err != nil {
		return err
	}
	c.SetType(0, sub.Out[0].Type)
	return nil
}

func qlinearConcatKernel(k *KernelCtx) (Kernel, error) {
	return byteKernel(k, 1, bindQuantConcat(quant.Requantize[int8]), bindQuantConcat(quant.Requantize[uint8]))
}

type quantConcat struct {
	axis  int
	build func(t *quant.Table, in, out quant.Params)
	calls sync.Pool // of *lookupCall
}

func bindQuantConcat(build func(t *quant.Table, in, out quant.Params)) func(*KernelCtx) (Kernel, error) {
	return func(k *KernelCtx) (Kernel, error) {
		q := &quantConcat{axis: k.Int("axis"), build: build}
		return Kernel{Run: q.run}, nil
	}
}

func (q *quantConcat) run(c *Call) error {
	n, err := concatParts(len(c.In))
	if err != nil {
		return err
	}
	y, d := c.Out[0], c.In[1].DType()
	out, err := quantParams(c, d, 0, 1)
	if err != nil {
		return err
	}
	shape := y.Shape()
	axis, err := wrapAxis(q.axis, len(shape))
	if err != nil {
		return err
	}
	t, _ := q.calls.Get().(*lookupCall)
	if t == nil {
		t = new(lookupCall)
		t.apply = t.table.Lookup
	}
	defer q.calls.Put(t)
	outer, row, at := shape[:axis].Len(), shape[axis:].Len(), 0
	for i := range n {
		x := c.In[2+3*i]
		s := x.Shape()
		if len(s) != len(shape) || !slices.Equal(s[:axis], shape[:axis]) || !slices.Equal(s[axis+1:], shape[axis+1:]) {
			return fmt.Errorf("ops: input %d has shape %v, which does not fit %v beyond axis %d", 2+3*i, s, shape, axis)
		}
		in, err := quantParams(c, d, 3+3*i, 4+3*i)
		if err != nil {
			return err
		}
		size := s[axis:].Len()
		if at+size > row {
			return fmt.Errorf("ops: inputs are longer than %v along axis %d", shape, axis)
		}
		q.build(&t.table, in, out)
		concatPart(t, in == out, y, x, outer, row, at, size, c.Threads)
		at += size
	}
	if at != row {
		return fmt.Errorf("ops: inputs are shorter than %v along axis %d", shape, axis)
	}
	return nil
}

// concatPart writes outer runs of size bytes of x to y, row apart from at on, through the table unless same is set.
func concatPart(t *lookupCall, same bool, y, x *tensor.Tensor, outer, row, at, size, threads int) {
	dst, src := byteBits(y), byteBits(x)
	for o := range outer {
		to, from := dst[o*row+at:][:size], src[o*size:][:size]
		if same {
			copy(to, from)
		} else {
			vec.Map(to, from, t.apply, threads)
		}
	}
}
