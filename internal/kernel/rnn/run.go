package rnn

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// run is one run of a layer. As a par.StagedTask it does the steps of a block, each for a part of the units; a GRU that
// resets first has two stages for each step. As a par.Task it does all stages for a part of the rows: these need nothing of
// each other.
type run struct {
	*Layer
	*Weights
	Args
	kept  *kept        // nil without Keep
	room  kept         // where it points to
	h     [2][]float32 // the state before and after a step, in turn: Batch rows
	in    [2][]float32 // what is multiplied with R: h, or h times the mask
	c     []float32    // the state of the cells
	reset []float32    // what the reset gate lets through
	bias  []float32    // RBias of the last gate, or zeros
	sums  sums         // products with the state, of Batch rows
	x     []float32    // products of the inputs of a block of steps
	ldg   int          // between the rows of a step in x
	step  int          // between the steps in x
	t0    int          // the first step of the block
	done  int          // steps before the block
	count int          // steps of the block
	share share
	fast  bool      // kernels of whole cells do the gates
	args  gemm.Args // of a Multiplier
}

var runs = sync.Pool{New: func() any { return new(run) }}

// Run computes a direction. It allocates nothing in steady state. The results do not depend on a.Threads.
func (l *Layer) Run(w *Weights, a *Args) {
	if a.Batch == 0 {
		return
	}
	r := runs.Get().(*run)
	r.Layer, r.Weights, r.Args = l, w, *a
	r.begin()
	block := r.block(r.Steps, r.Batch)
	if r.kept != nil || r.Spans != nil {
		block = backSteps(r.Steps, r.Batch)
	}
	for r.done < r.Steps {
		r.next(block)
		if r.Spans != nil {
			r.saveSpan(block)
			if r.done+r.count == r.Steps {
				r.keepLast()
				break
			}
		}
		r.project()
		stages := r.count
		if r.resetFirst() {
			stages *= 2
		}
		r.share.run(r.Threads, stages, r)
		r.done += r.count
	}
	h, c := r.h[r.Steps&1], r.c
	if r.kept != nil {
		h = r.last(r.kept.h, r.Batch)
		if r.Cell == LSTM {
			c = r.last(r.kept.c, r.Batch)
		}
	}
	r.save(r.HOut, h)
	r.save(r.COut, c)
	*r = run{}
	runs.Put(r)
}

// next sets which steps come next, at most so many.
func (r *run) next(block int) {
	r.count = min(block, r.Steps-r.done)
	if r.kept != nil || r.Spans != nil { // spans are counted from the end
		r.count = firstSpan(r.Steps-r.done, block)
	}
	r.t0 = r.done
	if r.Reverse {
		r.t0 = r.Steps - r.done - r.count
	}
}

// begin divides the scratch memory, loads the initial states and chooses the kernels.
func (r *run) begin() {
	s := r.Scratch
	take := func(n int) []float32 {
		part := s[:n]
		s = s[padded(n):]
		return part
	}
	n, g := r.Batch*r.Hidden, r.Cell.Gates()
	r.h[0], r.h[1], r.c, r.reset = take(n), take(n), take(n), take(n)
	r.in = r.h
	if r.Masked {
		r.in[0], r.in[1] = take(n), take(n)
	}
	r.sums = sums{take(r.Batch * g * padded(r.Hidden)), g * padded(r.Hidden), padded(r.Hidden)}
	r.bias = take(r.Hidden)
	if r.x = s; r.Spans != nil {
		r.x = r.spansRoom(&r.Args)
	}
	clear(r.bias)
	if r.RBias != nil {
		copy(r.bias, r.RBias[2*r.Hidden:])
	}
	h, c := r.h[0], r.c
	if r.Keep != nil {
		r.room = r.keptIn(r.Keep, r.Steps, r.Batch)
		r.kept = &r.room
		h = r.first(r.kept.h, r.Batch)
		if r.Cell == LSTM {
			c = r.first(r.kept.c, r.Batch)
		}
	}
	r.loadStates(h, c)
	if r.Masked {
		for b := range r.Batch {
			r.mask(r.in[0], h, b, 0, r.Hidden)
		}
	}
	r.fast = r.usual() && r.Peep == nil && (r.Cell == LSTM || r.Cell == GRU && r.LinearFirst)
	if r.RBy != nil {
		r.sums.ldc, r.sums.gs = r.Cell.Gates()*r.Hidden, r.Hidden
		r.share = share{rows: r.Batch, parts: 1}
		return
	}
	r.share = newShare(r.Layer, r.Batch, r.Threads, r.R, r.RH)
}

// load copies an initial state, or zeros.
func (r *run) load(dst, src []float32) {
	if src == nil {
		clear(dst)
		return
	}
	for b := range r.Batch {
		copy(dst[b*r.Hidden:(b+1)*r.Hidden], src[b*r.StateRow:])
	}
}

func (r *run) save(dst, src []float32) {
	if dst == nil {
		return
	}
	for b := range r.Batch {
		row := dst[b*r.StateRow:][:r.Hidden]
		if r.idle(b) {
			clear(row)
			continue
		}
		copy(row, src[b*r.Hidden:])
	}
}

// project multiplies the inputs of the block's steps.
func (r *run) project() {
	n := r.Cell.Gates() * r.Hidden
	a := gemm.Args{N: n, K: r.Inputs, ARS: r.Inputs, ACS: 1, Packed: r.W, LDC: n, Threads: r.Threads}
	a.Epilogue.ColBias = r.Bias
	if r.kept != nil {
		r.projectKept(&a)
		return
	}
	if r.XRow == r.Inputs { // the rows of a step are neighbours
		a.M, a.A, a.C = r.count*r.Batch, r.X[r.t0*r.XStep:], r.x
		r.multiply(&a, r.WBy)
		r.ldg, r.step = n, r.Batch*n
		return
	}
	r.ldg, r.step = r.count*n, n
	if r.count == r.Steps && r.XRow == r.count*r.Inputs && r.Spans == nil {
		a.M, a.A, a.C = r.count*r.Batch, r.X, r.x
		r.multiply(&a, r.WBy)
		return
	}
	for b := range r.Batch {
		a.M, a.A, a.C = r.count, r.X[b*r.XRow+r.t0*r.XStep:], r.x[b*r.count*n:]
		r.multiply(&a, r.WBy)
	}
}

// projectKept multiplies the inputs of the block's steps, for results that are kept.
func (r *run) projectKept(a *gemm.Args) {
	r.ldg, r.step = r.kept.pitch, r.Batch*r.kept.pitch
	r.x = r.kept.gates[r.t0*r.step:]
	if r.XRow == r.Inputs {
		a.M, a.A, a.C, a.LDC = r.count*r.Batch, r.X[r.t0*r.XStep:], r.x, r.ldg
		r.multiply(a, r.WBy)
		return
	}
	for b := range r.Batch {
		a.M, a.A, a.ARS, a.C, a.LDC = r.count, r.X[b*r.XRow+r.t0*r.XStep:], r.XStep, r.x[b*r.ldg:], r.step
		r.multiply(a, r.WBy)
	}
}

// multiply runs a by m, or as it is if there is none.
func (r *run) multiply(a *gemm.Args, m Multiplier) {
	if m == nil {
		gemm.Run(a)
		return
	}
	r.args = *a
	m.Multiply(&r.args)
}

// mask sets units [lo, hi) of row b of in, which is multiplied with R, of the state h.
func (r *run) mask(in, h []float32, b, lo, hi int) {
	at := b * r.Hidden
	vec.Mul(in[at+lo:at+hi], h[at+lo:at+hi], r.Mask[b*r.StateRow+lo:b*r.StateRow+hi])
}
