package plan

import (
	"encoding/binary"
	"fmt"
	"slices"

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
	f.lend(s)
	if s.node.Op.Flags&ops.Managed == 0 && len(s.bodies) == 0 {
		done, err := f.infer(i, s, c)
		if err != nil || done {
			return err
		}
	}
	if s.scratch != nil {
		whole, err := f.borrow(s, c)
		if err != nil {
			return err
		}
		if whole != nil {
			defer f.pool.give(whole)
		}
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

// lend lets a step make outputs of the program in the storage of the caller's tensors. Outputs of bodies are made apart: what
// they capture may lie there.
func (f *Frame) lend(s *step) {
	if f.up != nil {
		return
	}
	for i, o := range f.p.outputs {
		if !o.copy && f.p.slots[o.slot].store == isDynamic && slices.Contains(s.out, o.slot) {
			f.vals[o.slot].SetData(roomOf(f.out[i], f.in)[:0])
		}
	}
}

// roomOf returns the storage of a tensor of the caller, nil if it has none of its own.
func roomOf(t *tensor.Tensor, in []*tensor.Tensor) []byte {
	if t.Kind() != tensor.KindTensor || t.DType() == tensor.String {
		return nil
	}
	b := t.Bytes()
	if b = b[:cap(b)]; len(b) == 0 || overlaps(b, in) {
		return nil
	}
	return b
}

// borrow gives the call its scratch memory, and returns what is to be given back to the pool.
func (f *Frame) borrow(s *step, c *ops.Call) (whole []byte, err error) {
	n := s.scratch(c)
	if n == 0 {
		c.Scratch = nil
		return nil, nil
	}
	if c.Scratch, err = f.pool.Bytes(n); err != nil {
		return nil, err
	}
	return f.pool.adopt(c.Scratch), nil
}

// infer allocates the outputs of s for the shapes its inputs have now. done means that the output is a view
// and nothing has to run.
func (f *Frame) infer(i int32, s *step, c *ops.Call) (done bool, err error) {
	outs, err := f.outputs(i, s, c)
	if err != nil {
		return false, err
	}
	for i, o := range s.out {
		if o < 0 || f.p.slots[o].store != isDynamic || !outs[i].known {
			continue
		}
		shape := outs[i].shape
		if s.into > 0 && i == 0 {
			c.Out[0].ResetTo(c.In[s.into])
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
		if _, err := c.Alloc(i, outs[i].dtype, shape...); err != nil {
			return false, err
		}
	}
	if s.view && c.In[0].Kind() != tensor.KindTensor {
		c.Out[0].ResetTo(c.In[0])
		return true, nil
	}
	return false, nil
}

// A found is what the shape function of a step said of its outputs, and of which inputs.
type found struct {
	key  []int64
	outs []foundOutput
}

type foundOutput struct {
	dtype tensor.DType
	shape tensor.Shape
	known bool
}

// outputs asks the shape function of step i, unless the inputs are as they were when it was asked last.
func (f *Frame) outputs(i int32, s *step, c *ops.Call) ([]foundOutput, error) {
	if f.found == nil {
		f.found = make([]found, len(f.p.steps))
	}
	last := &f.found[i]
	var ok bool
	if f.key, ok = inputKey(f.key[:0], s, c); ok && len(last.outs) > 0 && slices.Equal(f.key, last.key) {
		return last.outs, nil
	}
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
		return nil, err
	}
	outs := make([]foundOutput, len(s.out))
	for i := range outs {
		outs[i].dtype = ic.Out[i].DType
		outs[i].shape, outs[i].known = ic.Out[i].Static()
	}
	if ok {
		last.key, last.outs = append(last.key[:0], f.key...), outs
	}
	return outs, nil
}

// inputKey appends all that a shape function may see of the inputs of s. It reports false if that is more than
// shapes and a few numbers.
func inputKey(key []int64, s *step, c *ops.Call) ([]int64, bool) {
	for i, t := range c.In {
		if t == nil {
			key = append(key, -1)
			continue
		}
		if t.Kind() != tensor.KindTensor || t.DType() == tensor.String {
			return key, false
		}
		key = append(key, int64(t.Rank()), int64(t.DType()))
		for _, d := range t.Shape() {
			key = append(key, int64(d))
		}
		if t.Len() <= smallInput && !s.node.In[i].IsConst() {
			for b := t.Bytes(); len(b) > 0; b = b[min(8, len(b)):] {
				var word [8]byte
				copy(word[:], b)
				key = append(key, int64(binary.LittleEndian.Uint64(word[:])))
			}
		}
	}
	return key, true
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
