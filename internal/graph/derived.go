package graph

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Derived is a float32 constant that a pass computed from another. Its elements may be given back while
// nobody reads them, since they can be computed again.
type Derived struct {
	mu    sync.Mutex
	gone  bool
	elems []float32
	fill  func(dst []float32)
}

// Derive returns a constant of the given shape whose elements fill computes from those of the constant from.
func Derive(name string, from *Value, shape tensor.Shape, fill func(dst, src []float32)) *Value {
	d := &Derived{elems: mem.Floats(shape.Len())}
	d.fill = func(dst []float32) {
		from.Read(func() { fill(dst, tensor.Of[float32](from.Const)) })
		mmap.Release(from.Const.Bytes())
	}
	d.fill(d.elems)
	return &Value{Name: name, Value: ops.ConstValue(tensor.FromSlice(d.elems, shape...)), Derived: d}
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
	if d.gone {
		d.fill(d.elems)
	}
	f()
	if d.gone {
		mem.Discard(d.elems)
	}
}

// Fill computes the elements anew.
func (d *Derived) Fill(dst []float32) { d.fill(dst) }

// Discard gives the elements back. From now on they are only there for Read.
func (d *Derived) Discard() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = mem.Discard(d.elems)
}
