package runtime

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/tensor"
)

// call is what one Run needs besides the frame: reused, so that Run allocates nothing of its own.
type call struct{ in, out []*tensor.Tensor }

// Run runs the model on named inputs and returns its outputs, which belong to the caller. Inputs are not
// written to. It stops between two nodes when ctx is done.
func (s *Session) Run(ctx context.Context, inputs map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	out := make(map[string]*tensor.Tensor, len(s.outputs))
	if err := s.RunInto(ctx, inputs, out); err != nil {
		return nil, err
	}
	return out, nil
}

// RunInto is Run with outputs that are reused: a tensor in outputs keeps its storage where that is large
// enough, and missing ones are added. At fixed shapes it allocates nothing. A tensor may be an input and an
// output of the same call; it then gets new storage. Outputs of one call may be inputs of the next.
func (s *Session) RunInto(ctx context.Context, inputs, outputs map[string]*tensor.Tensor) error {
	s.running.RLock()
	defer s.running.RUnlock()
	if s.closed {
		return ErrClosed
	}
	c, ok := s.pool.Get().(*call)
	if !ok {
		c = &call{in: make([]*tensor.Tensor, len(s.inputs)), out: make([]*tensor.Tensor, len(s.outputs))}
	}
	defer s.pool.Put(c)
	if err := s.gather(c, inputs); err != nil {
		return err
	}
	for i := range s.outputs {
		t := outputs[s.outputs[i].Name]
		if t == nil {
			t = new(tensor.Tensor)
			outputs[s.outputs[i].Name] = t
		}
		c.out[i] = t
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	err := s.main.plan.Run(ctx, s.threads, c.in, c.out)
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*ShapeError](err); ok {
		return s.runShaped(ctx, c, err)
	}
	return err
}

// gather puts the inputs in order and checks kinds and element types.
func (s *Session) gather(c *call, inputs map[string]*tensor.Tensor) error {
	for i := range s.inputs {
		info := &s.inputs[i]
		t := inputs[info.Name]
		if t == nil {
			return fmt.Errorf("runtime: input %q is missing: want %s", info.Name, info.Type)
		}
		if t.Kind() != info.Kind || t.DType() != info.DType && (info.Kind == tensor.KindTensor || t.Len() > 0) {
			return fmt.Errorf("runtime: input %q is a %v of %v, want %s", info.Name, t.Kind(), t.DType(), info.Type)
		}
		c.in[i] = t
	}
	if len(inputs) == len(s.inputs) {
		return nil
	}
	for name := range inputs {
		if _, ok := s.inNames[name]; !ok {
			return fmt.Errorf("runtime: the model has no input %q", name)
		}
	}
	return nil
}

// maxShaped bounds the programs of a session for exact shapes.
const maxShaped = 8

// runShaped runs inputs that do not fit the declared symbols (the same name stands for two sizes, or the
// rank is not declared) on a program for exactly their shapes. Dimensions that the model gives as numbers
// must hold.
func (s *Session) runShaped(ctx context.Context, c *call, cause error) error {
	shapes := make([]tensor.Shape, len(c.in))
	for i, v := range s.inputs {
		got := c.in[i].Shape()
		if v.Ranked && len(got) != len(v.Dims) {
			return cause
		}
		for k := range v.Dims {
			if v.Dims[k].Value >= 0 && v.Dims[k].Value != got[k] {
				return cause
			}
		}
		shapes[i] = got.Clone()
	}
	p, err := s.programFor(shapes)
	if err != nil {
		return err
	}
	return p.plan.Run(ctx, s.threads, c.in, c.out)
}

func (s *Session) programFor(shapes []tensor.Shape) (*program, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := slices.IndexFunc(s.shaped, func(p *program) bool { return slices.EqualFunc(p.shapes, shapes, tensor.Shape.Equal) })
	var p *program
	if k >= 0 {
		p = s.shaped[k]
		s.shaped = slices.Delete(s.shaped, k, k+1)
	} else {
		err := guard(func() (err error) {
			p, err = s.compile(shapes)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	s.shaped = slices.Insert(s.shaped, 0, p)
	s.shaped = s.shaped[:min(len(s.shaped), maxShaped)]
	return p, nil
}

// guard runs fn and turns a fault of a mapped page, or a defect that panics, into an error.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			if err = mmap.Fault(r); err == nil {
				err = fmt.Errorf("runtime: internal error: %v", r)
			}
		}
	}()
	return fn()
}
