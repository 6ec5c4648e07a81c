package finetune

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/finetune/privacy"
)

// A DP asks for differentially private training, by DP-SGD: Abadi et al., "Deep Learning with Differential Privacy", 2016
// (arXiv:1607.00133). The gradient of each sample is clipped to a norm, over all parameters together, normal noise is added to the
// sum, and the result over the expected batch size goes to the optimizer. Fit draws batches by Poisson sampling.
//
// Validation samples are not protected; nor are figures of the training samples, such as the loss of a step.
type DP struct {
	Epsilon    float64 // the budget; 0: Noise is given
	Delta      float64 // probability that is not covered, above 0 and below 1
	Clip       float64 // bound of the norm of a sample's gradient; 0: 1
	Noise      float64 // noise multiplier: standard deviation of the noise over Clip; 0: from Epsilon
	Accountant string  // "rdp" or "prv"; "": "prv"
	Key        []byte  // of privacy.KeySize bytes, for noise and batches; nil: from the operating system

	// Normals fills dst with the standard normals of a parameter and a step, counted from 0: noise that was recorded. nil: from
	// Key.
	Normals func(param string, step int, dst []float32) error
}

// ParseDP reads the text form: epsilon=3,delta=1e-5,clip=1, with noise=MULTIPLIER in place of epsilon, or
// accountant=rdp.
func ParseDP(text string) (DP, error) {
	d := DP{}
	s, err := parseSettings("privacy", "dp:"+text)
	if err != nil {
		return d, fmt.Errorf("finetune: privacy %q: want epsilon=NUMBER,delta=NUMBER,clip=NUMBER", text)
	}
	s.text = text
	s.positive("epsilon", &d.Epsilon)
	s.positive("delta", &d.Delta)
	s.positive("clip", &d.Clip)
	s.positive("noise", &d.Noise)
	s.word("accountant", &d.Accountant, "rdp", "prv")
	if err := s.finish(); err != nil {
		return d, err
	}
	return d, d.check()
}

// check returns an error unless the settings say all that is needed.
func (d *DP) check() error {
	_, err := d.accountant()
	switch {
	case !(d.Delta > 0 && d.Delta < 1):
		return fmt.Errorf("finetune: privacy: delta is %g, want above 0 and below 1", d.Delta)
	case d.Clip < 0 || math.IsNaN(d.Clip) || math.IsInf(d.Clip, 0):
		return fmt.Errorf("finetune: privacy: the bound of the norms is %g, want above 0", d.Clip)
	case d.Epsilon == 0 && d.Noise == 0:
		return fmt.Errorf("finetune: privacy: neither epsilon nor a noise multiplier is given")
	case d.Epsilon != 0 && d.Noise != 0:
		return fmt.Errorf("finetune: privacy: epsilon %g and noise multiplier %g are given, want one of them", d.Epsilon, d.Noise)
	case !(d.Epsilon >= 0 && d.Noise >= 0):
		return fmt.Errorf("finetune: privacy: epsilon %g and noise multiplier %g, want numbers above 0", d.Epsilon, d.Noise)
	case d.Key != nil && len(d.Key) != privacy.KeySize:
		return fmt.Errorf("finetune: privacy: key of %d bytes, want %d", len(d.Key), privacy.KeySize)
	}
	return err
}

func (d *DP) accountant() (privacy.Accountant, error) {
	if d.Accountant == "" {
		return privacy.PRV{}, nil
	}
	a, err := privacy.NewAccountant(d.Accountant)
	if err != nil {
		return nil, fmt.Errorf("finetune: %w", err)
	}
	return a, nil
}

func (d *DP) clip() float64 { return or(d.Clip, 1) }

// Multiplier returns the noise multiplier for a number of steps, in each of which each sample is with probability rate.
func (d *DP) Multiplier(rate float64, steps int) (float64, error) {
	if d.Noise > 0 {
		return d.Noise, nil
	}
	a, err := d.accountant()
	if err != nil {
		return 0, err
	}
	noise, err := privacy.NoiseMultiplier(a, d.Epsilon, d.Delta, privacy.Phase{SampleRate: rate, Steps: steps})
	if err != nil {
		return 0, fmt.Errorf("finetune: %w", err)
	}
	return noise, nil
}

// Spent returns the epsilon that steps with a noise multiplier cost.
func (d *DP) Spent(noise, rate float64, steps int) (float64, error) {
	a, err := d.accountant()
	if err != nil {
		return 0, err
	}
	g, err := a.Epsilon(d.Delta, privacy.Phase{SampleRate: rate, NoiseMultiplier: noise, Steps: steps})
	if err != nil {
		return 0, fmt.Errorf("finetune: %w", err)
	}
	return g.Epsilon, nil
}
