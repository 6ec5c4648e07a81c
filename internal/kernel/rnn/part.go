package rnn

import (
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// turn is one step of a part of the units or of the rows.
type turn struct {
	piece
	t      int       // the step of the sequence
	even   int       // which of the two states it begins with
	g      []float32 // products of the inputs of the step
	lo, hi int       // the units

	old, h    []float32 // states before and after the step
	in, next  []float32 // what is multiplied with R in this step and in the next one
	oldC, c   []float32 // cells of an LSTM before and after the step
	candidate bool      // the second stage of a GRU that resets first
}

// states sets the states of the turn.
func (r *run) states(p *turn) {
	p.old, p.h, p.oldC, p.c = r.h[p.even], r.h[1-p.even], r.c, r.c
	p.in, p.next = r.in[p.even], r.in[1-p.even]
	if r.kept == nil {
		return
	}
	p.old, p.h = r.around(r.kept.h, p.t, r.Batch)
	if !r.Masked {
		p.in = p.old
	}
	if r.Cell == LSTM {
		p.oldC, p.c = r.around(r.kept.c, p.t, r.Batch)
	}
}

// Part implements par.StagedTask.
func (r *run) Part(stage, part int) { r.stage(stage, r.share.ofUnits(part)) }

// Chunk implements par.Task.
func (r *run) Chunk(part int) {
	for stage := range r.share.stages {
		r.stage(stage, r.share.ofRows(part))
	}
}

// stage does a piece of a stage.
func (r *run) stage(stage int, own piece) {
	i, candidate := stage, false
	if r.resetFirst() {
		i, candidate = stage/2, stage%2 == 1
	}
	p := turn{piece: own, t: r.t0 + i, even: (r.done + i) & 1, candidate: candidate}
	if r.Reverse {
		p.t = r.t0 + r.count - 1 - i
	}
	p.g = r.x[(p.t-r.t0)*r.step:]
	r.states(&p)
	r.product(&p, r.done+i == 0 && r.H0 == nil && r.resume == nil)
	for b := p.from; b < p.to; b++ {
		r.row(&p, b)
	}
}

// product sets the products of the piece with the state, of the candidate of a GRU that resets first or of the other gates, and
// its units. zero says that the state is zero.
func (r *run) product(p *turn, zero bool) {
	if r.RBy != nil {
		p.hi = r.Hidden
		r.multiply(&gemm.Args{M: r.Batch, N: r.sums.ldc, K: r.Hidden, A: p.in, ARS: r.Hidden, ACS: 1,
			C: r.sums.c, LDC: r.sums.ldc, Threads: r.Threads}, r.RBy)
		return
	}
	w, a, s := r.R, p.in, r.sums
	if p.candidate {
		w, a = r.RH, r.reset
		s.c = s.c[2*s.gs:]
	}
	var lo, hi int
	lo, hi, p.lo, p.hi = w.part(p.part, p.parts)
	if !zero {
		s.c = s.c[p.from*s.ldc:]
		w.multiply(a[p.from*r.Hidden:], r.Hidden, p.to-p.from, lo, hi, s, p.even == 1)
		return
	}
	for b := p.from; b < p.to; b++ {
		for j := range w.gates {
			clear(s.c[b*s.ldc+j*s.gs:][p.lo:p.hi])
		}
	}
}

// gate returns the sums of gate j of row b from the inputs and from the state.
func (r *run) gate(p *turn, b, j int) (x, s []float32) {
	at, from := b*r.ldg+j*r.Hidden, b*r.sums.ldc+j*r.sums.gs
	return p.g[at+p.lo : at+p.hi], r.sums.c[from+p.lo : from+p.hi]
}

// row does the gates of row b.
func (r *run) row(p *turn, b int) {
	lo, hi := b*r.Hidden+p.lo, b*r.Hidden+p.hi
	old, h := p.old[lo:hi], p.h[lo:hi]
	active := r.Lens == nil || r.since+p.t < int(r.Lens[b])
	if r.resetFirst() && !p.candidate {
		if active {
			r.gruReset(p, b, p.in[lo:hi], r.reset[lo:hi])
		}
		if r.kept != nil {
			r.keepReset(p, b, active)
		}
		return
	}
	switch {
	case !active:
		copy(h, old)
		if r.kept != nil && r.Cell == LSTM {
			copy(p.c[lo:hi], p.oldC[lo:hi])
		}
	case r.kept != nil && r.fast:
		r.keep(p, b, old, h)
	case r.fast && r.Cell == LSTM:
		vec.LSTM(h, p.c[lo:hi], p.g[b*r.ldg+p.lo:], r.sums.c[b*r.sums.ldc+p.lo:], r.Hidden, r.sums.gs)
	case r.fast:
		vec.GRU(h, old, p.g[b*r.ldg+p.lo:], r.sums.c[b*r.sums.ldc+p.lo:], r.bias[p.lo:p.hi], r.Hidden, r.sums.gs)
	case r.Cell == LSTM:
		r.lstm(p, b, h, p.c[lo:hi])
	case r.Cell == GRU:
		r.gru(p, b, h, old)
	default:
		r.activate(0, h, r.sum(p, b, 0))
	}
	if r.Masked {
		r.mask(p.next, p.h, b, p.lo, p.hi)
	}
	if r.Y == nil {
		return
	}
	y := r.Y[p.t*r.YStep+b*r.YRow:][p.lo:p.hi]
	if active {
		copy(y, h)
	} else {
		clear(y)
	}
}

// keep does the gates of row b with kernels of whole cells and keeps them.
func (r *run) keep(p *turn, b int, old, h []float32) {
	x, s := p.g[b*r.ldg+p.lo:], r.sums.c[b*r.sums.ldc+p.lo:]
	if r.Cell == GRU {
		vec.GRUKeep(h, old, x, s, r.bias[p.lo:p.hi], r.Hidden, r.sums.gs)
		return
	}
	at := b * r.Hidden
	vec.LSTMKeep(h, p.c[at+p.lo:at+p.hi], p.oldC[at+p.lo:at+p.hi], x, s, r.Hidden, r.sums.gs)
}

// keepReset keeps what the reset gate of a GRU that resets first lets through, of row b. Backward multiplies it even where the
// row is not active, with zeros.
func (r *run) keepReset(p *turn, b int, active bool) {
	to := p.g[b*r.ldg+3*r.Hidden:][p.lo:p.hi]
	if active {
		copy(to, r.reset[b*r.Hidden+p.lo:])
	} else {
		clear(to)
	}
}
