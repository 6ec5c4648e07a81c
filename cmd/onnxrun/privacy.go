package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/finetune/privacy"
)

// A budget is the privacy command with its flags.
type budget struct {
	accountant string
	orders     []float64
	phase      privacy.Phase
	epsilon    float64
	delta      float64
	json       bool
}

func privacyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "privacy",
		Short: "Account for differential privacy: epsilon of a training, or the noise for an epsilon",
		Long: `Account for differential privacy of training by DP-SGD: each record is in each batch with the same probability, its gradient
is clipped, and normal noise is added to the sum. Neighbours differ by one added or removed record.

The accountants are rdp (Rényi divergence) and prv (the distribution of the privacy loss, tighter and slower).`,
		Args: arguments(0, 0, "the command epsilon or noise"),
		RunE: func(*cobra.Command, []string) error { return usage("privacy, want privacy epsilon or privacy noise") },
	}
	cmd.AddCommand(epsilonCommand(), noiseCommand())
	return cmd
}

func epsilonCommand() *cobra.Command {
	b := &budget{}
	cmd := &cobra.Command{
		Use:   "epsilon --rate Q --noise SIGMA --steps N --delta D",
		Short: "Bound the epsilon that training spends",
		Args:  arguments(0, 0, "flags only"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return b.spend(cmd) },
	}
	cmd.Flags().Float64Var(&b.phase.NoiseMultiplier, "noise", 0, "noise multiplier: deviation of the noise over the clipping norm")
	b.register(cmd)
	return cmd
}

func noiseCommand() *cobra.Command {
	b := &budget{}
	cmd := &cobra.Command{
		Use:   "noise --epsilon E --rate Q --steps N --delta D",
		Short: "Find the least noise multiplier that keeps to an epsilon",
		Args:  arguments(0, 0, "flags only"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return b.calibrate(cmd) },
	}
	cmd.Flags().Float64Var(&b.epsilon, "epsilon", 0, "epsilon that may be spent")
	b.register(cmd)
	return cmd
}

func (b *budget) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Float64Var(&b.phase.SampleRate, "rate", 0, "probability of each record to be in a batch, 1 for all in each")
	f.IntVar(&b.phase.Steps, "steps", 0, "number of steps")
	f.Float64Var(&b.delta, "delta", 0, "probability that is not covered, such as 1e-5; below one over the number of records")
	f.StringVar(&b.accountant, "accountant", "rdp", "rdp or prv")
	f.Float64SliceVar(&b.orders, "order", nil, "Rényi orders that rdp chooses from in place of 1.1 to 10.9 by tenths and 12 to 63")
	f.BoolVar(&b.json, "json", false, "print JSON")
}

// choose returns the accountant that the flags ask for.
func (b *budget) choose() (privacy.Accountant, error) {
	a, err := privacy.NewAccountant(b.accountant)
	if err != nil {
		return nil, usage("--accountant: %v", err)
	}
	if _, ok := a.(privacy.RDP); ok {
		return privacy.RDP{Orders: b.orders}, nil
	}
	if len(b.orders) > 0 {
		return nil, usage("--order is for accountant rdp, not %s", b.accountant)
	}
	return a, nil
}

// given refuses command lines without a flag that has no default, and settings that account for nothing.
func (b *budget) given(cmd *cobra.Command, names ...string) error {
	for _, name := range append(names, "rate", "steps", "delta") {
		if !cmd.Flags().Changed(name) {
			return usage("%s wants --%s", cmd.CommandPath(), name)
		}
	}
	if b.phase.Steps < 1 {
		return usage("--steps %d, want at least 1", b.phase.Steps)
	}
	return nil
}

// A privacyReport is what privacy epsilon and privacy noise print. Its schema changes its number where a member changes its
// meaning.
type privacyReport struct {
	Schema          int      `json:"schema"`
	Accountant      string   `json:"accountant"`
	SampleRate      float64  `json:"rate"`
	NoiseMultiplier float64  `json:"noise"`
	Steps           int      `json:"steps"`
	Delta           float64  `json:"delta"`
	Target          *float64 `json:"target_epsilon,omitempty"` // what privacy noise was asked for
	Epsilon         float64  `json:"epsilon"`                  // the upper bound
	Order           *float64 `json:"order,omitempty"`          // the Rényi order of the bound of rdp
	Lower           *float64 `json:"epsilon_lower,omitempty"`  // what prv knows besides
	Estimate        *float64 `json:"epsilon_estimate,omitempty"`
}

func (b *budget) spend(cmd *cobra.Command) error {
	if err := b.given(cmd, "noise"); err != nil {
		return err
	}
	a, err := b.choose()
	if err != nil {
		return err
	}
	return b.report(cmd, a, nil)
}

func (b *budget) calibrate(cmd *cobra.Command) error {
	if err := b.given(cmd, "epsilon"); err != nil {
		return err
	}
	a, err := b.choose()
	if err != nil {
		return err
	}
	noise, err := bounded(cmd.Context(), func() (float64, error) {
		return privacy.NoiseMultiplier(a, b.epsilon, b.delta, b.phase)
	})
	if err != nil {
		return coded(exitUsage, "%w", err)
	}
	b.phase.NoiseMultiplier = noise
	return b.report(cmd, a, &b.epsilon)
}

// report prints what the steps spend.
func (b *budget) report(cmd *cobra.Command, a privacy.Accountant, target *float64) error {
	g, err := bounded(cmd.Context(), func() (privacy.Guarantee, error) { return a.Epsilon(b.delta, b.phase) })
	if err != nil {
		return coded(exitUsage, "%w", err)
	}
	r := privacyReport{
		Schema: 1, Accountant: a.Name(), SampleRate: b.phase.SampleRate, NoiseMultiplier: b.phase.NoiseMultiplier,
		Steps: b.phase.Steps, Delta: b.delta, Target: target, Epsilon: g.Epsilon,
	}
	if g.Order > 0 {
		r.Order = &g.Order
	} else {
		r.Lower, r.Estimate = &g.Lower, &g.Estimate
	}
	if b.json {
		return printJSON(cmd.OutOrStdout(), r)
	}
	return r.print(cmd)
}

func (r privacyReport) print(cmd *cobra.Command) error {
	t := &table{}
	switch {
	case r.Target != nil:
		t.row("noise multiplier", fmt.Sprintf("%.6g", r.NoiseMultiplier), fmt.Sprintf("for an epsilon of %g", *r.Target))
		t.row("epsilon", fmt.Sprintf("%.6g", r.Epsilon), fmt.Sprintf("at delta %g", r.Delta))
	default:
		t.row("epsilon", fmt.Sprintf("%.6g", r.Epsilon), fmt.Sprintf("at delta %g", r.Delta))
		t.row("noise multiplier", fmt.Sprintf("%.6g", r.NoiseMultiplier))
	}
	t.row("steps", r.Steps, fmt.Sprintf("with each record at a rate of %g", r.SampleRate))
	if r.Order != nil {
		t.row("accountant", r.Accountant, fmt.Sprintf("order %g", *r.Order))
	} else {
		t.row("accountant", r.Accountant, fmt.Sprintf("estimate %.6g, at least %.6g", *r.Estimate, *r.Lower))
	}
	return t.print(cmd.OutOrStdout())
}
