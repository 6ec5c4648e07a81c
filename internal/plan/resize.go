package plan

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/ops"
)

// A LimitError says that a run would take more memory than allowed.
type LimitError struct{ Need, Limit int }

// Error gives both numbers.
func (e *LimitError) Error() string {
	return fmt.Sprintf("runtime: the run needs %d bytes, the limit is %d", e.Need, e.Limit)
}

// resize gives the fixed slots whose dimensions changed their shapes. It reports whether something no longer
// fits in its place.
func (f *Frame) resize() (moved bool, err error) {
	all := len(f.was) == 0
	for i := range f.p.slots {
		s := &f.p.slots[i]
		f.dirty[i] = s.fixed && (s.store != inConst || s.root != int32(i)) && (all || f.changed(s))
		if !f.dirty[i] {
			continue
		}
		if err := f.evalShape(s); err != nil {
			return false, err
		}
		f.vals[i].Reset(s.dtype, f.shape, nil)
	}
	for k, i := range f.p.arena {
		if f.dirty[i] && f.grow(k, f.vals[i].DType().ByteLen(f.vals[i].Len())) {
			moved = true
		}
	}
	for k, i := range f.scratch {
		f.scratchLen[k] = f.p.steps[i].scratch(&f.calls[i])
		if f.grow(len(f.p.arena)+k, f.scratchLen[k]) {
			moved = true
		}
	}
	for _, views := range [][]int32{f.p.inner, f.p.views} {
		for _, i := range views {
			if err := f.checkView(i); err != nil {
				return false, err
			}
		}
	}
	f.was = append(f.was[:0], f.dims...)
	return moved || !f.placed, nil
}

// checkView makes sure that a view has as many elements as what it is a view of: a dimension that was
// inferred by division may have been rounded.
func (f *Frame) checkView(i int32) error {
	s := &f.p.slots[i]
	if !f.dirty[i] && !f.dirty[s.root] || f.vals[i].Len() == f.vals[s.root].Len() {
		return nil
	}
	n := s.value.From
	err := fmt.Errorf("%d elements do not fit in shape %v", f.vals[s.root].Len(), []int(f.vals[i].Shape()))
	return &ops.NodeError{Path: n.Path(), Op: n.Type, Err: err}
}

// changed reports whether a dimension of s differs from the last binding.
func (f *Frame) changed(s *slot) bool {
	for _, id := range s.dims {
		if f.dims[id] != f.was[id] {
			return true
		}
	}
	return false
}

func (f *Frame) evalShape(s *slot) error {
	f.shape = f.shape[:0]
	n := int64(1)
	for _, id := range s.dims {
		d := f.dims[id]
		if d < 0 {
			return fmt.Errorf("value %q would have a dimension of %d", s.value.Name, d)
		}
		if d > 0 && n > maxElements/d {
			return &LimitError{Need: math.MaxInt, Limit: f.p.opts.Limit}
		}
		n *= max(d, 1)
		f.shape = append(f.shape, int(d))
	}
	return nil
}

// grow notes the size of block k and reports whether it exceeds the room the block has. Where sizes vary
// from run to run, room for a quarter more is planned, so that slowly growing sizes seldom move anything.
func (f *Frame) grow(k, size int) bool {
	if size <= f.blocks[k].size {
		return false
	}
	if len(f.p.symbols) > 0 && f.binds > 1 {
		size += size / 4
	}
	f.blocks[k].size = (size + alignment - 1) &^ (alignment - 1)
	return true
}

func (f *Frame) layOut() error {
	total := place(f.blocks, f.offsets)
	if l := f.p.opts.Limit; l > 0 && total > l {
		return &LimitError{Need: total, Limit: l}
	}
	f.total, f.placed = total, true
	if !f.guest() && (total > len(f.arena) || f.arena == nil) {
		if f.passing = f.first() && total <= mostPassing; f.passing {
			f.arena = mem.Ordinary(total, f.p.opts.onThreads)
		} else {
			f.arena = mem.BytesBy(total, f.p.opts.onThreads)
		}
	}
	return nil
}

// onThreads is a mem.Runner.
func (o *Options) onThreads(n int, part func(i int)) { par.Run(o.Threads, n, parts(part)) }

// parts calls a function for each part. It implements par.Task.
type parts func(i int)

// Chunk implements par.Task.
func (p parts) Chunk(i int) { p(i) }

// guest reports whether the arena belongs to the frame while it runs only.
func (f *Frame) guest() bool { return f.lodges || f.p.opts.Arenas != nil }

// own returns the size of an arena that no other frame uses.
func (f *Frame) own() int {
	if f.guest() {
		return 0
	}
	return len(f.arena)
}

// checkLimit adds what the caller's outputs take to the arena.
func (f *Frame) checkLimit() error {
	l, total := f.p.opts.Limit, max(f.total, f.own())
	for _, o := range f.p.outputs {
		s := &f.p.slots[o.slot]
		if !s.fixed || o.copy || f.p.slots[s.root].store != inOutput {
			continue
		}
		if t := &f.vals[o.slot]; l > 0 {
			n := t.DType().ByteLen(t.Len())
			if n > l-total {
				return &LimitError{Need: max(total+n, n), Limit: l}
			}
			total += n
		}
	}
	return nil
}
