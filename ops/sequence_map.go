package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// sequenceMapInfer infers SequenceMap: the body takes one element of each input sequence, and the inputs
// that are tensors as they are.
func sequenceMapInfer(c *InferCtx) error {
	vals := make([]Value, len(c.In))
	for i := range c.In {
		t := c.Type(i)
		if t.Kind == tensor.KindSequence {
			t = seqElem(c, t)
		} else if i == 0 {
			return fmt.Errorf("ops: input 0 is %v, want a sequence", t)
		}
		vals[i] = bodyInput(t)
	}
	results, err := c.Subgraph("body", vals)
	if err != nil {
		return err
	}
	if len(results) != len(c.Out) {
		return fmt.Errorf("ops: the body returns %d values, want %d", len(results), len(c.Out))
	}
	for i, r := range results {
		c.SetType(i, SequenceOf(r.Type))
	}
	return nil
}

func sequenceMapKernel(k *KernelCtx) (Kernel, error) {
	elems, outs := make([]Type, len(k.In)), make([]tensor.DType, len(k.Out))
	for i := range k.In {
		if t := k.Type(i); t.Kind == tensor.KindSequence && t.Elem != nil {
			elems[i] = *t.Elem
		}
	}
	for i := range outs {
		outs[i] = k.OutType(i).DType
	}
	return Kernel{Run: func(c *Call) error { return sequenceMap(c, elems, outs) }}, nil
}

func sequenceMap(c *Call, elems []Type, dtypes []tensor.DType) error {
	n := c.In[0].Len()
	in := append([]*tensor.Tensor(nil), c.In...)
	lists := make([][]*tensor.Tensor, len(c.Out))
	for i := range n {
		if err := c.Ctx.Err(); err != nil {
			return err
		}
		for j, t := range c.In {
			if t.Kind() != tensor.KindSequence {
				continue
			}
			if t.Len() != n {
				return fmt.Errorf("ops: input %d is a sequence of %d, want %d as input 0", j, t.Len(), n)
			}
			if in[j] = t.Elems()[i]; elems[j].Present() {
				if err := seqCheck(in[j], elems[j]); err != nil {
					return err
				}
			}
		}
		out := make([]*tensor.Tensor, len(c.Out)) // new ones each time: the sequences keep them
		for j := range out {
			out[j] = new(tensor.Tensor)
		}
		if err := c.Bodies[0].Run(c, in, out); err != nil {
			return err
		}
		for j := range out {
			lists[j] = append(lists[j], out[j])
		}
	}
	for j, list := range lists {
		if c.Out[j] != nil {
			c.Put(j, tensor.NewSequence(dtypes[j], list...))
		}
	}
	return nil
}
