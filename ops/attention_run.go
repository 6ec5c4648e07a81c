package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// attentionMask is the mask of an attention, with strides of 0 where it is repeated. Keys from cols on are hidden.
type attentionMask[T float32 | float64] struct {
	add              []T
	keep             []bool
	batch, head, row int
	cols             int
}

// set reads a mask that broadcasts to [batch, heads, queries, keys], the last axis of which may be shorter.
func (m *attentionMask[T]) set(t *tensor.Tensor, b, h, q, k int) error {
	*m = attentionMask[T]{cols: k}
	if t == nil {
		return nil
	}
	s := t.Shape()
	if len(s) < 1 || len(s) > 4 || s[len(s)-1] > k {
		return fmt.Errorf("ops: attention mask has shape %v, want one that broadcasts to [%d %d %d %d]", s, b, h, q, k)
	}
	m.cols = s[len(s)-1]
	step := m.cols
	want, strides := [3]int{q, h, b}, [3]*int{&m.row, &m.head, &m.batch}
	for i := 0; i < len(s)-1; i++ {
		d := s[len(s)-2-i]
		if d != 1 && d != want[i] {
			return fmt.Errorf("ops: attention mask has shape %v, want one that broadcasts to [%d %d %d %d]", s, b, h, q, k)
		}
		if d != 1 {
			*strides[i] = step
		}
		step *= d
	}
	if t.DType() == tensor.Bool {
		m.keep = tensor.Of[bool](t)
		return nil
	}
	if m.add = tensor.Of[T](t); m.add == nil && t.Len() > 0 {
		return Unsupported("attention mask of %v", t.DType())
	}
	return nil
}

// attentionWorker is what one goroutine needs.
type attentionWorker[T float32 | float64] struct {
	scores []T
	hidden []bool // rows of scores of which nothing is visible
	args   gemm.ArgsOf[T]
}

// Chunk computes one block of queries of one head.
func (x *attentionCall[T]) Chunk(i int) {
	blocks := (x.q.n + x.block - 1) / x.block
	b, h, q0 := i/blocks/x.q.h, i/blocks%x.q.h, i%blocks*x.block
	q1 := min(q0+x.block, x.q.n)
	w, _ := x.workers.Get().(*attentionWorker[T])
	if w == nil {
		w = new(attentionWorker[T])
	}
	x.head(w, b, h, q0, q1)
	w.args = gemm.ArgsOf[T]{}
	x.workers.Put(w)
}

// head computes queries [q0, q1) of head h of batch b.
func (x *attentionCall[T]) head(w *attentionWorker[T], b, h, q0, q1 int) {
	q, k, v, y := &x.q, &x.k, &x.v, &x.y
	kv := h / (q.h / k.h)
	keys := k.n
	if x.scores == nil { // what no query of the block sees is not computed
		_, keys = x.visible(b, q1-1)
	}
	rows := q1 - q0
	out := y.x[b*y.batch+h*y.head+q0*y.step:]
	if keys <= 0 {
		for r := range rows {
			clear(out[r*y.step:][:y.size])
		}
		return
	}
	if cap(w.scores) < rows*keys {
		w.scores = make([]T, rows*keys)
	}
	s := w.scores[:rows*keys]
	w.args = gemm.ArgsOf[T]{
		M: rows, N: keys, K: q.size,
		A: q.x[b*q.batch+h*q.head+q0*q.step:], ARS: q.step, ACS: 1,
		B: k.x[b*k.batch+kv*k.head:], BRS: 1, BCS: k.step,
		C: s, LDC: keys,
	}
	attentionProduct(&w.args, x.scaling)
	at := ((b*q.h+h)*q.n + q0) * k.n
	x.record(scoresScaled, at, s)
	if x.softcap > 0 {
		softcap(s, x.softcap)
	}
	x.record(scoresCapped, at, s)
	for r := range rows {
		x.hide(s[r*keys:(r+1)*keys], b, h, q0+r)
	}
	x.record(scoresMasked, at, s)
	if f, ok := any(s).([]float32); ok && x.sinks != nil {
		sinkSoftmax(f, x.sinks[h], keys)
	} else {
		attentionSoftmax(w, s, rows, keys)
	}
	x.record(scoresSoft, at, s)
	w.args = gemm.ArgsOf[T]{
		M: rows, N: v.size, K: keys,
		A: s, ARS: keys, ACS: 1,
		B: v.x[b*v.batch+kv*v.head:], BRS: v.step, BCS: 1,
		C: out, LDC: y.step,
	}
	attentionProduct(&w.args, 1)
}

// record copies the scores to output 3 if it wants this stage of them.
func (x *attentionCall[T]) record(mode, at int, s []T) {
	if x.scores != nil && x.mode == mode {
		copy(x.scores[at:at+len(s)], s)
	}
}

// visible returns the range of keys that query i may see, apart from the mask.
func (x *attentionCall[T]) visible(b, i int) (lo, hi int) {
	hi, pos := x.spans[b].length, x.spans[b].start+i
	if x.causal {
		hi = min(hi, pos+1)
	}
	if x.right >= 0 {
		hi = min(hi, pos+x.right+1)
	}
	if x.left >= 0 {
		lo = max(0, pos-x.left)
	}
	return lo, max(hi, 0)
}

// hide applies the masks to the scores of query i.
func (x *attentionCall[T]) hide(s []T, b, h, i int) {
	lo, hi := x.visible(b, i)
	hi = min(hi, x.mask.cols, len(s))
	lo = min(lo, max(hi, 0))
	vec.Fill(s[:lo], x.never)
	vec.Fill(s[hi:], x.never)
	x.mask.apply(s, lo, hi, b, h, i)
	x.pad.apply(s, lo, hi, b, h, i)
}

// apply changes scores [lo, hi) of query i.
func (m *attentionMask[T]) apply(s []T, lo, hi, b, h, i int) {
	at := b*m.batch + h*m.head + i*m.row
	switch {
	case m.keep != nil:
		for j, keep := range m.keep[at+lo : at+hi] {
			if !keep {
				s[lo+j] = T(math.Inf(-1))
			}
		}
	case m.add != nil:
		addScores(s[lo:hi], m.add[at+lo:at+hi])
	}
}

func addScores[T float32 | float64](s, add []T) {
	if f, ok := any(s).([]float32); ok {
		vec.Add(f, f, any(add).([]float32))
		return
	}
	for j, v := range add {
		s[j] += v
	}
}

// softcap bounds the scores smoothly.
func softcap[T float32 | float64](s []T, limit float64) {
	if f, ok := any(s).([]float32); ok {
		vec.ScaleShift(f, f, float32(1/limit), 0)
		vec.Tanh(f, f)
		vec.ScaleShift(f, f, float32(limit), 0)
		return
	}
	for i, v := range s {
		s[i] = T(limit * math.Tanh(float64(v)/limit))
	}
}

// attentionSoftmax is the softmax of rows, where a row of which nothing is visible gives zeros.
func attentionSoftmax[T float32 | float64](w *attentionWorker[T], s []T, rows, cols int) {
	w.hidden = w.hidden[:0]
	for r := range rows {
		w.hidden = append(w.hidden, allHidden(s[r*cols:(r+1)*cols]))
	}
	if f, ok := any(s).([]float32); ok {
		reduce.Softmax(f, f, rows, cols, 1)
	} else if f, ok := any(s).([]float64); ok {
		reduce.SoftmaxOf(f, f, rows, cols, 1, false)
	}
	for r, hidden := range w.hidden {
		if hidden {
			clear(s[r*cols : (r+1)*cols])
		}
	}
}

// sinkSoftmax is the softmax of rows that have one more score, which takes its part and has no value.
func sinkSoftmax(s []float32, sink float32, cols int) {
	for ; len(s) > 0; s = s[cols:] {
		row := s[:cols]
		top := max(vec.Largest(row), sink)
		sum := float64(vec.ExpSum(row, row, top)) + math.Exp(float64(sink-top))
		vec.ScaleShift(row, row, float32(1/sum), 0)
	}
}

// allHidden reports whether all scores are minus infinity.
func allHidden[T float32 | float64](s []T) bool {
	for _, v := range s {
		if !math.IsInf(float64(v), -1) {
			return false
		}
	}
	return true
}

// attentionProduct sets C to alpha*A*B.
func attentionProduct[T float32 | float64](a *gemm.ArgsOf[T], alpha T) {
	switch p := any(a).(type) {
	case *gemm.ArgsOf[float32]:
		gemm.Run(&gemm.Args{M: p.M, N: p.N, K: p.K, A: p.A, ARS: p.ARS, ACS: p.ACS, B: p.B, BRS: p.BRS, BCS: p.BCS,
			C: p.C, LDC: p.LDC, Alpha: float32(alpha), Batch: p.Batch, Threads: p.Threads})
	case *gemm.ArgsOf[float64]:
		gemm.RunOf(p)
		if alpha != 1 {
			for i := range p.C {
				p.C[i] *= float64(alpha)
			}
		}
	}
}
