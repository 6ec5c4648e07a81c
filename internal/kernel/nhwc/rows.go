package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// Rows computes rows of a filter, along its first axis, from the row first on: as many as dst has room for. It is safe for concurrent
// use.
type Rows func(dst []float32, first int)

// rowed is an algorithm that packs filters some rows at a time.
type rowed interface {
	algorithm
	rowLen() int // elements of a row
	packRows(f *packed, w filterRows, room *mem.Room)
}

// filterRows are the rows of a filter: elements that are there, or are computed.
type filterRows struct {
	elems []float32
	fill  Rows // nil: they are there
	each  int  // elements of a row
}

// of returns n rows from the row first on, in the buffer of s if they are computed.
func (w *filterRows) of(s *window.Scratch, first, n int) []float32 {
	if w.fill == nil {
		return w.elems[first*w.each:][:n*w.each]
	}
	s.Grow(n * w.each)
	w.fill(s.Buf, first)
	return s.Buf
}

// rowElems is about how many elements are computed at a time: part of the second-level cache.
const rowElems = 32 << 10

// TakesRows reports whether the plan packs filters that are computed row by row.
func (p *Plan) TakesRows() bool {
	if a, ok := p.alg.(*pointwise); ok {
		return !a.turned
	}
	_, ok := p.alg.(rowed)
	return ok
}

// PackRows is PackIn for a filter of computed rows, if the plan takes them.
func (p *Plan) PackRows(room *mem.Room, rows Rows) *Filter {
	f := new(Filter)
	p.packRows(f, rows, room)
	return f
}

func (p *Plan) packRows(f *Filter, rows Rows, room *mem.Room) {
	f.begin(p)
	alg := p.alg.(rowed)
	alg.packRows(&f.packed, filterRows{fill: rows, each: alg.rowLen()}, room)
}

// RunOnceRows is RunOnce for a filter of computed rows; room has FilterLen elements if OnceLen is 0.
func (p *Plan) RunOnceRows(a *Args, f *Filter, rows Rows, room []float32) {
	if p.parts != nil {
		if p.check(a) {
			p.parts.run(a, f, filterRows{fill: rows, each: p.g.InC * p.g.Taps()}, room)
		}
		return
	}
	f.packed.threads = a.Threads
	if t := p.lateRows(); t != nil {
		f.begin(p)
		t.packLate(&f.packed, filterRows{fill: rows}, nil)
	} else {
		f.room.Within(room[:p.wholeLen()])
		p.packRows(f, rows, &f.room)
		f.room.Within(nil)
	}
	a.Filter = f
	p.Run(a)
}
