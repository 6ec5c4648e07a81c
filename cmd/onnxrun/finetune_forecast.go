package main

import (
	"context"
	"fmt"
	"time"

	"github.com/onnxrun/onnxrun/finetune"
)

// forecast prints what the run would take.
func (j *job) forecast(ctx context.Context, o finetune.FitOptions) error {
	f, err := j.trainer.Forecast(ctx, j.dataset(j.set.train), o)
	if err != nil {
		return err
	}
	out := j.cmd.OutOrStdout()
	if j.json {
		return printJSON(out, struct {
			Schema int `json:"schema"`
			finetune.Forecast
			Peak int `json:"peak_bytes"`
		}{1, f, f.Peak()})
	}
	t := &table{}
	t.row("steps", fmt.Sprintf("%d of %d samples", f.Steps, f.Batch))
	t.row("frozen layers, once", fmt.Sprintf("%v for %d samples", f.FrozenTime.Round(time.Millisecond), f.Samples))
	t.row("step", f.StepTime.Round(time.Microsecond))
	t.row("all", f.Total.Round(time.Millisecond))
	t.row("memory: weights that train", bytesText(f.Weights))
	t.row("memory: optimizer", bytesText(f.Optimizer))
	t.row("memory: a step", bytesText(f.Step))
	t.row("memory: at work, about", bytesText(f.Work))
	t.row("memory: the frozen layers", bytesText(f.Frozen))
	t.row("memory: their results", bytesText(f.Features))
	t.row("memory: at most together", bytesText(f.Peak()))
	return t.print(out)
}

func bytesText(n int) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.2f GB", float64(n)/(1<<30))
}
