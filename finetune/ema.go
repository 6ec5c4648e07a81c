package finetune

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/optim"
)

// An EMA keeps an exponential moving average of parameters: every step moves it by the share 1-Decay towards them.
type EMA struct {
	Decay float64
	// Correct takes the bias of the start out: the average is that of the parameters after the steps so far, and not of
	// those before the first as well. Without it an average starts as a copy of the parameters.
	Correct bool
}

// Update moves an average to the parameters w after a step, counted from 1.
func (e EMA) Update(average, w []float32, step int) {
	optim.Approach(average, w, e.share(step))
}

// share is the part of the way that step n moves the average.
func (e EMA) share(n int) float32 {
	share := 1 - e.Decay
	if e.Correct {
		// The corrected average c of step n is (d*(1-d^(n-1))*c + (1-d)*w) / (1-d^n).
		share /= 1 - math.Pow(e.Decay, float64(n))
	}
	return float32(share)
}
