package plan

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// dynamic runs a step with an output whose shape was not known before: the row's shape function is asked
// again, now that the inputs are there. Rows that make their outputs themselves are just run.
func (f *Frame) dynamic(i int32) error {
	s, c := &f.p.steps[i], &f.calls[i]
	for _, o := range s.out {
		if o >= 0 && f.p.slots[o].store == isDynamic {
			f.vals[o].ResetTo(&empty)
		}
	}
	if s.node.Op.Flags&ops.Managed == 0 && len(s.bodies) == 0 {
		done, err := f.infer(s, c)
		if err != nil || done {
			return err
		}
	}
	if s.scratch != nil {
		b, err := f.pool.Bytes(s.scratch(c))
		if err != nil {
			return err
		}
		whole := f.pool.adopt(b)
		c.Scratch = b
		defer func() {
			if whole != nil {
				f.pool.give(whole)
			}
		}()
	}
	if err := s.run(c); err != nil {
		return err
	}
	for _, o := range s.out {
		if o >= 0 && f.p.slots[o].store == isDynamic {
			f.hold(o)
		}
	}
	f.pool.settle()
	return nil
}

var empty tensor.Tensor

// infer allocates the outputs of s for the shapes its inputs have now. done means that the output is a view
// and nothing has to run.
func (f *Frame) infer(s *step, c *ops.Call) (done bool, err error) {
	ic := &ops.InferCtx{Attrs: s.node.Attrs, In: make([]ops.Value, len(c.In)), Out: make([]ops.Value, len(c.Out)), Fresh: unknown}
	for i, t := range c.In {
		if t == nil {
			continue
		}
		ic.In[i] = ops.Value{Type: ops.TypeOf(t)}
		if v := s.node.In[i]; v.IsConst() || t.Kind() == tensor.KindTensor && t.Len() <= smallInput {
			ic.In[i].Const = t
		}
	}
	if err := s.node.Op.Infer(ic); err != nil {
		return false, err
	}
	for i, o := range s.out {
		if o < 0 || f.p.slots[o].store != isDynamic {
			continue
		}
		shape, ok := ic.Out[i].Static()
		if !ok {
			continue
		}
		if s.view && i == 0 {
			if shape.Len() != c.In[0].Len() {
				return false, fmt.Errorf("output shape %v for an input of shape %v", []int(shape), []int(c.In[0].Shape()))
			}
			c.Out[0].ResetTo(c.In[0])
			c.Out[0].SetShape(shape)
			return len(s.out) == 1, nil
		}
		if _, err := c.Alloc(i, ic.Out[i].DType, shape...); err != nil {
			return false, err
		}
	}
	if s.view && c.In[0].Kind() != tensor.KindTensor {
		c.Out[0].ResetTo(c.In[0])
		return true, nil
	}
	return false, nil
}

// smallInput bounds the tensors whose elements shape functions may look at while running.
const smallInput = 64

var unknown = func() ops.Dim { return sym.Symbol("?") }

// hold notes the pool storage that a dynamic value came to own.
func (f *Frame) hold(o int32) {
	b := f.pool.adopt(f.vals[o].Bytes())
	if b == nil {
		return
	}
	if f.held == nil {
		f.held = make([][]byte, len(f.p.slots))
	}
	root := f.p.slots[o].root
	if f.held[root] != nil {
		f.pool.forget(b)
		return
	}
	f.held[root] = b
}

// free gives back the storage of dynamic values that died.
func (f *Frame) free(slots []int32) {
	for _, s := range slots {
		if f.held != nil && f.held[s] != nil {
			f.pool.give(f.held[s])
			f.held[s] = nil
		}
	}
}

// escape lets the caller keep the storage of a dynamic output.
func (f *Frame) escape(slot int32) {
	root := f.p.slots[slot].root
	if f.held != nil && f.held[root] != nil {
		f.pool.forget(f.held[root])
		f.held[root] = nil
	}
}
