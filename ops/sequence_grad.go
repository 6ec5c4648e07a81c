package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// The gradient of a sequence of tensors is a sequence of as many tensors of the same shapes. The onnxrun domain has what
// it takes: SequenceZeros makes zeros of the shapes of a sequence, SequenceAtGrad puts a tensor at a position of them,
// SequenceSum adds sequences element by element, and SequenceExtents returns the lengths of one axis of all elements.

// sequenceAtGrad puts the gradient at the position that was read, among zeros.
func sequenceAtGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, seq, _ Ref) Ref { return g.own("SequenceAtGrad", nil, seq, g.In(1), dy) })(c)
}

// sequenceConstructGrad takes the sequence apart.
func sequenceConstructGrad(c GradCtx) error {
	g := grads{c}
	if dy := g.Dy(0); dy != 0 {
		for i := range g.Inputs() {
			g.set(i, func() Ref { return g.op("SequenceAt", dy, g.whole(int64(i))) })
		}
	}
	return nil
}

// sequenceInsertGrad takes out what was put in.
func sequenceInsertGrad(c GradCtx) error {
	g := grads{c}
	dy, at := g.Dy(0), g.In(2)
	if dy == 0 {
		return nil
	}
	if at == 0 {
		at = g.whole(-1)
	} else {
		at = g.fromFront(at, g.op("SequenceLength", g.In(0)))
	}
	g.set(0, func() Ref { return g.op("SequenceErase", dy, at) })
	g.set(1, func() Ref { return g.op("SequenceAt", dy, at) })
	return nil
}

// sequenceEraseGrad puts zeros where an element was taken out.
func sequenceEraseGrad(c GradCtx) error {
	g := grads{c}
	dy, seq, at := g.Dy(0), g.In(0), g.In(1)
	if dy == 0 {
		return nil
	}
	g.set(0, func() Ref {
		if at == 0 {
			return g.op("SequenceInsert", dy, g.zeros(g.op("SequenceAt", seq, g.whole(-1))))
		}
		return g.op("SequenceInsert", dy, g.zeros(g.op("SequenceAt", seq, at)), g.fromFront(at, g.op("SequenceLength", seq)))
	})
	return nil
}

// fromFront returns a position in a sequence of the given length, counted from its front.
func (g grads) fromFront(at, length Ref) Ref {
	at = g.with("Cast", map[string]any{"to": tensor.Int64}, at)
	return g.where(g.op("Less", at, g.whole(0)), g.add(at, length), at)
}

// concatFromSequenceGrad cuts the gradient at the borders of the elements.
func concatFromSequenceGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, seq, _ Ref) Ref {
		axis := g.Attrs().Int("axis")
		if g.Attrs().Bool("new_axis") {
			return g.with("SplitToSequence", map[string]any{"axis": axis, "keepdims": 0}, dy)
		}
		sizes := g.own("SequenceExtents", map[string]any{"axis": axis}, seq)
		return g.with("SplitToSequence", map[string]any{"axis": axis}, dy, sizes)
	})(c)
}

// splitToSequenceGrad joins the parts.
func splitToSequenceGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, _, _ Ref) Ref {
		drops := g.In(1) == 0 && g.Attrs().IntOr("keepdims", 1) == 0
		return g.with("ConcatFromSequence", map[string]any{"axis": g.Attrs().Int("axis"), "new_axis": drops}, dy)
	})(c)
}

// sequenceSumGrad hands the gradient on to all sequences.
func sequenceSumGrad(c GradCtx) error {
	for i := range c.Inputs() {
		if dy := c.Dy(0); dy != 0 {
			c.SetGrad(i, dy)
		}
	}
	return nil
}

// sequenceAtGradGrad reads the position.
func sequenceAtGradGrad(c GradCtx) error {
	g := grads{c}
	if dy := g.Dy(0); dy != 0 {
		g.set(2, func() Ref { return g.op("SequenceAt", dy, g.In(1)) })
	}
	return nil
}

// sequenceLikeInfer is for outputs of the type of the first input.
func sequenceLikeInfer(c *InferCtx) error {
	t, err := seqType(c, 0)
	if t.Elem != nil && t.Elem.Ranked {
		elem := seqElem(c, t)
		t.Elem = &elem
	}
	c.SetType(0, t)
	return err
}

func sequenceZerosKernel(*KernelCtx) (Kernel, error) {
	return Kernel{Run: func(c *Call) error {
		elems, err := seqZeros(c, c.In[0].Elems())
		if err == nil {
			c.Put(0, tensor.NewSequence(c.In[0].DType(), elems...))
		}
		return err
	}}, nil
}

// seqZeros returns zeros of the shapes of a list of tensors.
func seqZeros(c *Call, like []*tensor.Tensor) ([]*tensor.Tensor, error) {
	out := make([]*tensor.Tensor, len(like))
	for i, t := range like {
		if t.Kind() != tensor.KindTensor || t.DType() == tensor.String {
			return nil, fmt.Errorf("ops: element %d is a %v of %v, want a tensor of numbers", i, t.Kind(), t.DType())
		}
		b, err := c.Memory.Bytes(len(t.Bytes()))
		if err != nil {
			return nil, err
		}
		clear(b)
		if out[i], err = tensor.FromBytes(t.DType(), t.Shape().Clone(), b); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func sequenceAtGradKernel(*KernelCtx) (Kernel, error) {
	return Kernel{Run: func(c *Call) error {
		seq := c.In[0].Elems()
		at, err := seqIndex(c, 1, len(seq), false)
		if err != nil {
			return err
		}
		if got, want := c.In[2], seq[at]; got.DType() != want.DType() || !got.Shape().Equal(want.Shape()) {
			return fmt.Errorf("ops: gradient is %v%v, want %v%v", got.DType(), []int(got.Shape()), want.DType(), []int(want.Shape()))
		}
		elems, err := seqZeros(c, seq)
		if err != nil {
			return err
		}
		copy(elems[at].Bytes(), c.In[2].Bytes())
		c.Put(0, tensor.NewSequence(c.In[0].DType(), elems...))
		return nil
	}}, nil
}

func sequenceSumKernel(*KernelCtx) (Kernel, error) {
	return Kernel{Run: func(c *Call) error {
		first := c.In[0].Elems()
		elems, err := seqZeros(c, first)
		if err != nil {
			return err
		}
		for i, s := range c.In {
			if len(s.Elems()) != len(elems) {
				return fmt.Errorf("ops: sequence %d has %d elements, want %d", i, len(s.Elems()), len(elems))
			}
			for j, t := range s.Elems() {
				if err := seqAdd(elems[j], t); err != nil {
					return fmt.Errorf("%w (element %d of sequence %d)", err, j, i)
				}
			}
		}
		c.Put(0, tensor.NewSequence(c.In[0].DType(), elems...))
		return nil
	}}, nil
}

// seqAdd adds t to sum.
func seqAdd(sum, t *tensor.Tensor) error {
	if t.DType() != sum.DType() || !t.Shape().Equal(sum.Shape()) {
		return fmt.Errorf("ops: it is %v%v, want %v%v", t.DType(), []int(t.Shape()), sum.DType(), []int(sum.Shape()))
	}
	switch t.DType() {
	case tensor.Float32:
		addScores(tensor.Of[float32](sum), tensor.Of[float32](t))
	case tensor.Float64:
		addScores(tensor.Of[float64](sum), tensor.Of[float64](t))
	default:
		a, b := make([]float32, t.Len()), make([]float32, t.Len())
		if !loadCodes(a, sum, 0) || !loadCodes(b, t, 0) {
			return Unsupported("sum of sequences of %v", t.DType())
		}
		addScores(a, b)
		storeCodes(sum, 0, a, false)
	}
	return nil
}

func sequenceExtentsInfer(c *InferCtx) error {
	_, err := seqType(c, 0)
	c.Set(0, tensor.Int64, c.Fresh())
	return err
}

func sequenceExtentsKernel(k *KernelCtx) (Kernel, error) {
	axis := k.Int("axis")
	return Kernel{Run: func(c *Call) error {
		elems := c.In[0].Elems()
		out, err := c.Alloc(0, tensor.Int64, len(elems))
		if err != nil {
			return err
		}
		for i, t := range elems {
			at, err := seqAxis(axis, t.Rank())
			if err != nil {
				return err
			}
			tensor.Of[int64](out)[i] = int64(t.Shape()[at])
		}
		return nil
	}}, nil
}
