package attention

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// block is queries [q0, q1) of head h of batch b.
type block struct {
	*run
	b, h, q0, q1 int
}

// worker is what one goroutine needs.
type worker struct {
	block
	args   gemm.Args
	query  []float32 // queries of the block as panels of columns, if they are wanted more than once
	nr     int       // columns of a panel of query, 0 while there are none
	scores []float32 // [keys, width]
	dscore []float32 // their gradients
	// For each query: the largest score so far, the sum of exponentials, what the result is multiplied with.
	top, high, sum, factor []float32
	dims, ds, ss           [2]int  // for transposing
	done                   [2]bool // masks that the product of the keys has added
}

var workers = sync.Pool{New: func() any { return new(worker) }}

// room returns x with n elements of unknown content.
func room(x []float32, n int) []float32 {
	if cap(x) < n {
		x = make([]float32, (n+1023)&^1023)
	}
	return x[:n]
}

// columns computes the block with a column per query.
func (w *worker) columns() {
	n := w.q1 - w.q0
	width := (n + lanes - 1) &^ (lanes - 1)
	w.start(width)
	kv := w.h / (w.H / w.KVHeads)
	out := w.Y.at(w.b, w.h, w.q0)
	seen := w.seen(w.q1)
	if seen == 0 {
		for i := range n {
			clear(out[i*w.Y.Step:][:w.ValueSize])
		}
	}
	for k0 := 0; k0 < seen; k0 += w.keys {
		k1 := min(k0+w.keys, seen)
		s := w.scores[:(k1-k0)*width]
		w.multiplyKeys(kv, k0, k1, n, width)
		w.hide(s, k0, k1, width)
		w.softmax(s, out, k1-k0, width, n, k0 == 0)
		w.args = gemm.Args{
			M: n, N: w.ValueSize, K: k1 - k0,
			A: s, ARS: 1, ACS: width,
			B: w.V.at(w.b, kv, k0), BRS: w.V.Step, BCS: 1,
			C: out, LDC: w.Y.Step, Accumulate: k0 > 0,
		}
		gemm.Run(&w.args)
	}
	w.finish(out, n)
}

// start makes room for the block.
func (w *worker) start(width int) {
	w.nr = 0
	w.scores = room(w.scores, max(w.keys, 1)*width)
	w.top, w.high, w.sum, w.factor = room(w.top, width), room(w.high, width), room(w.sum, width), room(w.factor, width)
	vec.Fill(w.top, float32(math.Inf(-1)))
	clear(w.sum)
}

// PackTile gives gemm the queries of the block, each a column.
func (w *worker) PackTile(dst []float32, t gemm.Tile) {
	if w.keys >= w.Keys {
		w.panels(dst, t)
		return
	}
	if w.nr == 0 {
		w.nr = t.NR
		all := gemm.Tile{K1: w.Size, N1: w.q1 - w.q0, NR: t.NR}
		w.query = room(w.query, all.Len())
		w.panels(w.query, all)
	}
	for n := t.N0; n < t.N1; n += t.NR {
		k := copy(dst, w.query[n*w.Size+t.K0*t.NR:][:(t.K1-t.K0)*t.NR])
		dst = dst[k:]
	}
}

// panels transposes queries into panels.
func (w *worker) panels(dst []float32, t gemm.Tile) {
	rows := t.K1 - t.K0
	for n := t.N0; n < t.N1; n += t.NR {
		cols := min(t.NR, t.N1-n)
		if cols < t.NR {
			clear(dst[:rows*t.NR])
		}
		w.transpose(dst, w.Q.at(w.b, w.h, w.q0+n)[t.K0:], rows, cols, t.NR, w.Q.Step)
		dst = dst[rows*t.NR:]
	}
}

// transpose sets dst(i, j) = src(j, i) for i < rows and j < cols, with rows ld and columns step elements apart.
func (w *worker) transpose(dst, src []float32, rows, cols, ld, step int) {
	w.dims, w.ds, w.ss = [2]int{rows, cols}, [2]int{ld, 1}, [2]int{1, step}
	move.Strided(bytes(dst), bytes(src), move.Copy{Dims: w.dims[:], DstStride: w.ds[:], SrcStride: w.ss[:], Width: 4}, 1)
}

// multiplyKeys sets the scores of keys [k0, k1), with the masks that are added.
func (w *worker) multiplyKeys(kv, k0, k1, n, width int) {
	w.args = gemm.Args{
		M: k1 - k0, N: n, K: w.Size,
		A: w.K.at(w.b, kv, k0), ARS: w.K.Step, ACS: 1,
		Source: w,
		C:      w.scores, LDC: width, Alpha: w.Scale,
	}
	e := &w.args.Epilogue
	w.done = [2]bool{}
	for i := range w.masks {
		m := &w.masks[i]
		switch {
		case i > 0 && w.masks[0].form == keeps: // it comes first
		case m.form == perKey && e.RowBias == nil:
			e.RowBias, w.done[i] = m.keys(w.b, w.h)[k0:k1], true
		case m.form == perScore && e.Residual == nil:
			e.Residual, e.LDR, w.done[i] = m.scores(&w.block)[k0*width:k1*width], width, true
		}
	}
	if w.Scale == 0 { // which gemm takes for 1
		w.args.K = 0
	}
	gemm.Run(&w.args)
}

// hide applies to scores s of keys [k0, k1) what their product did not.
func (w *worker) hide(s []float32, k0, k1, width int) {
	for i := range w.masks {
		m := &w.masks[i]
		switch {
		case w.done[i]:
		case m.form == perKey:
			for k, v := range m.keys(w.b, w.h)[k0:k1] {
				vec.ScaleShift(s[k*width:][:width], s[k*width:][:width], 1, v)
			}
		case m.form == perScore:
			vec.Add(s, s, m.scores(&w.block)[k0*width:k1*width])
		case m.form == keeps:
			vec.Where(s, m.kept(&w.block)[k0*width:k1*width], s, m.fill[:])
		}
	}
	if !w.Causal {
		return
	}
	for k := max(k0, w.First+w.q0+1); k < k1; k++ { // queries in front of key k
		vec.Fill(s[(k-k0)*width:][:min(k-w.First-w.q0, width)], float32(math.Inf(-1)))
	}
}

// softmax turns scores of one step into exponentials and takes account of them in top, sum and, unless it is the first
// step, in the result so far.
func (w *worker) softmax(s, out []float32, keys, width, n int, first bool) {
	old, top := w.factor, w.top
	copy(old, top)
	vec.MaxColumns(top, s, keys, width)
	changed := false
	for i, v := range top {
		if math.IsInf(float64(v), -1) { // nothing to see yet: any finite number gives zeros
			v = 0
		}
		w.high[i] = v
		changed = changed || old[i] != top[i]
	}
	if !first && changed {
		vec.Sub(w.factor, old, w.high)
		vec.ExpTerm(w.factor, w.factor)
		vec.Mul(w.sum, w.sum, w.factor)
		vec.ScaleRows(out, w.factor[:n], w.ValueSize, w.Y.Step)
	}
	vec.ExpColumns(s, w.high, w.sum, keys, width)
}

// finish divides the results by the sums.
func (w *worker) finish(out []float32, n int) {
	vec.Reciprocal(w.factor, w.sum)
	for i, v := range w.sum[:n] {
		if v != v && w.NaNZero || v == 0 && (w.EmptyZero || w.NaNZero) {
			clear(out[i*w.Y.Step:][:w.ValueSize])
			w.factor[i] = 0
		}
	}
	vec.ScaleRows(out, w.factor[:n], w.ValueSize, w.Y.Step)
}
