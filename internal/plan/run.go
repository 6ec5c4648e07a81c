package plan

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// Run executes the program. in are the graph's inputs in order; each out[i] becomes output i, in the
// storage it already has where that is large enough. Outputs may be inputs of the same run: they are then
// given new storage.
func (p *Program) Run(ctx context.Context, threads int, in, out []*tensor.Tensor) (err error) {
	f := p.frame()
	defer func() {
		if r := recover(); r != nil {
			err = f.fault(r) // and the frame is not used again
			return
		}
		p.release(f)
	}()
	f.setContext(ctx, threads)
	return f.run(ctx, in, out)
}

// fault turns a panic of a kernel into an error that names the node: a page of a mapped file that has gone,
// or a defect of this project.
func (f *Frame) fault(r any) error {
	err := mmap.Fault(r)
	if err == nil {
		err = fmt.Errorf("internal error: %v", r)
	}
	if f.step >= len(f.p.steps) {
		return err
	}
	n := f.p.steps[f.step].node
	return &ops.NodeError{Path: n.Path(), Op: n.Type, Err: err}
}

func (f *Frame) run(ctx context.Context, in, out []*tensor.Tensor) error {
	first := f.first()
	if err := f.bind(in); err != nil {
		return err
	}
	f.begin()
	f.lease()
	f.in, f.out = in, out
	for i, slot := range f.p.inputs {
		f.vals[slot].ResetTo(in[i])
	}
	f.pointOutputs(in, out, first)
	f.pointViews()
	err := f.steps(ctx)
	if err == nil {
		f.handOut(in, out)
	}
	f.finish()
	if err != nil || !f.p.opts.Inside {
		f.giveBack()
	}
	return err
}

func (f *Frame) steps(ctx context.Context) error {
	done := ctx.Done()
	for i := range f.p.steps {
		if done != nil {
			select {
			case <-done:
				return ctx.Err()
			default:
			}
		}
		f.step = i
		s := &f.p.steps[i]
		var err error
		if s.dynamic {
			err = f.dynamic(int32(i))
		} else {
			err = s.run(&f.calls[i])
		}
		if err != nil {
			return &ops.NodeError{Path: s.node.Path(), Op: s.node.Type, Err: err}
		}
		if s.release != nil {
			f.free(s.release)
		}
	}
	return nil
}

// pointOutputs lets the values that the caller gets live in the caller's tensors.
func (f *Frame) pointOutputs(in, out []*tensor.Tensor, first bool) {
	for i, o := range f.p.outputs {
		root := f.p.slots[o.slot].root
		if o.copy || f.p.slots[root].store != inOutput {
			continue
		}
		t := &f.vals[root]
		n := t.DType().ByteLen(t.Len())
		if b := out[i].Bytes(); cap(b) >= n && b != nil && !overlaps(b[:cap(b)], in) {
			t.SetData(b[:n])
		} else {
			b = make([]byte, n, n+headroom(len(b), n))
			if first {
				mem.TakeOrdinary(b[:n], f.p.opts.onThreads)
			} else {
				mem.Take(b[:n])
			}
			t.SetData(b)
		}
	}
}

// headroom returns what to allocate beyond n bytes for a tensor that had some: outputs that grow from run
// to run, such as caches, then seldom have to move.
func headroom(had, n int) int {
	if had == 0 || had >= n {
		return 0
	}
	return n / 4
}

func overlaps(b []byte, in []*tensor.Tensor) bool {
	for _, t := range in {
		if x := t.Bytes(); len(x) > 0 && len(b) > 0 && addr(x) < addr(b)+uintptr(len(b)) && addr(b) < addr(x)+uintptr(len(x)) {
			return true
		}
	}
	return false
}

func addr(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// pointViews gives views of inputs and outputs the storage of this run.
func (f *Frame) pointViews() {
	for _, i := range f.p.views {
		t := &f.vals[i]
		t.SetData(f.vals[f.p.slots[i].root].Bytes()[:t.DType().ByteLen(t.Len())])
	}
}

// handOut fills in the caller's tensors.
func (f *Frame) handOut(in, out []*tensor.Tensor) {
	for i, o := range f.p.outputs {
		t := &f.vals[o.slot]
		switch {
		case o.copy && t.Kind() == tensor.KindTensor && t.DType() != tensor.String:
			b := out[i].Bytes()
			if cap(b) < len(t.Bytes()) || b == nil || overlaps(b[:cap(b)], in) {
				b = make([]byte, len(t.Bytes()))
			}
			b = b[:len(t.Bytes())]
			move.Block(b, t.Bytes())
			out[i].Reset(t.DType(), t.Shape(), b)
		case o.copy:
			out[i].ResetTo(t.Clone())
		case f.p.slots[o.slot].store == isDynamic && fits(out[i], t, in):
			b := out[i].Bytes()[:len(t.Bytes())]
			if addr(b) != addr(t.Bytes()) { // not lent
				move.Block(b, t.Bytes())
			}
			out[i].Reset(t.DType(), t.Shape(), b)
		default:
			if f.p.slots[o.slot].store == isDynamic {
				f.escape(o.slot)
			}
			out[i].ResetTo(t)
		}
	}
}

// fits reports whether the caller's tensor has room of its own for t, so that t's storage need not be given away.
func fits(out, t *tensor.Tensor, in []*tensor.Tensor) bool {
	if t.Kind() != tensor.KindTensor || t.DType() == tensor.String {
		return false
	}
	return len(t.Bytes()) > 0 && len(roomOf(out, in)) >= len(t.Bytes())
}

// finish takes back the storage of dynamic values and lets go of the caller's tensors.
func (f *Frame) finish() {
	f.pool.settle()
	f.spare.Free()
	f.in, f.out = nil, nil
	for slot, b := range f.held {
		if b != nil {
			f.pool.give(b)
			f.held[slot] = nil
		}
	}
	for _, slot := range f.p.inputs {
		f.vals[slot].SetData(nil)
	}
	for _, i := range f.drop {
		f.vals[i].ResetTo(&tensor.Tensor{})
	}
}
