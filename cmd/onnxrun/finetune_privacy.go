package main

import (
	"fmt"

	"github.com/onnxrun/onnxrun/finetune"
)

// private puts what --dp asks for into the settings.
func (j *job) private(s *finetune.Spec) error {
	if j.dp == "" {
		return nil
	}
	if j.solver != "" {
		return usage("finetune: --dp and --solver %s: a solver sees the samples without noise", j.solver)
	}
	d, err := finetune.ParseDP(j.dp)
	if err != nil {
		return usageError(err)
	}
	s.Privacy = &d
	j.say("private training: each training sample's gradient is clipped and noise added; what is worked out from the samples otherwise, " +
		"such as scaling, class weights, figures and losses that are shown, is not covered")
	return nil
}

// triesRates reports whether to choose the learning rate on training samples, which private training may not look at first.
func (j *job) triesRates() bool { return j.rate == "auto" && j.dp == "" }

// privacyText says what private training cost.
func privacyText(s *finetune.Spent) string {
	return fmt.Sprintf("epsilon %.4g at delta %g (%s): noise multiplier %.4g, norms up to %g, %d steps with each sample at a rate of %.4g",
		s.Epsilon, s.Delta, s.Accountant, s.Noise, s.Clip, s.Steps, s.Rate)
}
