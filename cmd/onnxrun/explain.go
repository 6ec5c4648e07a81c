package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

// A speedReport is what explain --speed prints as JSON.
type speedReport struct {
	Version   int           `json:"version"`
	Machine   roofline      `json:"machine"`
	RunMS     float64       `json:"run_ms"`
	RoofShare float64       `json:"roof_share"` // the least time of all nodes as a part of the time
	Limits    []limitShare  `json:"limits"`
	Operators []profileLine `json:"operators"`
	Promising []promise     `json:"promising"`
}

// A limitShare is the part of the time that nodes with one limit take.
type limitShare struct {
	Limit string  `json:"limit"`
	Nodes int     `json:"nodes"`
	Share float64 `json:"share"`
}

// A promise is a node that could be faster: by how much at the roof, and what would help.
type promise struct {
	profileLine
	LostMS float64 `json:"lost_ms"`
	Advice string  `json:"advice"`
}

func explainCommand() *cobra.Command {
	p := &profiler{}
	var speed bool
	cmd := &cobra.Command{
		Use:   "explain --speed model.onnx",
		Short: "Say where the time of a run goes, how far that is from what the machine can do, and what would help",
		Args:  arguments(1, 1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !speed {
				return usage("explain needs --speed")
			}
			ctx, cancel := p.limit(cmd.Context())
			defer cancel()
			rep, err := p.profile(ctx, cmd, args[0])
			if err != nil {
				return err
			}
			s := explainSpeed(rep, p.top)
			if p.json {
				return printJSON(cmd.OutOrStdout(), s)
			}
			return s.print(cmd)
		},
	}
	p.register(cmd)
	p.inputs.register(cmd)
	cmd.Flags().BoolVar(&speed, "speed", false, "explain the time of a run")
	cmd.Flags().IntVar(&p.warmup, "warmup", 2, "runs that are not measured")
	cmd.Flags().IntVar(&p.rounds, "rounds", 10, "measured runs")
	cmd.Flags().IntVar(&p.top, "top", 10, "how many nodes to name, 0 for all")
	return cmd
}

// explainSpeed sums a profile up.
func explainSpeed(p *profileReport, top int) *speedReport {
	s := &speedReport{Version: 1, Machine: p.Machine, RunMS: p.RunMS, Operators: p.Operators, Promising: []promise{}}
	for _, limit := range []string{limitCompute, limitMemory, limitKernel, limitOverhead} {
		l := limitShare{Limit: limit}
		for _, n := range p.Nodes {
			if n.Limit == limit {
				l.Nodes++
				l.Share += n.Share
			}
		}
		s.Limits = append(s.Limits, l)
	}
	for _, n := range p.Nodes {
		s.RoofShare += n.Share * n.Roof
		s.Promising = append(s.Promising, promise{n, n.MS * (1 - n.Roof), adviceFor(n, p.Machine)})
	}
	slices.SortStableFunc(s.Promising, func(a, b promise) int { return cmp.Compare(b.LostMS, a.LostMS) })
	if top > 0 {
		s.Promising = s.Promising[:min(top, len(s.Promising))]
	}
	return s
}

// adviceFor says what would make a node faster.
func adviceFor(n profileLine, m roofline) string {
	switch n.Limit {
	case limitCompute:
		return "near the peak: only fewer operations help (a smaller model, more threads)"
	case limitMemory:
		if n.GFlops > 0 {
			return "the weights come from memory: a larger batch uses them more often, smaller types shorten them"
		}
		return "moves memory: larger fusions or smaller types would move less"
	case limitOverhead:
		return "too small to pay: a larger batch, or onnxrun optimize where it repeats"
	}
	if n.GFlops == 0 {
		return "neither memory nor arithmetic is near its limit: broadcasts, strides or work that cannot be vectorised"
	}
	if m.Threads > 1 {
		return "far from both limits: sizes do not fill the tiles or the threads; compare with --threads 1"
	}
	return "far from both limits: sizes that do not fill the tiles; a larger batch, or channels in multiples of 16"
}

func (s *speedReport) print(cmd *cobra.Command) error {
	t := &table{}
	t.row("run", s.RunMS, "ms on", s.Machine.Threads, "threads")
	t.row("machine", s.Machine.GFlops, "GFLOP/s,", s.Machine.GBytes, "GB/s")
	t.row("share of what the machine can do", 100*s.RoofShare, "%")
	t.row()
	t.row("LIMIT", "NODES", "% OF TIME")
	for _, l := range s.Limits {
		t.row(l.Limit, l.Nodes, 100*l.Share)
	}
	t.row()
	t.row("OPERATOR", "MS", "% OF TIME")
	for _, o := range s.Operators[:min(8, len(s.Operators))] {
		t.row(o.Operator, o.MS, 100*o.Share)
	}
	t.row()
	t.row("NODE", "OPERATOR", "MS", "TO GAIN", "LIMIT", "% PEAK", "GB/S", "WHAT WOULD HELP")
	for _, n := range s.Promising {
		t.row(n.Node, n.Operator, n.MS, fmt.Sprintf("%.3g", n.LostMS), n.Limit, 100*n.PeakShare, n.GBytes, n.Advice)
	}
	return t.print(cmd.OutOrStdout())
}
