package attention

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// Grad describes the gradients of an attention. DY is like Y, which is not used; DQ, DK and DV, the results, are like Q, K and V.
// NaNZero is not used: what is not a number stays so.
type Grad struct {
	Args
	DY, DQ, DK, DV Heads
}

// Scratch32 returns how many elements Gradient wants in g.Scratch: only sizes and masks of g matter.
func (g *Grad) Scratch32() int {
	g.allColumns = true
	return g.Args.Scratch32()
}

// Gradient computes g.DQ, g.DK and g.DV. Scores are computed once more, for a block of queries and all keys they see. So
// nothing has to be kept of the forward run, and no maximum has to be corrected. A chunk is a head of keys with all its
// queries, which it sums over in their order. Results must not overlap the inputs.
func Gradient(g *Grad) {
	r := runs.Get().(*run)
	r.Args, r.grad = g.Args, g
	r.allColumns, r.stripe = true, r.Queries+queryBlock
	r.Y = g.DY
	r.check()
	fits("gradient of queries", &g.DQ, r.B, r.H, r.Queries, r.Size)
	fits("gradient of keys", &g.DK, r.B, r.KVHeads, r.Keys, r.Size)
	fits("gradient of values", &g.DV, r.B, r.KVHeads, r.Keys, r.ValueSize)
	r.cut(queryBlock)
	r.keys = r.Keys
	r.packMasks()
	r.packing = 0
	par.Run(g.Threads, r.B*r.KVHeads, r)
	*r = run{}
	runs.Put(r)
}

// gradients computes the gradients of one head of keys of batch b and of the queries that it serves. The last block of
// queries, which sees the most keys, is the first.
func (w *worker) gradients(r *run, b, kv int) {
	var dk, dv []float32
	if r.Keys > 0 {
		dk, dv = r.grad.DK.at(b, kv, 0), r.grad.DV.at(b, kv, 0)
	}
	shared, reached := r.H/r.KVHeads, 0 // keys that have sums
	for i := range shared * r.blocks {
		w.block = r.queries(b, kv*shared+i%shared, r.blocks-1-i/shared)
		seen := 0
		if w.q1 > w.q0 {
			seen = w.seen(w.q1)
		}
		if seen == 0 {
			for q := w.q0; q < w.q1; q++ {
				clear(r.grad.DQ.at(b, w.h, q)[:r.Size])
			}
			continue
		}
		w.gradientBlock(kv, seen, reached > 0, dk, dv)
		reached = max(reached, seen)
	}
	for k := reached; k < r.Keys; k++ {
		clear(dk[k*r.grad.DK.Step:][:r.Size])
		clear(dv[k*r.grad.DV.Step:][:r.ValueSize])
	}
}

// gradientBlock sets the gradients of the block's queries and adds to those of the keys, or sets them.
func (w *worker) gradientBlock(kv, seen int, add bool, dk, dv []float32) {
	n := w.q1 - w.q0
	width := padded(n)
	w.startBlock(width)
	w.scores = room(w.scores, seen*width)
	w.dscore = room(w.dscore, seen*width)
	s, ds := w.scores[:seen*width], w.dscore
	w.scoreAll(kv, seen, n, width)
	w.hide(strip{panel: &panel{width: width}, n: n}, s, 0, seen)
	dy := w.grad.DY.at(w.b, w.h, w.q0)
	w.args = gemm.Args{
		M: seen, N: n, K: w.ValueSize,
		A: w.V.at(w.b, kv, 0), ARS: w.V.Step, ACS: 1,
		B: dy, BRS: 1, BCS: w.grad.DY.Step,
		C: ds, LDC: width,
	}
	gemm.Run(&w.args)
	w.softmaxGradient(s, ds, seen, width, n)
	w.args = gemm.Args{
		M: seen, N: w.ValueSize, K: n,
		A: s, ARS: width, ACS: 1,
		B: dy, BRS: w.grad.DY.Step, BCS: 1,
		C: dv, LDC: w.grad.DV.Step, Accumulate: add,
	}
	gemm.Run(&w.args)
	w.args = gemm.Args{
		M: seen, N: w.Size, K: n,
		A: ds, ARS: width, ACS: 1,
		B: w.Q.at(w.b, w.h, w.q0), BRS: w.Q.Step, BCS: 1,
		C: dk, LDC: w.grad.DK.Step, Accumulate: add, Alpha: w.Scale,
	}
	w.scaled()
	w.args = gemm.Args{
		M: n, N: w.Size, K: seen,
		A: ds, ARS: 1, ACS: width,
		B: w.K.at(w.b, kv, 0), BRS: w.K.Step, BCS: 1,
		C: w.grad.DQ.at(w.b, w.h, w.q0), LDC: w.grad.DQ.Step, Alpha: w.Scale,
	}
	w.scaled()
}

// scoreAll sets the scores of the first keys, with the masks that are added.
func (w *worker) scoreAll(kv, keys, n, width int) {
	w.args = gemm.Args{
		M: keys, N: n, K: w.Size,
		A: w.K.at(w.b, kv, 0), ARS: w.K.Step, ACS: 1,
		B: w.Q.at(w.b, w.h, w.q0), BRS: 1, BCS: w.Q.Step,
		C: w.scores, LDC: width, Alpha: w.Scale,
	}
	w.chooseMasks()
	e := &w.args.Epilogue
	for i := range w.masks {
		switch m := &w.masks[i]; {
		case !w.done[i]:
		case m.form == perKey:
			e.RowBias = m.keys(w.b, w.h)[:keys]
		case e.Residual == nil:
			e.Residual, e.LDR = m.scores(&w.block, 0)
		default:
			w.done[i] = false
		}
	}
	w.scaled()
}

// scaled runs a product whose factor may be 0, which gemm takes for 1.
func (w *worker) scaled() {
	if w.Scale == 0 {
		w.args.K = 0
	}
	gemm.Run(&w.args)
}

// softmaxGradient turns masked scores s into probabilities and their gradients ds into those of the scores, a stretch of
// keys at a time.
func (w *worker) softmaxGradient(s, ds []float32, keys, width, n int) {
	stretches := func(f func(s, ds []float32, keys int)) {
		for k := 0; k < keys; k += keyBlock {
			m := min(keyBlock, keys-k)
			f(s[k*width:][:m*width], ds[k*width:][:m*width], m)
		}
	}
	stretches(func(s, _ []float32, m int) { vec.MaxColumns(w.top, s, m, width) })
	for i, v := range w.top {
		if w.high[i] = v; math.IsInf(float64(v), -1) { // nothing to see: any finite number gives zeros
			w.high[i] = 0
		}
	}
	stretches(func(s, _ []float32, m int) { vec.ExpColumns(s, w.high, w.sum, m, width) })
	vec.Reciprocal(w.factor, w.sum)
	for i, v := range w.sum {
		if v == 0 && w.EmptyZero || i >= n {
			w.factor[i] = 0
		}
	}
	dot := w.high
	clear(dot)
	stretches(func(s, ds []float32, m int) { vec.ScaleDotColumns(s, w.factor, ds, dot, m, width) })
	stretches(func(s, ds []float32, m int) { vec.SoftmaxGradColumns(ds, s, dot, m, width) })
	for i := range w.masks {
		if m := &w.masks[i]; m.form == keeps { // what replaces a score is constant
			kept, _ := m.kept(&w.block, 0)
			vec.Where(ds, kept[:len(ds)], ds, zero[:])
		}
	}
}

var zero [1]float32
