package rnn

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// run is one run of a layer. As a par.Task it applies the gates to some rows of one step.
type run struct {
	*Layer
	*Weights
	Args
	h, c  []float32 // the state: Batch rows
	in    []float32 // what is multiplied with R: h, or h times the mask
	tmp   []float32 // Gates*Hidden for each row
	x     []float32 // products of the inputs of a block of steps
	g     []float32 // those of the step
	ldg   int       // between the rows of g
	t     int       // the step
	size  int       // rows of a chunk
	phase phase
	args  gemm.Args // of a Multiplier
}

// phase says what a chunk does.
type phase uint8

const (
	gates phase = iota
	reset       // GRU: update and reset gates only
)

var runs = sync.Pool{New: func() any { return new(run) }}

// Run computes a direction. It allocates nothing in steady state. The results do not depend on a.Threads.
func (l *Layer) Run(w *Weights, a *Args) {
	r := runs.Get().(*run)
	r.Layer, r.Weights, r.Args = l, w, *a
	r.all()
	*r = run{}
	runs.Put(r)
}

func (r *run) all() {
	n := r.Batch * r.Hidden
	g := r.Cell.Gates() * r.Hidden
	s := r.Scratch
	r.h, s = s[:n], s[n:]
	r.c, s = s[:n], s[n:]
	r.in = r.h
	if r.Masked {
		r.in, s = s[:n], s[n:]
	}
	r.tmp, r.x = s[:r.Batch*g], s[r.Batch*g:]
	r.load(r.h, r.H0)
	r.load(r.c, r.C0)
	block := r.block(r.Steps, r.Batch)
	for done := 0; done < r.Steps; done += block {
		count := min(block, r.Steps-done)
		t0 := done
		if r.Reverse {
			t0 = r.Steps - done - count
		}
		step := r.project(t0, count)
		for i := range count {
			r.t = t0 + i
			if r.Reverse {
				r.t = t0 + count - 1 - i
			}
			r.g = r.x[(r.t-t0)*step:]
			r.step(done+i == 0 && r.H0 == nil)
		}
	}
	r.save(r.HOut, r.h)
	r.save(r.COut, r.c)
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

// project multiplies the inputs of count steps from t0 on. It sets ldg and returns the distance between
// steps in r.x.
func (r *run) project(t0, count int) int {
	n := r.Cell.Gates() * r.Hidden
	a := gemm.Args{N: n, K: r.Inputs, ARS: r.Inputs, ACS: 1, Packed: r.W, LDC: n, Threads: r.Threads}
	a.Epilogue.ColBias = r.Bias
	if r.XRow == r.Inputs { // the rows of a step are neighbours
		a.M, a.A, a.C = count*r.Batch, r.X[t0*r.XStep:], r.x
		r.multiply(&a, r.WBy)
		r.ldg = n
		return r.Batch * n
	}
	r.ldg = count * n
	if count == r.Steps && r.XRow == count*r.Inputs {
		a.M, a.A, a.C = count*r.Batch, r.X, r.x
		r.multiply(&a, r.WBy)
		return n
	}
	for b := range r.Batch {
		a.M, a.A, a.C = count, r.X[b*r.XRow+t0*r.XStep:], r.x[b*count*n:]
		r.multiply(&a, r.WBy)
	}
	return n
}

// step does the step r.t. zero says that the state is zero.
func (r *run) step(zero bool) {
	h := r.Hidden
	if r.Masked {
		r.mask()
	}
	a := gemm.Args{M: r.Batch, N: r.Cell.Gates() * h, K: h, A: r.in, ARS: h, ACS: 1, Packed: r.R,
		C: r.g, LDC: r.ldg, Accumulate: true, Threads: r.Threads}
	switch {
	case r.Cell == GRU && r.LinearFirst:
		a.C, a.LDC, a.Accumulate = r.tmp, a.N, false
		a.Epilogue.ColBias = r.RBias
	case r.Cell == GRU:
		a.N = 2 * h
	}
	if !zero || r.RBias != nil {
		r.multiply(&a, r.RBy)
	} else if r.Cell == GRU && r.LinearFirst {
		clear(r.tmp)
	}
	if r.RH != nil && !zero {
		r.rows(reset)
		gemm.Run(&gemm.Args{M: r.Batch, N: h, K: h, A: r.tmp, ARS: h, ACS: 1, Packed: r.RH,
			C: r.g[2*h:], LDC: r.ldg, Accumulate: true, Threads: r.Threads})
	} else if r.RH != nil {
		r.rows(reset)
	}
	r.rows(gates)
}

// mask sets what is multiplied with R.
func (r *run) mask() {
	n := r.Hidden
	for b := range r.Batch {
		vec.Mul(r.in[b*n:(b+1)*n], r.h[b*n:(b+1)*n], r.Mask[b*r.StateRow:][:n])
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

// rowGrain is the number of gate values that are worth a chunk of their own.
const rowGrain = 1 << 13

func (r *run) rows(p phase) {
	chunks, size := par.Split(r.Batch, max(1, rowGrain/max(1, r.Cell.Gates()*r.Hidden)))
	r.phase, r.size = p, size
	par.Run(r.Threads, chunks, r)
}

// Chunk implements par.Task.
func (r *run) Chunk(i int) {
	lo, hi := par.Range(i, r.size, r.Batch)
	for b := lo; b < hi; b++ {
		r.row(b)
	}
}

// row does the gates of one row.
func (r *run) row(b int) {
	n := r.Hidden
	h := r.h[b*n : (b+1)*n]
	g := r.g[b*r.ldg:][:r.Cell.Gates()*n]
	active := r.Lens == nil || r.t < int(r.Lens[b])
	if r.phase == reset {
		if rh := r.tmp[b*n : (b+1)*n]; active {
			r.gruReset(g, r.in[b*n:(b+1)*n], rh)
		} else {
			clear(rh)
		}
		return
	}
	if active {
		switch {
		case r.Cell == LSTM:
			r.lstm(g, h, r.c[b*n:(b+1)*n])
		case r.Cell == Plain:
			r.clip(g)
			r.Acts[0].apply(h, g)
		case r.LinearFirst:
			r.gruLinearFirst(g, h, r.tmp[b*3*n:(b+1)*3*n])
		default:
			r.gru(g, h, r.tmp[b*n:(b+1)*n])
		}
	}
	if r.Y == nil {
		return
	}
	y := r.Y[r.t*r.YStep+b*r.YRow:][:n]
	if active {
		copy(y, h)
	} else {
		clear(y)
	}
}
