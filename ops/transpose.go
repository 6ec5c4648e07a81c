package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/tensor"
)

// transposePerm appends the permutation for a tensor of the given rank to buf: the attribute, or the reverse order.
func transposePerm(buf []int, a Attrs, rank int) ([]int, error) {
	list := a.IntList("perm")
	if list == nil {
		for i := range rank {
			buf = append(buf, rank-1-i)
		}
		return buf, nil
	}
	if len(list) != rank {
		return nil, fmt.Errorf("ops: perm %v for an input of rank %d", list, rank)
	}
	for i, v := range list {
		if v < 0 {
			v += int64(rank)
		}
		for _, w := range buf[:i] {
			if int64(w) == v {
				return nil, fmt.Errorf("ops: perm %v names axis %d twice", list, v)
			}
		}
		if v < 0 || v >= int64(rank) {
			return nil, fmt.Errorf("ops: perm %v for an input of rank %d", list, rank)
		}
		buf = append(buf, int(v))
	}
	return buf, nil
}

func transposeInfer(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		if p := c.IntList("perm"); p != nil {
			c.Set(0, x.DType, c.FreshDims(len(p))...)
		} else {
			c.SetType(0, x)
		}
		return nil
	}
	perm, err := transposePerm(nil, c.Attrs, len(x.Dims))
	if err != nil {
		return err
	}
	out := make([]Dim, len(perm))
	for i, p := range perm {
		out[i] = x.Dims[p]
	}
	c.Set(0, x.DType, out...)
	viewElems(c)
	return nil
}

func transposeKernel(k *KernelCtx) (Kernel, error) {
	attrs := k.Attrs
	return Kernel{Run: func(c *Call) error {
		x := c.In[0]
		var pb, sb mvDims
		s := x.Shape()
		perm, err := transposePerm(pb[:0], attrs, len(s))
		if err != nil {
			return err
		}
		dims := sb[:0]
		for _, p := range perm {
			dims = append(dims, s[p])
		}
		y, err := mvOut(c, 0, x.DType(), dims)
		if err != nil {
			return err
		}
		transposeData(y, x, perm, c.Threads)
		return nil
	}}, nil
}

// transposeGrad applies the inverse permutation.
func transposeGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, _, _ Ref) Ref {
		perm := g.Attrs().IntList("perm")
		if perm == nil {
			return g.op("Transpose", dy)
		}
		back := make([]int64, len(perm))
		for i, p := range perm {
			if p < 0 || int(p) >= len(back) {
				return 0 // the node itself is refused
			}
			back[p] = int64(i)
		}
		return g.with("Transpose", map[string]any{"perm": back}, dy)
	})(c)
}

// transposeData writes x with its axes permuted to y.
func transposeData(y, x *tensor.Tensor, perm []int, threads int) {
	if x.DType() == tensor.String {
		move.TransposeOf(y.Strings(), x.Strings(), x.Shape(), perm)
		return
	}
	from := mvDataOf(x)
	if !packed.Has(x.DType()) {
		move.Transpose(y.Bytes(), from.b, x.Shape(), perm, from.width, threads)
		return
	}
	to := mvData{b: make([]byte, len(from.b)), width: 1}
	move.Transpose(to.b, from.b, x.Shape(), perm, 1, threads)
	mvRepack(y, to)
}
