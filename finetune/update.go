package finetune

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/optim"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// update clips the gradients, which are the sums times a factor, and moves the weights and their averages: one pass over the sums
// for their norm, and one over everything. Where a gradient is not finite it changes nothing but the counts.
func (t *Trainer) update(r *StepResult, factor float64) {
	t.steps++
	if t.work == nil {
		t.work = cutParams(t.params)
	}
	w := t.work
	r.Norm = w.norm(t.threads) * factor
	if !finite(r.Norm) || !finite(r.Loss) {
		t.skipped++
		r.Skipped = true
		return
	}
	w.prepare(t, r.Rate, t.steps-t.skipped, t.spec.Clip.factor(r.Norm)*factor)
	par.Run(t.threads, len(w.jobs), (*moveJobs)(w))
}

// prepare says how the parameters move: at a rate, in the step of a number, by their gradients times scale.
func (w *paramWork) prepare(t *Trainer, rate float64, step int, scale float64) {
	w.optimizer, w.rate, w.step, w.scale, w.bound = t.spec.Optimizer, rate, step, scale, float32(t.spec.Clip.Value)
	w.averages(t.spec.EMA, step)
}

// A paramWork is what is done with all parameters of a trainer at once, in pieces that are the same in every step.
type paramWork struct {
	params []*Param
	pieces []paramPiece
	jobs   []paramJob
	sums   []float64 // of the squared gradients of the pieces

	// of the present step
	optimizer Optimizer
	step      int     // that was not skipped, counted from 1
	rate      float64 // before the factors of the groups
	scale     float64 // of the sums
	bound     float32 // of the gradients' elements; 0: none
	share     float32 // that averages move; 0: there are none
	first     bool    // averages start as the parameters
}

// A paramPiece is a range of elements of a parameter.
type paramPiece struct {
	p      *Param
	lo, hi int
}

// A paramJob is a range of pieces: what one processor does at once.
type paramJob struct{ lo, hi int }

// cutParams cuts parameters into pieces of at most cutLength elements, whole rows where these are shorter, and puts small
// ones together.
func cutParams(params []*Param) *paramWork {
	w := &paramWork{params: params}
	job, size := paramJob{}, 0
	end := func() {
		if job.hi > job.lo {
			w.jobs = append(w.jobs, job)
		}
		job, size = paramJob{len(w.pieces), len(w.pieces)}, 0
	}
	for _, p := range params {
		n, length := p.W.Len(), cutLength
		if row := p.width(); row > 0 && row < cutLength {
			length -= cutLength % row
		}
		for lo := 0; lo < n; lo += length {
			hi := min(lo+length, n)
			if size+hi-lo > cutLength {
				end()
			}
			w.pieces = append(w.pieces, paramPiece{p, lo, hi})
			job.hi++
			size += hi - lo
		}
	}
	end()
	w.sums = make([]float64, len(w.pieces))
	return w
}

// width is the number of elements of a row of a parameter: of all axes but the first.
func (p *Param) width() int {
	if p.W.Rank() == 0 || p.W.Shape()[0] == 0 {
		return 0
	}
	return p.W.Len() / p.W.Shape()[0]
}

// norm is the Euclidean norm of all gradients together: a sum in float64 whose order depends on the shapes only.
func (w *paramWork) norm(threads int) float64 {
	par.Run(threads, len(w.jobs), (*normJobs)(w))
	sum := 0.0
	for _, s := range w.sums {
		sum += s
	}
	return math.Sqrt(sum)
}

// averages says how the averages move in the present step, and makes room for them before the first.
func (w *paramWork) averages(e EMA, step int) {
	w.share, w.first = 0, false
	if e.Decay <= 0 {
		return
	}
	w.share = e.share(step)
	for _, p := range w.params {
		if p.average == nil {
			p.average = make([]float32, p.W.Len())
			w.first = true
		}
	}
}

// normJobs sums up squares.
type normJobs paramWork

// Chunk implements par.Task.
func (w *normJobs) Chunk(i int) {
	for k := w.jobs[i].lo; k < w.jobs[i].hi; k++ {
		x := &w.pieces[k]
		w.sums[k] = x.p.sum.squares(x.lo, x.hi)
	}
}

// moveJobs moves parameters and averages.
type moveJobs paramWork

// Chunk implements par.Task.
func (w *moveJobs) Chunk(i int) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	for k := w.jobs[i].lo; k < w.jobs[i].hi; k++ {
		x := w.pieces[k]
		if x.p.sum.dense != nil && w.bound == 0 {
			w.move(x, x.p.sum.dense[x.lo:x.hi], w.scale, s)
			continue
		}
		w.moveBlocks(x, s)
	}
}

// moveBlocks moves the elements of x by copies of their gradient, which is spread out or bounded: parameters may share one.
func (w *moveJobs) moveBlocks(x paramPiece, s *scratch) {
	length, scale := blockLength, w.scale
	if width := x.p.sum.width; width > 0 {
		length -= blockLength % width
	}
	if w.bound > 0 {
		scale = 1
	}
	for lo := x.lo; lo < x.hi; lo += length {
		hi := min(lo+length, x.hi)
		g := s.block[:hi-lo]
		switch {
		case !x.p.sum.spread(g, lo, hi):
			g = zeros[:hi-lo]
		case w.bound > 0:
			optim.Scale(g, float32(w.scale))
			optim.Clamp(g, w.bound)
		}
		w.move(paramPiece{x.p, lo, hi}, g, scale, s)
	}
}

// A scratch is what a goroutine needs for a piece.
type scratch struct {
	state [][]float32
	block [blockLength]float32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// move moves the elements of x by their gradient, which has as many, times scale.
func (w *moveJobs) move(x paramPiece, g []float32, scale float64, s *scratch) {
	p := x.p
	u := Update{W: tensor.Of[float32](p.W)[x.lo:x.hi], G: g, Scale: scale, Step: w.step,
		Rate: w.rate * p.rate.Factor, Decay: p.rate.Decay}
	s.state = s.state[:0]
	for _, slot := range p.state {
		s.state = append(s.state, slot[x.lo:x.hi])
	}
	u.State = s.state
	w.optimizer.Update(u)
	switch average := p.average; {
	case w.share == 0:
	case w.first:
		copy(average[x.lo:x.hi], u.W)
	default:
		optim.Approach(average[x.lo:x.hi], u.W, w.share)
	}
}
