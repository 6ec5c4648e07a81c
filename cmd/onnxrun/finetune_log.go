package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/metric"
	"github.com/onnxrun/onnxrun/finetune/report"
)

// openLog opens metrics.jsonl of the run folder.
func (j *job) openLog(steps, epochs int) error {
	dir := j.runFolder()
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("finetune: %w", err)
	}
	name := filepath.Join(dir, "metrics.jsonl")
	at := 0
	var err error
	if j.resume {
		at = finetune.LastCheckpoint(dir)
		j.log, err = report.ResumeLog(name, at)
		if err == nil && at > 0 {
			j.say("going on after step %d", at)
		}
	} else {
		if err := finetune.RemoveCheckpoints(dir); err != nil {
			return err
		}
		j.log, err = report.CreateLog(name)
	}
	if err != nil {
		return err
	}
	return j.log.Write(report.Start{Step: at, Seed: j.seed, Steps: steps, Epochs: epochs, Settings: j.settings()})
}

func (j *job) closeLog() {
	if j.log != nil {
		if err := j.log.Close(); err != nil {
			j.warn("metrics.jsonl: %v", err)
		}
		j.log = nil
	}
}

// settings are the flags that matter, for the log and the report.
func (j *job) settings() map[string]string {
	out := map[string]string{"train": j.tuner.train, "optimizer": j.optimizer, "lr": j.rate, "batch norm": j.batchNorm}
	for name, text := range map[string]string{"schedule": j.schedule, "clip": j.clip, "loss": j.loss, "privacy": j.dp, "solver": j.solver} {
		if text != "" {
			out[name] = text
		}
	}
	if j.trainer != nil {
		out["lr"] = fmt.Sprintf("%.3g (%s)", j.trainer.Rate(), j.rate)
	}
	return out
}

// A logState is what the log needs to know of the run so far.
type logState struct {
	broken  bool      // a write failed, which has been said
	epoch   time.Time // when the last epoch ended
	rate    float64   // of the last step
	skipped int
}

// logEvent writes an event.
func (j *job) logEvent(e report.Event) {
	if j.log != nil {
		j.logFailed(j.log.Write(e))
	}
}

// logFailed says once that the log cannot be written, on a full disk for instance: no reason to lose the run.
func (j *job) logFailed(err error) {
	if err != nil && !j.logged.broken {
		j.logged.broken = true
		j.warn("metrics.jsonl is not complete: %v", err)
	}
}

// saidSkips is how many skipped steps are warned of one by one.
const saidSkips = 5

func (j *job) stepped(e finetune.StepEvent) error {
	j.logged.rate = e.Rate
	j.progress.Step(e.Loss, e.Rate)
	if e.Skipped {
		if j.logged.skipped++; j.logged.skipped <= saidSkips {
			j.warn("step %d was skipped: a gradient is not finite", e.Step)
		}
		j.logEvent(report.Skip{Step: e.Step, Epoch: e.Epoch, Reason: "a gradient is not finite"})
	} else {
		j.logEvent(report.Step{Step: e.Step, Epoch: e.Epoch, Loss: metric.Value(e.Loss), Rate: metric.Value(e.Rate), GradNorm: metric.Value(e.Norm)})
	}
	if j.every > 0 && e.Step%j.every == 0 && j.log != nil { // a checkpoint follows: what it has seen must be in the log
		j.logFailed(j.log.Flush())
	}
	return nil
}

func (j *job) ended(e finetune.EpochEvent) error {
	r := report.Epoch{Step: e.Step, Epoch: e.Epoch, Loss: metric.Value(e.Loss), ValLoss: metric.Undefined(), Rate: metric.Value(j.logged.rate),
		Best: e.Best, Metrics: maps.Clone(e.Validation)}
	if j.logged.epoch.IsZero() {
		j.logged.epoch = j.begun
	}
	now := time.Now()
	r.Seconds, j.logged.epoch = now.Sub(j.logged.epoch).Seconds(), now
	if loss, ok := e.Validation["loss"]; ok {
		r.ValLoss = metric.Value(loss)
		delete(r.Metrics, "loss")
	}
	if e.Epoch == 0 {
		j.say("before training: %s", figuresText(e.Validation))
	} else {
		j.progress.Epoch(r)
	}
	j.logEvent(r)
	if j.log != nil {
		j.logFailed(j.log.Sync())
	}
	return nil
}

func (j *job) logEnd(r *finetune.Fitted) error {
	if j.log == nil {
		return nil
	}
	return j.log.Write(report.End{Step: r.Steps, Epoch: len(r.Losses), Reason: r.Reason, Metrics: r.Validation, Seconds: time.Since(j.begun).Seconds()})
}

// shownFigures are the figures that a line has room for, in this order.
var shownFigures = []string{"loss", metric.Accuracy, metric.MacroF1, metric.AUC, metric.MAE, metric.RMSE, metric.R2}

func figuresText(m map[string]float64) string {
	text := ""
	for _, name := range shownFigures {
		if v, ok := m[name]; ok {
			text += fmt.Sprintf("  %s %.4g", name, v)
		}
	}
	if text == "" {
		return "no figures"
	}
	return text[2:]
}

// printResult prints the figures before and after.
func (j *job) printResult(r *finetune.Fitted) error {
	out := j.cmd.OutOrStdout()
	t := &table{}
	if len(r.Validation) > 0 {
		t.row("FIGURE", "BEFORE", "AFTER")
		for _, name := range slices.Sorted(maps.Keys(r.Validation)) {
			t.row(name, fmt.Sprintf("%.4g", r.Baseline[name]), fmt.Sprintf("%.4g", r.Validation[name]))
		}
	} else if n := len(r.Losses); n > 0 {
		t.row("LOSS", "FIRST", "LAST")
		t.row("", fmt.Sprintf("%.6g", r.Losses[0]), fmt.Sprintf("%.6g", r.Losses[n-1]))
	}
	if err := t.print(out); err != nil {
		return err
	}
	if r.Privacy != nil {
		if _, err := fmt.Fprintln(out, privacyText(r.Privacy)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "wrote %s\n", j.out)
	return err
}
