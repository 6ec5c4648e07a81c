package report

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

const maxTicks = 7

// evenTicks marks multiples of 1, 2 or 5 times a power of ten, at most maxTicks of them. With whole set, steps are at least 1.
type evenTicks struct{ whole bool }

// Ticks implements plot.Ticker.
func (e evenTicks) Ticks(low, high float64) []plot.Tick {
	step := (high - low) / maxTicks
	if !(step > 0) || math.IsInf(step, 0) {
		return nil
	}
	power := math.Floor(math.Log10(step))
	for _, factor := range []float64{1, 2, 5, 10} {
		if nice := factor * math.Pow(10, power); nice >= step*(1-1e-9) {
			step = nice
			break
		}
	}
	if e.whole {
		step = max(1, step)
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	var list []plot.Tick
	for k := math.Ceil(low/step - 1e-9); k*step <= high+1e-9*step && len(list) <= maxTicks; k++ {
		list = append(list, plot.Tick{Value: k * step, Label: number(k*step, decimals)})
	}
	return list
}

// number writes v with so many decimals, or short where that takes many digits. Adding 0 takes the sign off a zero.
func number(v float64, decimals int) string {
	if decimals > 4 || math.Abs(v) >= 1e6 {
		return strconv.FormatFloat(v+0, 'g', 3, 64)
	}
	return strconv.FormatFloat(v+0, 'f', decimals, 64)
}

// decadeTicks marks powers of ten of a logarithmic axis, and twice and five times these where there are few.
type decadeTicks struct{}

// Ticks implements plot.Ticker; low is above 0.
func (decadeTicks) Ticks(low, high float64) []plot.Tick {
	first, last := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	stride := math.Max(1, math.Ceil((last-first)/maxTicks))
	factors := []float64{1}
	if last-first <= 3 {
		factors = []float64{1, 2, 5}
	}
	var list []plot.Tick
	for power := first; power <= last; power += stride {
		for _, f := range factors {
			if v := f * math.Pow(10, power); v >= low*(1-1e-9) && v <= high*(1+1e-9) {
				list = append(list, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', 3, 64)})
			}
		}
	}
	return list
}
