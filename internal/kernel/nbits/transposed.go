package nbits

import "github.com/onnxrun/onnxrun/internal/kernel/gemm"

// MulTransposed computes C = A*B' for the rows×N matrix A and the matrix B that m is the transpose of: the gradient
// with respect to the left factor of Mul. A and C, of K columns, are dense. m must pass Check.
func MulTransposed(c, a []float32, rows int, m *Matrix, threads int) {
	if rows > 0 {
		gemm.Run(&gemm.Args{M: rows, N: m.K, K: m.N, A: a, ARS: m.N, ACS: 1, Source: transposed{m}, C: c, LDC: m.K, Threads: threads})
	}
}

// transposed hands the rows of a matrix to package gemm as rows of a right-hand side.
type transposed struct{ *Matrix }

// PackTile writes a part of the matrix for package gemm.
func (m transposed) PackTile(dst []float32, t gemm.Tile) {
	buf := buffers.Get().(*buffer)
	skip := t.N0 % 16 // rows are expanded from multiples of 16 on
	row := buf.floats(t.N1 - t.N0 + skip)
	panel := (t.K1 - t.K0) * t.NR
	for n := t.K0; n < t.K1; n++ {
		m.row(buf, row, n, t.N0-skip)
		for at, rest := (n-t.K0)*t.NR, row[skip:]; len(rest) > 0; at += panel {
			part := rest[:min(t.NR, len(rest))]
			to := dst[at : at+t.NR]
			clear(to[copy(to, part):])
			rest = rest[len(part):]
		}
	}
	buffers.Put(buf)
}
