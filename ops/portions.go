package ops

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// onnxrun Portions runs its body for one portion of the inputs after the other, and puts what the body returns side by side: all inputs
// and outputs, of one length along their first axis, are cut along that into portions of the attribute size, of which the length is a
// multiple. The body works in the scratch memory of the node, so its values take the room of one portion.

// portionsInfer infers the body for a portion.
func portionsInfer(c *InferCtx) error {
	size := c.Int("size")
	if len(c.In) == 0 || !c.Type(0).Ranked || len(c.Type(0).Dims) == 0 || size < 1 {
		return fmt.Errorf("ops: portions of %d of an input of type %v", size, c.Type(0))
	}
	length := c.Type(0).Dims[0]
	in := make([]Value, len(c.In))
	for i, v := range c.In {
		if !v.Ranked || len(v.Dims) == 0 || !v.Dims[0].Equal(length) {
			return fmt.Errorf("ops: input %d has type %v, want a length of %v", i, v.Type, length)
		}
		in[i].Type = WithLength(v.Type, sym.Const(int64(size)))
	}
	out, err := c.Subgraph("body", in)
	if err != nil {
		return err
	}
	if len(out) != len(c.Out) {
		return fmt.Errorf("ops: the body returns %d values, want %d", len(out), len(c.Out))
	}
	for i, v := range out {
		c.SetType(i, WithLength(v.Type, length))
	}
	return nil
}

// WithLength returns the type t with another length of its first axis.
func WithLength(t Type, n Dim) Type {
	t.Dims = slices.Clone(t.Dims)
	t.Dims[0] = n
	return t
}

// portionsRun is a bound Portions.
type portionsRun struct {
	size   int
	states sync.Pool // of *portionsState
}

// portionsState is what one run works with.
type portionsState struct {
	parts   []tensor.Tensor // of the inputs, then of the outputs
	in, out []*tensor.Tensor
	shape   tensor.Shape
}

func portionsKernel(k *KernelCtx) (Kernel, error) {
	if _, err := bodyIndex(k, "body"); err != nil {
		return Kernel{}, err
	}
	r := &portionsRun{size: k.Int("size")}
	if r.size < 1 {
		return Kernel{}, fmt.Errorf("ops: portions of %d", r.size)
	}
	return Kernel{Run: r.run, Scratch: r.scratch}, nil
}

// state returns headers for the parts of the tensors of c.
func (r *portionsRun) state(c *Call) *portionsState {
	if s, _ := r.states.Get().(*portionsState); s != nil {
		return s
	}
	s := &portionsState{parts: make([]tensor.Tensor, len(c.In)+len(c.Out))}
	for i := range s.parts {
		if i < len(c.In) {
			s.in = append(s.in, &s.parts[i])
		} else {
			s.out = append(s.out, &s.parts[i])
		}
	}
	return s
}

// give takes s back, which forgets what it was used for.
func (r *portionsRun) give(s *portionsState) {
	for i := range s.parts {
		s.parts[i].SetData(nil)
	}
	r.states.Put(s)
}

func (r *portionsRun) scratch(c *Call) int {
	s := r.state(c)
	defer r.give(s)
	s.cut(c, 0, r.size)
	n, err := c.Bodies[0].(Lodger).Room(s.in)
	if err != nil {
		return 0 // run reports it
	}
	return n
}

func (r *portionsRun) run(c *Call) error {
	length := c.In[0].Shape()[0]
	if length%r.size != 0 {
		return fmt.Errorf("ops: portions of %d of an input of shape %v", r.size, []int(c.In[0].Shape()))
	}
	s := r.state(c)
	defer r.give(s)
	c.Bodies[0].(Lodger).Lodge(c.Scratch)
	for at := 0; at < length; at += r.size {
		if err := c.Ctx.Err(); err != nil {
			return err
		}
		s.cut(c, at, r.size)
		if err := c.Bodies[0].Run(c, s.in, s.out); err != nil {
			return err
		}
	}
	return nil
}

// cut points to the portion of so many rows that begins at row at. Tensors without elements give such parts.
func (s *portionsState) cut(c *Call, at, rows int) {
	for i := range s.parts {
		t := part(c.In, i)
		if t == nil {
			t = c.Out[i-len(c.In)]
		}
		s.shape = append(append(s.shape[:0], rows), t.Shape()[1:]...)
		b := t.Bytes()
		if n := t.DType().ByteLen(s.shape.Len()); len(b) > 0 {
			b = b[at*n/rows:][:n:n]
		}
		s.parts[i].Reset(t.DType(), s.shape, b)
	}
}
