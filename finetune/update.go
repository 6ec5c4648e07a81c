package finetune

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// update clips the gradients and moves the weights. Where a gradient is not finite it changes nothing but the counts.
func (t *Trainer) update(r *StepResult) {
	t.steps++
	t.grads = t.grads[:0]
	for _, p := range t.params {
		t.grads = append(t.grads, p.sum)
	}
	finite := false
	if r.Norm, finite = t.spec.Clip.Apply(t.grads, t.threads); !finite || math.IsNaN(r.Loss) || math.IsInf(r.Loss, 0) {
		t.skipped++
		r.Skipped = true
		return
	}
	for _, p := range t.params {
		t.move(p, r.Rate)
	}
	t.follow()
}

// piece is the number of elements that are updated at once by one processor.
const piece = 1 << 14

// mover updates pieces of one parameter.
type mover struct {
	o    Optimizer
	u    Update
	slot [][]float32
}

// Chunk updates piece i.
func (m *mover) Chunk(i int) {
	lo, hi := i*piece, min((i+1)*piece, len(m.u.W))
	u := m.u
	u.W, u.G = u.W[lo:hi], u.G[lo:hi]
	u.State = make([][]float32, len(m.slot))
	for k, s := range m.slot {
		u.State[k] = s[lo:hi]
	}
	m.o.Update(u)
}

func (t *Trainer) move(p *Param, rate float64) {
	w := tensor.Of[float32](p.W)
	u := Update{W: w, G: p.sum, State: p.state, Step: t.steps - t.skipped, Rate: rate * p.rate.Factor, Decay: p.rate.Decay}
	o := t.spec.Optimizer
	if len(w) <= piece {
		o.Update(u)
		return
	}
	par.Run(t.threads, (len(w)+piece-1)/piece, &mover{o, u, p.state})
}
