package nbits

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

const (
	// dotRows is the number of rows of A up to which dot products with rows of codes are cheaper than tiles.
	dotRows = 8
	// chunkCodes is the number of codes in a chunk: some tens of microseconds.
	chunkCodes = 1 << 16
)

// Mul computes C = A*B for the rows×K matrix A and the matrix B that m is the transpose of, plus a bias of N elements
// unless it is nil. A and C are dense. m must pass Check.
func Mul(c, a []float32, rows int, m *Matrix, bias []float32, threads int) {
	if rows <= 0 {
		return
	}
	if rows > dotRows {
		args := gemm.Args{M: rows, N: m.N, K: m.K, A: a, ARS: m.K, ACS: 1, Source: m, C: c, LDC: m.N, Threads: threads}
		args.Epilogue.ColBias = bias
		gemm.Run(&args)
		return
	}
	t := dots.Get().(*dotTask)
	*t = dotTask{m: m, a: a[:rows*m.K], c: c[:rows*m.N], rows: rows, bias: bias, size: max(1, chunkCodes/m.K)}
	par.Run(threads, (m.N+t.size-1)/t.size, t)
	*t = dotTask{}
	dots.Put(t)
}

var dots = sync.Pool{New: func() any { return new(dotTask) }}

// dotTask is a product of few rows; a chunk is a number of columns of C.
type dotTask struct {
	m          *Matrix
	a, c, bias []float32
	rows, size int
}

// Chunk computes the products of all rows of A with some rows of codes.
func (t *dotTask) Chunk(i int) {
	m, buf := t.m, buffers.Get().(*buffer)
	row := buf.floats(m.K)
	for n := i * t.size; n < min((i+1)*t.size, m.N); n++ {
		m.row(buf, row, n, 0)
		add := float32(0)
		if t.bias != nil {
			add = t.bias[n]
		}
		for r := range t.rows {
			t.c[r*m.N+n] = vec.Dot(row, t.a[r*m.K:(r+1)*m.K]) + add
		}
	}
	buffers.Put(buf)
}

// PackTile writes a part of B for package gemm.
func (m *Matrix) PackTile(dst []float32, t gemm.Tile) {
	buf := buffers.Get().(*buffer)
	size := t.K1 - t.K0
	row := buf.floats(size)
	for n0 := t.N0; n0 < t.N1; n0 += t.NR {
		panel := dst[:size*t.NR]
		dst = dst[size*t.NR:]
		if t.N1-n0 < t.NR {
			clear(panel)
		}
		for n := n0; n < min(n0+t.NR, t.N1); n++ {
			m.row(buf, row, n, t.K0)
			at := n - n0
			for _, v := range row {
				panel[at] = v
				at += t.NR
			}
		}
	}
	buffers.Put(buf)
}

// buffer holds a row of float32 and the zero points of its blocks for one goroutine.
type buffer struct{ x, zeros []float32 }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func (b *buffer) floats(n int) []float32 {
	if cap(b.x) < n {
		b.x = make([]float32, n)
	}
	return b.x[:n]
}
