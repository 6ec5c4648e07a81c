package rnn

import (
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// weights sets the gradients of weights and inputs, or if more is set adds to them, what comes from the gates of the span.
func (b *back) weights(more bool) {
	b.biases()
	b.inputs()
	n := b.Hidden
	x, in := matrix{b.inputRows(), b.Inputs, b.Inputs}, matrix{b.stateRows(), n, n}
	if b.Cell != GRU {
		b.outer(b.g.DW, 0, b.Cell.Gates()*n, x, more)
		b.outer(b.g.DR, 0, b.Cell.Gates()*n, in, more)
		return
	}
	b.outer(b.g.DW, 0, 2*n, x, more)
	b.outer(b.g.DW[2*n*b.Inputs:], 3*n, n, x, more)
	if b.resetFirst() {
		b.outer(b.g.DR, 0, 2*n, in, more)
		b.outer(b.g.DR[2*n*n:], 3*n, n, matrix{b.kept.gates[(b.from-b.kept.from)*b.Batch*b.kept.pitch+3*n:], n, b.kept.pitch}, more)
		return
	}
	b.outer(b.g.DR, 0, 3*n, in, more)
}

// finishWeights completes the gradients of weights and biases.
func (b *back) finishWeights() {
	if b.Steps*b.Batch == 0 {
		clear(b.g.DW)
		clear(b.g.DR)
	}
	b.finishBiases()
}

// A matrix has rows of cols elements, ld elements apart.
type matrix struct {
	x        []float32
	cols, ld int
}

// outer sets dst, n rows of x.cols columns, to the sum over the rows of the span of the products of columns [col, col+n) of the
// gates' gradients with x, or adds that to it.
func (b *back) outer(dst []float32, col, n int, x matrix, add bool) {
	if n == 0 || x.cols == 0 {
		return
	}
	gemm.Run(&gemm.Args{M: n, N: x.cols, K: b.span * b.Batch, A: b.d[col:], ARS: 1, ACS: b.kept.pitch, B: x.x, BRS: x.ld, BCS: 1,
		C: dst, LDC: x.cols, Accumulate: add, Threads: b.Threads})
}

// inputRows returns the inputs of the span, in the order of the rows of gates.
func (b *back) inputRows() []float32 {
	if b.XRow == b.Inputs {
		return b.X[b.from*b.XStep:]
	}
	for t := range b.span {
		for i := range b.Batch {
			copy(b.x[(t*b.Batch+i)*b.Inputs:][:b.Inputs], b.X[(b.from+t)*b.XStep+i*b.XRow:])
		}
	}
	return b.x
}

// stateRows returns what was multiplied with R in the steps of the span.
func (b *back) stateRows() []float32 {
	n := b.Hidden
	h := b.kept.h[(b.from-b.kept.from)*b.Batch*n:]
	if b.Reverse {
		h = h[b.Batch*n:]
	}
	if !b.Masked {
		return h
	}
	for r := range b.span * b.Batch {
		vec.Mul(b.in[r*n:][:n], h[r*n:][:n], b.Mask[r%b.Batch*b.StateRow:][:n])
	}
	return b.in
}

// biases adds up the gradients of the gates.
func (b *back) biases() {
	if b.g.DB == nil {
		return
	}
	sum := b.sum
	for r := 0; r < b.span*b.Batch*len(sum); r += len(sum) {
		vec.Add(sum, sum, b.d[r:r+len(sum)])
	}
}

// finishBiases makes the gradients of the biases of the sums. The two of a gate differ where the reset gate comes between them.
func (b *back) finishBiases() {
	if b.g.DB == nil {
		return
	}
	n, sum := b.Hidden, b.sum
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
	a := gemm.Args{M: b.span * b.Batch, N: b.Inputs, K: n, A: b.d[col:], ARS: b.kept.pitch, ACS: 1, B: w, BRS: b.Inputs, BCS: 1,
		C: b.g.DX[b.from*b.XStep:], LDC: b.Inputs, Accumulate: true, Threads: b.Threads}
	if b.XRow == b.Inputs {
		gemm.Run(&a)
		return
	}
	a.M, a.ARS, a.LDC = b.span, b.Batch*b.kept.pitch, b.XStep
	for i := range b.Batch {
		a.A, a.C = b.d[i*b.kept.pitch+col:], b.g.DX[b.from*b.XStep+i*b.XRow:]
		gemm.Run(&a)
	}
}
