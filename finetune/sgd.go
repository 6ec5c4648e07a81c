package finetune

import "github.com/onnxrun/onnxrun/internal/kernel/optim"

// SGD is stochastic gradient descent, as torch.optim.SGD.
type SGD struct {
	Momentum  float64
	Dampening float64 // of what the gradient adds to the momentum after the first step
	Nesterov  bool    // needs momentum and no dampening
	Decoupled bool    // weight decay scales the parameter, as in AdamW, instead of adding to the gradient
}

// Name implements Optimizer.
func (SGD) Name() string { return "sgd" }

// Slots implements Optimizer.
func (o SGD) Slots() int {
	if o.Momentum == 0 {
		return 0
	}
	return 1
}

// Update implements Optimizer.
func (o SGD) Update(u Update) {
	l2, shrink := u.decay(o.Decoupled)
	if o.Momentum == 0 {
		optim.SGD(u.W, u.G, optim.SGDCoeffs{Rate: u.Rate, L2: l2, Shrink: shrink, Scale: u.Scale})
		return
	}
	c := optim.MomentumCoeffs{Rate: u.Rate, L2: l2, Shrink: shrink, Scale: u.Scale, Keep: o.Momentum, Take: 1 - o.Dampening, Nesterov: o.Nesterov}
	if u.Step == 1 {
		c.Take = 1
	}
	optim.Momentum(u.W, u.G, u.State[0], c)
}

// decay returns the coefficients of the two forms of weight decay: what is added of the parameter to its gradient, and
// what the parameter is multiplied by.
func (u *Update) decay(decoupled bool) (l2, shrink float64) {
	if decoupled {
		return 0, 1 - u.Rate*u.Decay
	}
	return u.Decay, 1
}
