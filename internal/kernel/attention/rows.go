package attention

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// rows computes the block with a row of scores per query: for so few queries that keys and values are best read once
// where they lie.
func (w *worker) rows() {
	n := w.q1 - w.q0
	kv := w.kv()
	out := w.Y.at(w.b, w.h, w.q0)
	seen := w.seen(w.q1)
	w.scores = room(w.scores, n*seen)
	w.sum = room(w.sum, n)
	if seen > 0 {
		w.args = gemm.Args{
			M: n, N: seen, K: w.Size,
			A: w.Q.at(w.b, w.h, w.q0), ARS: w.Q.Step, ACS: 1,
			B: w.K.at(w.b, kv, 0), BRS: 1, BCS: w.K.Step,
			C: w.scores, LDC: seen, Alpha: w.Scale,
		}
		if w.Scale == 0 {
			w.args.K = 0
		}
		gemm.Run(&w.args)
	}
	for i := range n {
		w.sum[i] = w.softmaxRow(w.scores[i*seen:(i+1)*seen], w.q0+i)
	}
	w.args = gemm.Args{
		M: n, N: w.ValueSize, K: seen,
		A: w.scores, ARS: seen, ACS: 1,
		C: out, LDC: w.Y.Step,
	}
	if seen > 0 {
		w.args.B, w.args.BRS, w.args.BCS = w.V.at(w.b, kv, 0), w.V.Step, 1
	}
	gemm.Run(&w.args)
	w.factor = room(w.factor, n)
	vec.Reciprocal(w.factor, w.sum)
	vec.ScaleRows(out, w.factor, w.ValueSize, w.Y.Step)
	w.clearHidden(out, w.sum)
}

// softmaxRow masks the scores of query i, turns them into exponentials and returns their sum.
func (w *worker) softmaxRow(s []float32, i int) float32 {
	for k := range w.Masks {
		w.Masks[k].apply(s, w.b, w.h, i)
	}
	if w.Causal {
		vec.Fill(s[max(0, min(len(s), w.First+i+1)):], float32(math.Inf(-1)))
	}
	top := float32(math.Inf(-1))
	if len(s) > 0 {
		top = vec.Largest(s)
	}
	if math.IsInf(float64(top), -1) {
		top = 0
	}
	return vec.ExpSum(s, s, top)
}
