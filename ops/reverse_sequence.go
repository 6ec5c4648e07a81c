package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/tensor"
)

// sequenceAxes checks the attributes of ReverseSequence: one axis is 0, the other 1.
func sequenceAxes(a Attrs) (batch, time int, err error) {
	batch, time = a.IntOr("batch_axis", 1), a.IntOr("time_axis", 0)
	if batch < 0 || batch > 1 || time != 1-batch {
		return 0, 0, fmt.Errorf("ops: batch_axis %d and time_axis %d, want 0 and 1", batch, time)
	}
	return batch, time, nil
}

func reverseSequenceInfer(c *InferCtx) error {
	x := c.Type(0)
	batch, _, err := sequenceAxes(c.Attrs)
	if err != nil {
		return err
	}
	if x.Ranked && len(x.Dims) < 2 {
		return fmt.Errorf("ops: input 0 has shape %v, want at least 2 axes", x)
	}
	if n := c.Type(1); x.Ranked && n.Ranked {
		if len(n.Dims) != 1 {
			return fmt.Errorf("ops: input 1 (sequence_lens) has shape %v, want a list", n)
		}
		if _, err := mvSame(x.Dims[batch], n.Dims[0]); err != nil {
			return fmt.Errorf("ops: input 1 (sequence_lens) does not fit the batch: %w", err)
		}
	}
	c.SetType(0, x)
	return nil
}

func reverseSequenceKernel(k *KernelCtx) (Kernel, error) {
	batch, time, err := sequenceAxes(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	return Kernel{Run: func(c *Call) error {
		x := c.In[0]
		s, lens := x.Shape(), tensor.Of[int64](c.In[1])
		if len(s) < 2 || len(lens) != s[batch] {
			return fmt.Errorf("ops: %d sequence_lens for an input of shape %v", len(lens), s)
		}
		y, err := mvOut(c, 0, x.DType(), s)
		if err != nil {
			return err
		}
		to, from, inner := mvDataOf(y), mvDataOf(x), mvLen(s[2:])
		if time == 0 && from.s == nil {
			return move.ReverseColumns(to.b, from.b, s[0], inner*from.width, lens, c.Threads)
		}
		mvCopy(y, x, c.Threads)
		stride := [2]int{s[1] * inner, inner}
		for b, n := range lens {
			if n < 0 || n > int64(s[time]) {
				return fmt.Errorf("ops: input 1 (sequence_lens) has %d, want 0 to %d", n, s[time])
			}
			dims, step, back := [2]int{int(n), inner}, [2]int{stride[time], 1}, [2]int{-stride[time], 1}
			at := b * stride[batch]
			mvStrided(to, from, move.Copy{Dims: dims[:], DstStride: step[:], SrcStride: back[:], DstOff: at, SrcOff: at + max(0, int(n)-1)*stride[time]}, c.Threads)
		}
		return nil
	}}, nil
}

// reverseSequenceGrad reverses back.
func reverseSequenceGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, _, _ Ref) Ref {
		batch, time, _ := sequenceAxes(g.Attrs())
		return g.with("ReverseSequence", map[string]any{"batch_axis": batch, "time_axis": time}, dy, g.In(1))
	})(c)
}

func triluInfer(c *InferCtx) error {
	x := c.Type(0)
	if x.Ranked && len(x.Dims) < 2 {
		return fmt.Errorf("ops: input 0 has shape %v, want at least 2 axes", x)
	}
	c.SetType(0, x)
	return nil
}

func triluKernel(k *KernelCtx) (Kernel, error) {
	upper := k.IntOr("upper", 1) != 0
	return Kernel{Run: func(c *Call) error {
		x := c.In[0]
		s := x.Shape()
		if len(s) < 2 {
			return fmt.Errorf("ops: input 0 has shape %v, want at least 2 axes", s)
		}
		diagonal := 0
		if len(c.In) > 1 && c.In[1] != nil {
			list := tensor.Of[int64](c.In[1])
			if len(list) != 1 {
				return fmt.Errorf("ops: input 1 (k) has %d elements, want 1", len(list))
			}
			diagonal = int(min(max(list[0], -1<<40), 1<<40))
		}
		y, err := mvOut(c, 0, x.DType(), s)
		if err != nil {
			return err
		}
		to, from := mvDataOf(y), mvDataOf(x)
		rows, cols := s[len(s)-2], s[len(s)-1]
		for r := range mvLen(s[:len(s)-1]) {
			edge := min(max(r%rows+diagonal, 0), cols) // where the upper triangle begins
			lo, hi := edge, cols
			if !upper {
				lo, hi = 0, min(max(r%rows+diagonal+1, 0), cols)
			}
			triluRow(to, from, r*cols, cols, lo, hi)
		}
		return nil
	}}, nil
}

func triluGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, _, _ Ref) Ref {
		return g.with("Trilu", map[string]any{"upper": g.Attrs().IntOr("upper", 1)}, dy, g.In(1))
	})(c)
}

// triluRow copies [lo, hi) of a row of n elements and clears the rest.
func triluRow(to, from mvData, at, n, lo, hi int) {
	if to.s != nil {
		clear(to.s[at : at+n])
		copy(to.s[at+lo:at+hi], from.s[at+lo:])
		return
	}
	w := to.width
	row := to.b[at*w : (at+n)*w]
	clear(row[:lo*w])
	copy(row[lo*w:hi*w], from.b[(at+lo)*w:])
	clear(row[hi*w:])
}
