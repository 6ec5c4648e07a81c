package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/report"
)

// loggingJob is a job that logs into a folder of its own and prints into out, with a checkpoint every two steps.
func loggingJob(t *testing.T, out *bytes.Buffer) (j *job, path string) {
	t.Helper()
	dir := t.TempDir()
	j = &job{tuner: &tuner{runDir: dir, every: 2}, progress: newProgress(out), begun: time.Now()}
	if err := j.openLog(4, 1); err != nil {
		t.Fatal(err)
	}
	return j, filepath.Join(dir, "metrics.jsonl")
}

func stepEvent(step int, loss float64) finetune.StepEvent {
	return finetune.StepEvent{Step: step, Epoch: 1, Steps: 4, StepResult: finetune.StepResult{Loss: loss, Rate: 0.5, Skipped: math.IsNaN(loss)}}
}

// TestLogReachesCheckpoints checks that the log holds all that a checkpoint has seen, when it is written.
func TestLogReachesCheckpoints(t *testing.T) {
	var out bytes.Buffer
	j, path := loggingJob(t, &out)
	for step, loss := range []float64{3, math.NaN(), 2, 1} {
		if err := j.stepped(stepEvent(step+1, loss)); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if lines := bytes.Count(text, []byte("\n")); err != nil || (step+1)%j.every == 0 && lines != step+2 {
			t.Errorf("%d lines after step %d, %v", lines, step+1, err)
		}
	}
	if err := j.ended(finetune.EpochEvent{Validation: map[string]float64{"loss": 4, "accuracy": 0.5}, Loss: math.NaN(), Best: true}); err != nil {
		t.Fatal(err)
	}
	if err := j.ended(finetune.EpochEvent{Step: 4, Epoch: 1, Loss: 2}); err != nil {
		t.Fatal(err)
	}
	j.closeLog()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := report.ReadHistory(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Points) != 3 || h.Skipped != 1 || len(h.Epochs) != 2 || h.Epochs[0].ValLoss != 4 || h.Epochs[1].Rate != 0.5 || h.Epochs[1].Seconds < 0 {
		t.Errorf("history %+v", h)
	}
	if !strings.Contains(out.String(), "before training: loss 4  accuracy 0.5\n") {
		t.Errorf("printed %s", out.String())
	}
}

// TestWarningsAreFew checks that neither a log that cannot be written nor a run of skipped steps floods the terminal.
func TestWarningsAreFew(t *testing.T) {
	var out bytes.Buffer
	j, _ := loggingJob(t, &out)
	if err := j.log.Close(); err != nil {
		t.Fatal(err)
	}
	for step := range 100 {
		if err := j.stepped(stepEvent(step+1, math.NaN())); err != nil {
			t.Fatal(err)
		}
	}
	if skips, broken := strings.Count(out.String(), "skipped"), strings.Count(out.String(), "not complete"); skips != saidSkips || broken != 1 {
		t.Errorf("%d warnings of steps and %d of the log:\n%s", skips, broken, out.String())
	}
}
