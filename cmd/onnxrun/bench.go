package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/internal/measure"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A benchReport is what the bench command prints as JSON.
type benchReport struct {
	LoadMS     float64   `json:"load_ms"`      // from opening the file to a session ready to run
	FirstRunMS float64   `json:"first_run_ms"` // the first run of all
	WarmupMS   []float64 `json:"warmup_ms"`    // runs between the first and the measured rounds: the second packs weights
	TimesMS    []float64 `json:"times_ms"`     // the measured rounds
	BaseRSS    float64   `json:"base_rss_mb"`  // resident memory just before the model was opened
	PeakRSS    float64   `json:"peak_rss_mb"`
	Head       []any     `json:"out0_head"` // first values of the first output
}

// A bencher is the bench command with its flags.
type bencher struct {
	common
	inputs         inputFlags
	warmup, rounds int
}

func benchCommand() *cobra.Command {
	b := &bencher{}
	cmd := &cobra.Command{
		Use:   "bench model.onnx",
		Short: "Measure load time, first run, repeated runs and memory",
		Args:  arguments(1, 1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := b.limit(cmd.Context())
			defer cancel()
			rep, err := b.bench(ctx, cmd, args[0])
			if err != nil {
				return err
			}
			if b.json {
				return printJSON(cmd.OutOrStdout(), rep)
			}
			return rep.print(cmd)
		},
	}
	b.register(cmd)
	b.inputs.register(cmd)
	cmd.Flags().IntVar(&b.warmup, "warmup", 2, "rounds that are not measured, after the first run")
	cmd.Flags().IntVar(&b.rounds, "rounds", 20, "measured rounds")
	return cmd
}

func (b *bencher) bench(ctx context.Context, cmd *cobra.Command, model string) (*benchReport, error) {
	if b.warmup < 0 || b.rounds < 1 {
		return nil, usage("--warmup %d --rounds %d: want at least 0 and 1", b.warmup, b.rounds)
	}
	if err := b.inputs.check(); err != nil {
		return nil, err
	}
	if err := b.inputs.readAhead(); err != nil {
		return nil, err
	}
	rep := &benchReport{BaseRSS: measure.Resident()}
	start := time.Now()
	s, err := b.open(model, nil)
	if err != nil {
		return nil, err
	}
	defer closeSession(cmd, s)
	rep.LoadMS = measure.Milliseconds(time.Since(start))
	in, err := b.inputs.load(s.Inputs(), s.Metadata(), cmd.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	out := map[string]*tensor.Tensor{}
	step := func() error { return s.RunInto(ctx, in, out) }
	first, err := measure.Rounds(1, step)
	if err != nil {
		return nil, err
	}
	rep.FirstRunMS = first[0]
	if rep.WarmupMS, err = measure.Rounds(b.warmup, step); err != nil {
		return nil, err
	}
	if rep.TimesMS, err = measure.Rounds(b.rounds, step); err != nil {
		return nil, err
	}
	rep.PeakRSS = measure.PeakResident()
	rep.Head = headOfFirst(s.Outputs(), out)
	return rep, nil
}

func headOfFirst(infos []runtime.ValueInfo, out map[string]*tensor.Tensor) []any {
	if len(infos) == 0 {
		return []any{}
	}
	return feed.Head(out[infos[0].Name], 8)
}

func (r *benchReport) print(cmd *cobra.Command) error {
	s := measure.Summarise(r.TimesMS)
	t := &table{}
	t.row("load", r.LoadMS, "ms")
	t.row("first run", r.FirstRunMS, "ms")
	if len(r.WarmupMS) > 0 {
		t.row("second run", r.WarmupMS[0], "ms")
	}
	t.row(fmt.Sprintf("median of %d", s.N), s.Median, "ms")
	t.row("fastest", s.Min, "ms")
	t.row("90 %", s.P90, "ms")
	t.row("memory before", r.BaseRSS, "MB")
	t.row("memory at most", r.PeakRSS, "MB")
	return t.print(cmd.OutOrStdout())
}
