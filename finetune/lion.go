package finetune

import "github.com/onnxrun/onnxrun/internal/kernel/optim"

// Lion moves every element by the rate, against the sign of its momentum. Its weight decay is decoupled. Rates are three to
// ten times smaller than those of AdamW, and decays as much larger.
type Lion struct {
	Beta1, Beta2 float64 // decay of the momentum in the step, and in what is kept of it; 0 means 0.9 and 0.99
}

// Name implements Optimizer.
func (Lion) Name() string { return "lion" }

// Slots implements Optimizer.
func (Lion) Slots() int { return 1 }

// Update implements Optimizer.
func (o Lion) Update(u Update) {
	c := optim.LionCoeffs{Rate: u.Rate, Beta1: or(o.Beta1, 0.9), Beta2: or(o.Beta2, 0.99), Scale: u.Scale}
	c.L2, c.Shrink = u.decay(true)
	optim.Lion(u.W, u.G, u.State[0], c)
}
