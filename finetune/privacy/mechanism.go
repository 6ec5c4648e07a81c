package privacy

import "fmt"

// A Phase is a number of equal steps of the Poisson-subsampled Gaussian mechanism.
type Phase struct {
	SampleRate      float64 // probability of each record to be in a batch, above 0 and at most 1
	NoiseMultiplier float64 // standard deviation of the noise over the clipping norm, from MinNoiseMultiplier to MaxNoiseMultiplier
	Steps           int     // how many times; 0 spends nothing
}

// The noise multipliers that are accounted for. Below the first, epsilon of a single step is in the thousands.
const (
	MinNoiseMultiplier = 0.01
	MaxNoiseMultiplier = 1e6
)

// maxSteps bounds the steps of all phases together.
const maxSteps int64 = 1 << 40

// A Guarantee is a bound on what was spent.
type Guarantee struct {
	Epsilon  float64 // the upper bound, which is the one to report
	Estimate float64 // the most likely value; Epsilon where an accountant knows no other
	Lower    float64 // a lower bound; 0 where an accountant knows none
	Order    float64 // the Rényi order that gave the bound, 0 without one
}

// An Accountant bounds epsilon of a sequence of phases.
type Accountant interface {
	// Name is the accountant's name in flags and reports: "rdp" or "prv".
	Name() string
	// Epsilon returns the bound at delta, which must be above 0 and below 1. Without steps it is 0. An error names the
	// parameter that is out of range.
	Epsilon(delta float64, phases ...Phase) (Guarantee, error)
}

// NewAccountant returns the accountant of a name, with default settings.
func NewAccountant(name string) (Accountant, error) {
	switch name {
	case RDP{}.Name():
		return RDP{}, nil
	case PRV{}.Name():
		return PRV{}, nil
	}
	return nil, fmt.Errorf("privacy: accountant %q, want rdp or prv", name)
}

// check returns the phases that have steps, and the first parameter out of range as an error.
func check(delta float64, phases []Phase) ([]Phase, error) {
	if !(delta > 0 && delta < 1) {
		return nil, fmt.Errorf("privacy: delta %g, want above 0 and below 1", delta)
	}
	var used []Phase
	total := int64(0)
	for _, p := range phases {
		switch {
		case !(p.SampleRate > 0 && p.SampleRate <= 1):
			return nil, fmt.Errorf("privacy: sample rate %g, want above 0 and at most 1", p.SampleRate)
		case !(p.NoiseMultiplier >= MinNoiseMultiplier && p.NoiseMultiplier <= MaxNoiseMultiplier):
			return nil, fmt.Errorf("privacy: noise multiplier %g, want from %g to %g", p.NoiseMultiplier, MinNoiseMultiplier, MaxNoiseMultiplier)
		case p.Steps < 0 || int64(p.Steps) > maxSteps-total:
			return nil, fmt.Errorf("privacy: %d steps, want from 0 to %d in all", p.Steps, maxSteps)
		}
		total += int64(p.Steps)
		if p.Steps > 0 {
			used = append(used, p)
		}
	}
	return used, nil
}
