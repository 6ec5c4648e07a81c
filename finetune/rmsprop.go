package finetune

import "github.com/onnxrun/onnxrun/internal/kernel/optim"

// RMSprop divides gradients by the root of their mean square, as torch.optim.RMSprop.
type RMSprop struct {
	Alpha    float64 // decay of the mean square; 0 means 0.99
	Eps      float64 // 0 means 1e-8
	Momentum float64
	Centered bool // divide by the standard deviation instead
}

// Name implements Optimizer.
func (RMSprop) Name() string { return "rmsprop" }

// Slots implements Optimizer: the mean square, the steps gathered by momentum, and the mean where it is centered.
func (o RMSprop) Slots() int {
	if o.Centered {
		return 3
	}
	return 2
}

// Update implements Optimizer.
func (o RMSprop) Update(u Update) {
	c := optim.RMSpropCoeffs{Rate: u.Rate, Alpha: or(o.Alpha, 0.99), Eps: or(o.Eps, 1e-8), Keep: o.Momentum, Scale: u.Scale}
	c.L2, c.Shrink = u.decay(false)
	if o.Centered {
		optim.CenteredRMSprop(u.W, u.G, u.State[0], u.State[2], u.State[1], c)
		return
	}
	optim.RMSprop(u.W, u.G, u.State[0], u.State[1], c)
}
