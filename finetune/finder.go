package finetune

import (
	"fmt"
	"math"
)

// A Finder looks for a learning rate: it lets the rate grow exponentially from step to step, while a model trains that is
// thrown away afterwards, and looks at how the loss falls (Smith: Cyclical learning rates for training neural networks,
// 2017). It ends early when the loss explodes.
//
//	for rate, more := f.Rate(); more; rate, more = f.Rate() {
//		f.Observe(step(rate))
//	}
//	choice, err := f.Choose()
type Finder struct {
	Low, High float64 // first and last rate; 0 means 1e-7 and 10
	Steps     int     // 0 means 100

	Rates, Losses []float64 // of the steps that were made; losses are smoothed

	mean     float64 // running mean of losses
	best     float64
	exploded bool
}

// A Choice is what a Finder makes of its losses.
type Choice struct {
	Steepest float64 // where the loss fell fastest
	Minimum  float64 // a tenth of the rate with the least loss
}

const (
	finderSmoothing = 0.98 // of the running mean, whose bias is corrected
	finderExplosion = 4    // times the best loss
	finderSkip      = 10   // first steps, which say little
	finderFlat      = 1e-9 // change of the loss, as a share of it, that is rounding
)

// Rate returns the rate of the next step, and false when there is none.
func (f *Finder) Rate() (rate float64, more bool) {
	n := f.steps()
	k := len(f.Rates)
	if f.exploded || k >= n {
		return 0, false
	}
	low, high := or(f.Low, 1e-7), or(f.High, 10)
	if n == 1 {
		return low, true
	}
	return low * math.Pow(high/low, float64(k)/float64(n-1)), true
}

func (f *Finder) steps() int {
	if f.Steps > 0 {
		return f.Steps
	}
	return 100
}

// Observe takes the loss of the step that the last Rate was for.
func (f *Finder) Observe(loss float64) {
	rate, more := f.Rate()
	if !more {
		return
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		f.exploded = true
		return
	}
	f.mean = finderSmoothing*f.mean + (1-finderSmoothing)*loss
	smooth := f.mean / (1 - math.Pow(finderSmoothing, float64(len(f.Rates)+1)))
	f.Rates, f.Losses = append(f.Rates, rate), append(f.Losses, smooth)
	if len(f.Losses) == 1 || smooth < f.best {
		f.best = smooth
	}
	f.exploded = len(f.Losses) > 1 && f.best > 0 && smooth > finderExplosion*f.best
}

// Choose returns the rates that the losses speak for. It is an error if they say nothing: if there are too few, or none
// falls.
func (f *Finder) Choose() (Choice, error) {
	n := len(f.Losses)
	skip := min(finderSkip, n/10)
	if n-skip < 3 {
		return Choice{}, fmt.Errorf("finetune: learning rate finder: %d steps had a finite loss, want at least 3", n)
	}
	lowest, steepest, slope := skip, -1, -finderFlat*math.Abs(f.Losses[skip])
	for i := skip; i < n; i++ {
		if f.Losses[i] < f.Losses[lowest] {
			lowest = i
		}
		// Rates grow by a constant factor, so that the difference of neighbours is the slope over the logarithm.
		if i > skip && i < n-1 {
			if d := (f.Losses[i+1] - f.Losses[i-1]) / 2; d < slope {
				steepest, slope = i, d
			}
		}
	}
	if steepest < 0 {
		return Choice{}, fmt.Errorf("finetune: learning rate finder: the loss falls at no rate from %.3g to %.3g", f.Rates[0], f.Rates[n-1])
	}
	return Choice{Steepest: f.Rates[steepest], Minimum: f.Rates[lowest] / 10}, nil
}
