package main

import "github.com/spf13/cobra"

// loraFlags ask for low-rank branches in place of the weights themselves.
type loraFlags struct {
	rank    int
	alpha   float64
	target  string
	rs      bool
	adapter string
	saved   []string // modules that go into the adapter as a whole
}

func (l *loraFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&l.rank, "lora", 0, "rank of low-rank branches (LoRA) that train in place of the weights; the model written has them merged")
	f.Float64Var(&l.alpha, "lora-alpha", 0, "alpha of the branches (default the rank)")
	f.StringVar(&l.target, "lora-target", "", "layers that get branches: attention, linear, all, modules with commas between, or re:EXPR (default attention, else linear)")
	f.BoolVar(&l.rs, "lora-rs", false, "scale branches by alpha over the square root of the rank")
	f.StringVar(&l.adapter, "adapter", "", "folder to write the branches to, in PEFT's format")
}
