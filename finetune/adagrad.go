package finetune

import "github.com/onnxrun/onnxrun/internal/kernel/optim"

// Adagrad divides gradients by the root of the sum of their squares, as torch.optim.Adagrad.
type Adagrad struct {
	RateDecay float64 // the rate of step n, counted from 0, is divided by 1 + n*RateDecay
	Initial   float64 // what the sums start from
	Eps       float64 // 0 means 1e-10
}

// Name implements Optimizer.
func (Adagrad) Name() string { return "adagrad" }

// Slots implements Optimizer.
func (Adagrad) Slots() int { return 1 }

// Update implements Optimizer.
func (o Adagrad) Update(u Update) {
	c := optim.AdagradCoeffs{Rate: u.Rate / (1 + float64(u.Step-1)*o.RateDecay), Eps: or(o.Eps, 1e-10), Initial: o.Initial, Scale: u.Scale}
	c.L2, c.Shrink = u.decay(false)
	optim.Adagrad(u.W, u.G, u.State[0], c)
}
