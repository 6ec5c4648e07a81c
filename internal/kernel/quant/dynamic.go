package quant

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// RangeOf returns the meaning of uint8 that covers the numbers of x and zero, as DynamicQuantizeLinear defines it.
func RangeOf(x []float32) Params {
	var lo, hi float32
	if len(x) > 0 {
		lo, hi = vec.Extent(x)
		lo, hi = min(0, lo), max(0, hi)
	}
	p := Params{Scale: 1}
	if hi != lo {
		p.Scale = (hi - lo) / math.MaxUint8
	}
	r := newRounder[uint8](0)
	p.Zero = r.round(-lo / p.Scale)
	return p
}

// Codes sets dst to the uint8 nearest to the numbers x, less the zero point. dst may be x.
func Codes(dst, x []float32, p Params) {
	scale := [1]float32{p.Scale}
	lo, hi := float32(-p.Zero), float32(math.MaxUint8-p.Zero)
	for len(dst) > 0 {
		n := min(len(dst), codeBlock)
		d := dst[:n]
		vec.Div(d, x[:n], scale[:])
		vec.Clip(d, d, lo, hi)
		vec.Round(d, d)
		dst, x = dst[n:], x[n:]
	}
}

// codeBlock is the number of elements that Codes treats at a time.
const codeBlock = 1 << 12

// Dynamic is the right-hand side of products whose left-hand side is quantised for each product, by its own range.
type Dynamic struct {
	Weights *Weights
	Scale   []float32 // of the weights: one for all, or for each column
}

// dynamicCall is the memory of one product.
type dynamicCall struct {
	codes, part, col []float32
	sums             []int32
	args             gemm.Args
	result           Result
}

var dynamicCalls = sync.Pool{New: func() any { return new(dynamicCall) }}

// Multiply sets C to A times the weights, plus the column bias of the epilogue; with Accumulate it adds to C. A has
// contiguous rows.
func (d *Dynamic) Multiply(a *gemm.Args) {
	x := dynamicCalls.Get().(*dynamicCall)
	size := a.M * a.N
	x.codes, x.part, x.sums = grown(x.codes, a.M*a.K), grown(x.part, size), grown(x.sums, size)
	in := a.A[:a.M*a.K]
	p := RangeOf(in)
	Codes(x.codes, in, p)
	x.args = gemm.Args{M: a.M, N: a.N, K: a.K, A: x.codes, ARS: a.K, ACS: 1, Threads: a.Threads}
	Multiply(&x.args, d.Weights, x.sums, x.part)
	x.col = grown(x.col, len(d.Scale))
	vec.ScaleShift(x.col, d.Scale, p.Scale, 0)
	x.result = Result{M: a.M, N: a.N, Sums: x.sums, Col: x.col, Bias: a.Epilogue.ColBias, Add: a.Accumulate, Stride: a.LDC, Threads: a.Threads}
	x.result.Floats(a.C)
	x.args, x.result = gemm.Args{}, Result{}
	dynamicCalls.Put(x)
}

// grown returns a slice of n elements, s if it is large enough.
func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
