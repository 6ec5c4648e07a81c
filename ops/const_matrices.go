package ops

import (
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/tensor"
)

// constMatrices are the matrices of a constant right side of products, which lie one after the other. They are read where they
// lie until they are kept in packed form.
type constMatrices struct {
	matrices
	t       *tensor.Tensor
	format  string // see Weights.Packed
	weights Weights
	kept    atomic.Pointer[gemm.Packed]
}

// keep is Kernel.Keep.
func (m *constMatrices) keep() {
	p, _ := m.weights.Packed(m.t, m.format, func(room *Room) any { return packMatrices(room, &m.matrices, m.t) }).(*gemm.Packed)
	m.kept.Store(p)
}

// read calls f with the elements for the time of a call.
func (m *constMatrices) read(c *Call, f func(b []float32)) {
	m.weights.Read(m.t, c.Spare, f)
	c.Spare.Reset()
}

// packMatrices packs the matrices m of t, which lie one after the other.
func packMatrices(room *Room, m *matrices, t *tensor.Tensor) *gemm.Packed {
	size := m.rows * m.cols
	n := t.Len() / size
	p := gemm.NewPackedIn(room, n, m.rows, m.cols)
	if room.Filled() {
		return p
	}
	b := tensor.Of[float32](t)
	for i := range n {
		p.Set(i, b[i*size:(i+1)*size], m.rs, m.cs)
	}
	return p
}
