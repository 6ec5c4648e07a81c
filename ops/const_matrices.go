package ops

import (
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/mmap"
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
		packMatrix(p, i, b[i*size:(i+1)*size], m, t.Bytes()[4*i*size:4*(i+1)*size])
	}
	return p
}

// packedAtOnce is how many elements of a matrix are packed before their pages in a file are given back, so that there are never
// two copies of a large matrix.
const packedAtOnce = 1 << 18

// packMatrix packs matrix i of p, whose elements are b, and lie in raw.
func packMatrix(p *gemm.Packed, i int, b []float32, m *matrices, raw []byte) {
	if len(b) <= 2*packedAtOnce || m.rs != 1 && m.cs != 1 {
		p.Set(i, b, m.rs, m.cs)
		return
	}
	if m.cs == 1 {
		step := max(1, packedAtOnce/m.cols)
		for k := 0; k < m.rows; k += step {
			end := min(k+step, m.rows)
			p.SetRows(i, k, end, b, m.rs, m.cs)
			mmap.Release(raw[4*k*m.rs : 4*end*m.rs])
		}
		return
	}
	step := max(1, packedAtOnce/m.rows/p.Width()) * p.Width()
	for j := 0; j < m.cols; j += step {
		n := min(step, m.cols-j)
		p.SetColumns(i, j, n, b[j*m.cs:(j+n)*m.cs], m.rs, m.cs)
		mmap.Release(raw[4*j*m.cs : 4*(j+n)*m.cs])
	}
}
