package privacy

import (
	"fmt"
	"math"
)

// NoiseMultiplier returns the least noise multiplier, within a relative 1e-5, whose steps cost at most epsilon at delta by the
// accountant. The phase's own noise multiplier is not looked at. It is an error if the accountant's bound stays above epsilon
// for any noise, as with RDP where delta is so small that higher orders were needed.
func NoiseMultiplier(a Accountant, epsilon, delta float64, p Phase) (float64, error) {
	if !(epsilon > 0 && !math.IsInf(epsilon, 1)) {
		return 0, fmt.Errorf("privacy: epsilon %g, want above 0", epsilon)
	}
	excess := func(noise float64) (float64, error) { // above 0 where the noise is too small; near linear in its logarithm
		p.NoiseMultiplier = noise
		g, err := a.Epsilon(delta, p)
		return math.Log(g.Epsilon / epsilon), err
	}
	guess, growth := 1.0, 2.0
	if _, cheap := a.(RDP); !cheap { // whose answer is near that of others
		if noise, err := NoiseMultiplier(RDP{}, epsilon, delta, p); err == nil {
			guess, growth = noise, 1.1
		}
	}
	low, high := guess, guess
	atLow, err := excess(guess)
	atHigh := atLow
	for ; err == nil && atHigh > 0; growth *= growth {
		if high >= MaxNoiseMultiplier {
			return 0, fmt.Errorf("privacy: no noise brings the bound of accountant %s at delta %g down to epsilon %g", a.Name(), delta, epsilon)
		}
		low, atLow = high, atHigh
		high = min(growth*high, MaxNoiseMultiplier)
		atHigh, err = excess(high)
	}
	for ; err == nil && atLow <= 0; growth *= growth {
		if low <= MinNoiseMultiplier {
			return low, nil
		}
		high, atHigh = low, atLow
		low = max(low/growth, MinNoiseMultiplier)
		atLow, err = excess(low)
	}
	if err != nil {
		return 0, err
	}
	return narrow(excess, low, atLow, high, atHigh)
}

// narrow returns the upper end of a bracket of the root of f, which falls, narrowed to a relative 1e-5: by false position in the
// logarithm, where an end that stays twice counts half (the Illinois algorithm), and by bisection next to infinite values.
func narrow(f func(float64) (float64, error), low, atLow, high, atHigh float64) (float64, error) {
	const tolerance, rounds = 1e-5, 80
	side := 0
	for range rounds {
		width := math.Log(high / low)
		if width <= tolerance {
			break
		}
		share := 0.5
		if !math.IsInf(atHigh, -1) {
			share = atLow / (atLow - atHigh)
		}
		middle := low * math.Exp(max(tolerance/2, min(share*width, width-tolerance/2)))
		at, err := f(middle)
		switch {
		case err != nil:
			return 0, err
		case at > 0:
			low, atLow = middle, at
			if side > 0 {
				atHigh /= 2
			}
			side = 1
		default:
			high, atHigh = middle, at
			if side < 0 {
				atLow /= 2
			}
			side = -1
		}
	}
	return high, nil
}
