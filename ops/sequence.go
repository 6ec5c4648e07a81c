package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// Sequences and optionals hold tensors that nobody writes to: what is put into one is copied, what is taken
// out, or handed on in another sequence, is shared.

// seqKeep returns a copy of t for a sequence or optional to hold, t itself if it is not a dense tensor.
func seqKeep(c *Call, t *tensor.Tensor) (*tensor.Tensor, error) {
	if t.Kind() != tensor.KindTensor {
		return t, nil
	}
	if t.DType() == tensor.String {
		return t.Clone(), nil
	}
	b, err := c.Memory.Bytes(len(t.Bytes()))
	if err != nil {
		return nil, err
	}
	copy(b, t.Bytes())
	return tensor.FromBytes(t.DType(), t.Shape().Clone(), b)
}

// seqElem returns the type of a value taken out of a sequence or optional whose type is t: dimensions that
// are not constant may differ from element to element.
func seqElem(c *InferCtx, t Type) Type {
	if t.Elem == nil {
		return Unranked(t.DType)
	}
	elem := *t.Elem
	elem.None = false
	elem.Dims = append([]Dim(nil), elem.Dims...)
	for i, d := range elem.Dims {
		if _, ok := d.Const(); !ok {
			elem.Dims[i] = c.Fresh()
		}
	}
	return elem
}

// seqCheck reports a value that contradicts the type that was inferred for it.
func seqCheck(t *tensor.Tensor, want Type) error {
	if t.Kind() != want.Kind || want.DType != tensor.Undefined && t.DType() != want.DType {
		return fmt.Errorf("ops: the element is a %v of %v, want %v", t.Kind(), t.DType(), want)
	}
	if !want.Ranked || want.Kind != tensor.KindTensor {
		return nil
	}
	wrong := t.Rank() != len(want.Dims)
	for i := 0; !wrong && i < len(want.Dims); i++ {
		v, ok := want.Dims[i].Const()
		wrong = ok && v != int64(t.Shape()[i])
	}
	if wrong {
		return fmt.Errorf("ops: the element has shape %v, want %v", []int(t.Shape()), want)
	}
	return nil
}

// seqType returns the type of input i, which must be a sequence.
func seqType(c *InferCtx, i int) (Type, error) {
	t := c.Type(i)
	if t.Kind != tensor.KindSequence {
		return t, fmt.Errorf("ops: input %d is %v, want a sequence", i, t)
	}
	return t, nil
}

// seqIndex returns the position that input i asks for in a sequence of n elements, n itself allowed if end
// is set: absent means the last one, or the end.
func seqIndex(c *Call, i, n int, end bool) (int, error) {
	t := input(c, i)
	if t == nil {
		if end {
			return n, nil
		}
		return n - 1, nil
	}
	v, err := seqInt(t)
	if err != nil {
		return 0, err
	}
	hi := int64(n)
	if end {
		hi++
	}
	if v < -int64(n) || v >= hi {
		return 0, fmt.Errorf("ops: position %d in a sequence of %d", v, n)
	}
	if v < 0 {
		v += int64(n)
	}
	return int(v), nil
}

func seqInt(t *tensor.Tensor) (int64, error) {
	if v := tensor.Ints(t); len(v) == 1 {
		return v[0], nil
	}
	return 0, fmt.Errorf("ops: position is %v%v, want one integer", t.DType(), []int(t.Shape()))
}

func sequenceEmptyInfer(c *InferCtx) error {
	elem := Unranked(tensor.DType(c.IntOr("dtype", int(tensor.Float32))))
	elem.None = true
	c.SetType(0, SequenceOf(elem))
	return nil
}

func sequenceEmptyKernel(k *KernelCtx) (Kernel, error) {
	d := tensor.DType(k.IntOr("dtype", int(tensor.Float32)))
	if !d.Valid() {
		return Kernel{}, fmt.Errorf("ops: dtype is %d, want an element type", d)
	}
	return Kernel{Run: func(c *Call) error {
		c.Put(0, tensor.NewSequence(d))
		return nil
	}}, nil
}

func sequenceConstructInfer(c *InferCtx) error {
	elem := c.Type(0)
	for i := 1; i < len(c.In); i++ {
		var err error
		if elem, err = bodyJoin(elem, c.Type(i), c.Fresh); err != nil {
			return err
		}
	}
	c.SetType(0, SequenceOf(elem))
	return nil
}

func sequenceConstructKernel(*KernelCtx) (Kernel, error) {
	return Kernel{Run: func(c *Call) error {
		elems := make([]*tensor.Tensor, len(c.In))
		for i, t := range c.In {
			var err error
			if elems[i], err = seqKeep(c, t); err != nil {
				return err
			}
		}
		c.Put(0, tensor.NewSequence(c.In[0].DType(), elems...))
		return nil
	}}, nil
}

func sequenceInsertInfer(c *InferCtx) error {
	t, err := seqType(c, 0)
	if err != nil {
		return err
	}
	elem := c.Type(1)
	if t.Elem != nil {
		if elem, err = bodyJoin(*t.Elem, elem, c.Fresh); err != nil {
			return err
		}
	}
	c.SetType(0, SequenceOf(elem))
	return nil
}

func sequenceInsertKernel(*KernelCtx) (Kernel, error) {
	return Kernel{Run: func(c *Call) error {
		old := c.In[0].Elems()
		at, err := seqIndex(c, 2, len(old), true)
		if err != nil {
			return err
		}
		t, err := seqKeep(c, c.In[1])
		if err != nil {
			return err
		}
		elems := make([]*tensor.Tensor, 0, len(old)+1)
		elems = append(append(append(elems, old[:at]...), t), old[at:]...)
		c.Put(0, tensor.NewSequence(t.DType(), elems...))
		return nil
	}}, nil
}

func sequenceEraseInfer(c *InferCtx) error {
	t, err := seqType(c, 0)
	c.SetType(0, t)
	return err
}

func sequenceEraseKernel(*KernelCtx) (Kernel, error) {
	return Kernel{Run: func(c *Call) error {
		old := c.In[0].Elems()
		at, err := seqIndex(c, 1, len(old), false)
		if err != nil {
			return err
		}
		if len(old) == 0 {
			return fmt.Errorf("ops: the sequence is empty")
		}
		elems := make([]*tensor.Tensor, 0, len(old)-1)
		elems = append(append(elems, old[:at]...), old[at+1:]...)
		c.Put(0, tensor.NewSequence(c.In[0].DType(), elems...))
		return nil
	}}, nil
}

func sequenceAtInfer(c *InferCtx) error {
	t, err := seqType(c, 0)
	c.SetType(0, seqElem(c, t))
	return err
}

func sequenceAtKernel(k *KernelCtx) (Kernel, error) {
	want := k.OutType(0)
	return Kernel{Run: func(c *Call) error {
		elems := c.In[0].Elems()
		at, err := seqIndex(c, 1, len(elems), false)
		if err != nil {
			return err
		}
		if err := seqCheck(elems[at], want); err != nil {
			return err
		}
		c.Put(0, elems[at])
		return nil
	}}, nil
}

func sequenceLengthInfer(c *InferCtx) error {
	_, err := seqType(c, 0)
	c.Set(0, tensor.Int64)
	return err
}

func sequenceLengthKernel(*KernelCtx) (Kernel, error) {
	return Kernel{Run: func(c *Call) error {
		tensor.Of[int64](c.Out[0])[0] = int64(len(c.In[0].Elems()))
		return nil
	}}, nil
}
