package graph

import (
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Derived is a float32 constant that a pass computed from others. Its elements are computed when they are first read, and
// may be given back while nobody reads them, since they can be computed again.
type Derived struct {
	mu     sync.Mutex
	filled atomic.Bool
	gone   bool
	elems  []float32
	fill   func(dst []float32)
	moves  int                            // bytes that fill moves, where that is known: see FoldLater
	rows   func(dst []float32, first int) // nil: only all can be computed
	from   *Value                         // what rows reads
}

// Derive returns a constant of the shape of the constant from, whose rows along the first axis fill computes from those of the same
// place: as many as dst has room for, from the row first on.
func Derive(name string, from *Value, fill func(dst, src []float32, first int)) *Value {
	shape := from.Const.Shape()
	v := derive(name, shape, func(dst []float32) { from.elements(func(src []float32) { fill(dst, src, 0) }) })
	if from.Derived == nil && len(shape) > 0 {
		each := shape[1:].Len()
		v.Derived.from = from
		v.Derived.rows = func(dst []float32, first int) {
			at := first * each
			fill(dst, tensor.Of[float32](from.Const)[at:][:len(dst)], first)
			mmap.ReleaseSoon(from.Const.Bytes()[4*at:][:4*len(dst)])
		}
	}
	return v
}

// DeriveSum returns a constant of the given shape that begins as zeros, to which add adds what comes of each of the constants
// from, by its index, one after the other.
func DeriveSum(name string, from []*Value, shape tensor.Shape, add func(dst, src []float32, i int)) *Value {
	return derive(name, shape, func(dst []float32) {
		clear(dst)
		for i, v := range from {
			v.elements(func(src []float32) { add(dst, src, i) })
		}
	})
}

func derive(name string, shape tensor.Shape, fill func(dst []float32)) *Value {
	d := &Derived{elems: mem.Reserve(shape.Len()), fill: fill}
	return &Value{Name: name, Value: ops.ConstValue(tensor.Deferred(d.elems, shape, d.ready)), Derived: d}
}

// elements calls f with the elements of the float32 constant v, and gives back those that come from a file.
func (v *Value) elements(f func(x []float32)) {
	v.Read(func() { f(tensor.Of[float32](v.Const)) })
	if v.Derived == nil {
		mmap.ReleaseSoon(v.Const.Bytes())
	}
}

// ready fills the constant if it is not.
func (d *Derived) ready() {
	if d.filled.Load() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fillOnce()
}

func (d *Derived) fillOnce() {
	if !d.filled.Load() {
		mem.Take(d.elems)
		d.fill(d.elems)
		d.filled.Store(true)
	}
}

// Read calls f while the elements of the constant v are there.
func (v *Value) Read(f func()) {
	if v.Derived == nil {
		f()
		return
	}
	v.Derived.Read(f)
}

// Read calls f while the elements are there.
func (d *Derived) Read(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fillOnce()
	f()
	if d.gone {
		d.discard()
	}
}

// Fill computes the elements anew.
func (d *Derived) Fill(dst []float32) { d.fill(dst) }

// ReadRows calls f with a function that computes rows, along the first axis, anew, safe for concurrent use: as many as dst has room for,
// from the row first on. It reports whether rows can be computed apart; otherwise it does nothing.
func (d *Derived) ReadRows(f func(rows func(dst []float32, first int))) bool {
	if d.rows == nil {
		return false
	}
	f(d.rows)
	mmap.ReleaseSoon(d.from.Const.Bytes())
	return true
}

// Discard gives the elements back. From now on they are only there for Read.
func (d *Derived) Discard() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = true
	d.discard()
}

func (d *Derived) discard() {
	if d.filled.Load() && mem.Discard(d.elems) {
		d.filled.Store(false)
	}
}
