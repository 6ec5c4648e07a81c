package finetune

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/optim"
)

// Adam is adaptive moment estimation, as torch.optim.Adam: weight decay adds to the gradient.
type Adam struct {
	Beta1, Beta2 float64 // decay of the moments; 0 means 0.9 and 0.999
	Eps          float64 // 0 means 1e-8
	AMSGrad      bool    // divide by the root of the largest second moment so far
}

// Name implements Optimizer.
func (Adam) Name() string { return "adam" }

// Slots implements Optimizer.
func (o Adam) Slots() int {
	if o.AMSGrad {
		return 3
	}
	return 2
}

// Update implements Optimizer.
func (o Adam) Update(u Update) { o.update(u, false) }

func (o Adam) update(u Update, decoupled bool) {
	c := optim.AdamCoeffs{Beta1: or(o.Beta1, 0.9), Beta2: or(o.Beta2, 0.999), Eps: or(o.Eps, 1e-8), Scale: u.Scale}
	c.L2, c.Shrink = u.decay(decoupled)
	c.Rate = u.Rate / (1 - math.Pow(c.Beta1, float64(u.Step)))
	c.Root = 1 / math.Sqrt(1-math.Pow(c.Beta2, float64(u.Step)))
	if o.AMSGrad {
		optim.AMSGrad(u.W, u.G, u.State[0], u.State[1], u.State[2], c)
		return
	}
	optim.Adam(u.W, u.G, u.State[0], u.State[1], c)
}

// AdamW is Adam with decoupled weight decay, as torch.optim.AdamW (Loshchilov, Hutter: Decoupled weight decay
// regularization, 2019).
type AdamW Adam

// Name implements Optimizer.
func (AdamW) Name() string { return "adamw" }

// Slots implements Optimizer.
func (o AdamW) Slots() int { return Adam(o).Slots() }

// Update implements Optimizer.
func (o AdamW) Update(u Update) { Adam(o).update(u, true) }

// or returns v, or what stands for it where it is zero.
func or(v, instead float64) float64 {
	if v == 0 {
		return instead
	}
	return v
}
