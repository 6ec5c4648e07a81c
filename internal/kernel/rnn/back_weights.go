package rnn

import (
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// weights computes the gradients of weights, biases and inputs from those of all gates.
func (b *back) weights() {
	if b.Steps*b.Batch == 0 {
		clear(b.g.DW)
		clear(b.g.DR)
		clear(b.g.DB)
		return
	}
	n, gates := b.Hidden, b.Cell.Gates()
	b.biases()
	b.inputs()
	x := b.inputRows()
	in := b.stateRows()
	if b.Cell != GRU {
		b.outer(b.g.DW, 0, gates*n, x, b.Inputs, b.Inputs)
		b.outer(b.g.DR, 0, gates*n, in, n, n)
		return
	}
	b.outer(b.g.DW, 0, 2*n, x, b.Inputs, b.Inputs)
	b.outer(b.g.DW[2*n*b.Inputs:], 3*n, n, x, b.Inputs, b.Inputs)
	if b.resetFirst() {
		b.outer(b.g.DR, 0, 2*n, in, n, n)
		b.outer(b.g.DR[2*n*n:], 3*n, n, b.kept.gates[3*n:], n, b.kept.pitch)
		return
	}
	b.outer(b.g.DR, 0, 3*n, in, n, n)
}

// outer sets dst, n rows of cols columns, to the sum over all rows of the products of columns [col, col+n) of the gates'
// gradients with x, whose rows are ld elements apart.
func (b *back) outer(dst []float32, col, n int, x []float32, cols, ld int) {
	if n == 0 || cols == 0 {
		return
	}
	gemm.Run(&gemm.Args{M: n, N: cols, K: b.Steps * b.Batch, A: b.d[col:], ARS: 1, ACS: b.kept.pitch, B: x, BRS: ld, BCS: 1,
		C: dst, LDC: cols, Threads: b.Threads})
}

// inputRows returns the inputs, in the order of the rows of gates.
func (b *back) inputRows() []float32 {
	if b.XRow == b.Inputs {
		return b.X
	}
	for t := range b.Steps {
		for i := range b.Batch {
			copy(b.x[(t*b.Batch+i)*b.Inputs:][:b.Inputs], b.X[t*b.XStep+i*b.XRow:])
		}
	}
	return b.x
}

// stateRows returns what was multiplied with R in all steps.
func (b *back) stateRows() []float32 {
	n, h := b.Hidden, b.kept.h
	if b.Reverse {
		h = h[b.Batch*n:]
	}
	if !b.Masked {
		return h
	}
	for r := range b.Steps * b.Batch {
		vec.Mul(b.in[r*n:][:n], h[r*n:][:n], b.Mask[r%b.Batch*b.StateRow:][:n])
	}
	return b.in
}

// biases adds up the gradients of the gates. The two biases of a gate differ where the reset gate comes between them.
func (b *back) biases() {
	if b.g.DB == nil {
		return
	}
	n, sum := b.Hidden, b.sum
	clear(sum)
	for r := 0; r < len(b.d); r += len(sum) {
		vec.Add(sum, sum, b.d[r:r+len(sum)])
	}
	x, s := b.g.DB[:len(b.g.DB)/2], b.g.DB[len(b.g.DB)/2:]
	copy(x, sum)
	copy(s, sum)
	if b.Cell == GRU {
		copy(x[2*n:], sum[3*n:])
		if !b.LinearFirst {
			copy(s[2*n:], sum[3*n:])
		}
	}
}

// inputs adds the gradients of the inputs.
func (b *back) inputs() {
	if b.g.DX == nil || b.Inputs == 0 {
		return
	}
	n, w := b.Hidden, b.w.W
	if b.Cell != GRU {
		b.back(0, b.Cell.Gates()*n, w)
		return
	}
	b.back(0, 2*n, w)
	b.back(3*n, n, w[2*n*b.Inputs:])
}

// back adds to the gradients of the inputs what comes through n columns of the gates' gradients and as many rows of w.
func (b *back) back(col, n int, w []float32) {
	a := gemm.Args{M: b.Steps * b.Batch, N: b.Inputs, K: n, A: b.d[col:], ARS: b.kept.pitch, ACS: 1, B: w, BRS: b.Inputs, BCS: 1,
		C: b.g.DX, LDC: b.Inputs, Accumulate: true, Threads: b.Threads}
	if b.XRow == b.Inputs {
		gemm.Run(&a)
		return
	}
	a.M, a.ARS, a.LDC = b.Steps, b.Batch*b.kept.pitch, b.XStep
	for i := range b.Batch {
		a.A, a.C = b.d[i*b.kept.pitch+col:], b.g.DX[i*b.XRow:]
		gemm.Run(&a)
	}
}
