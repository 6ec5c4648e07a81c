package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/report"
	"github.com/onnxrun/onnxrun/onnx"
)

// A job is one run of the command.
type job struct {
	*tuner
	cmd      *cobra.Command
	name     string // of the model's file
	file     *onnx.File
	progress *progress
	trainer  *finetune.Trainer
	set      *samples // nil for synthetic data
	log      *report.Log
	logged   logState
	notes    []string // what was noticed, for the report
	begun    time.Time
	meter    *finetune.LossMeter // the newest
}

// train trains, writes the model and reports.
func (j *job) train(ctx context.Context) error {
	j.begun = time.Now()
	if j.data == "synthetic" {
		return j.trainSynthetic(ctx)
	}
	return j.trainSamples(ctx)
}

// say prints a line about the run, and keeps it for the report if it is a warning.
func (j *job) say(format string, args ...any) { j.progress.Print(fmt.Sprintf(format, args...)) }

func (j *job) warn(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	j.notes = append(j.notes, line)
	j.progress.Print("warning: " + line)
}

// spec turns flags into settings, all but the terms.
func (j *job) spec(total int) (finetune.Spec, error) {
	s := finetune.Spec{Train: j.tuner.train, BatchNorm: j.batchNorm == "train", Seed: j.seed, Threads: j.threads, Total: total, Dropout: j.dropout > 0,
		Recurrent: finetune.RecurrentDropout{Inputs: j.recurrent, State: j.recurrent}}
	o, rates, err := finetune.ParseOptimizer(j.optimizer)
	if err != nil {
		return s, usageError(err)
	}
	s.Optimizer, s.Rate, s.Decay = o, rates.Rate, rates.Decay
	if j.rate != "auto" && j.rate != "find" {
		if s.Rate, err = strconv.ParseFloat(j.rate, 64); err != nil || !(s.Rate > 0) {
			return s, usage("finetune: --lr %s, want a positive number, auto or find", j.rate)
		}
	}
	if j.decay >= 0 {
		s.Decay = j.decay
	}
	if j.schedule != "" {
		if s.Schedule, err = finetune.ParseSchedule(j.schedule); err != nil {
			return s, usageError(err)
		}
	}
	if s.Clip, err = finetune.ParseClip(j.clip); err != nil {
		return s, usageError(err)
	}
	for _, text := range j.groups {
		g, err := finetune.ParseGroup(text)
		if err != nil {
			return s, usageError(err)
		}
		s.Groups = append(s.Groups, g)
	}
	if j.ema > 0 {
		s.EMA = finetune.EMA{Decay: j.ema, Correct: true}
	}
	switch j.saved {
	case "float32":
	case "bfloat16", "bf16":
		s.HalfSaved = true
	default:
		return s, usage("finetune: --activations %s, want float32 or bfloat16", j.saved)
	}
	s.NoOptimize = j.opt == "off"
	if j.memory != "" {
		if s.Memory, err = parseSize(j.memory); err != nil {
			return s, err
		}
	}
	err = j.private(&s)
	return s, err
}

// usageError gives an error of a flag's text the exit code of usage.
func usageError(err error) error { return &codedError{exitUsage, err} }

// trainSynthetic trains on a made-up batch.
func (j *job) trainSynthetic(ctx context.Context) error {
	layers, err := finetune.Layers(j.file.Model)
	if err != nil {
		return err
	}
	weights, err := finetune.Select(layers, j.tuner.train)
	if err != nil {
		return err
	}
	loss, err := j.lossOr(finetune.MSE{})
	if err != nil {
		return err
	}
	steps := j.steps
	if steps == 0 {
		steps = max(20, j.epochs)
	}
	spec, err := j.spec(steps)
	if err != nil {
		return err
	}
	var batch finetune.Batch
	err = j.synthetic(ctx, j.file.Model, weights, loss, func(b *made) (err error) {
		spec.Terms, batch = b.terms, b.batch
		if j.trainer, err = finetune.NewTrainer(j.file.Model, spec); err != nil {
			return err
		}
		return j.trainer.Freeze(ctx, &batch)
	})
	if err != nil {
		return err
	}
	j.say("synthetic data: one batch, the same in every step; %d weights train", len(weights))
	o := finetune.FitOptions{Steps: steps, TryRates: j.triesRates() || j.rate == "find", Dir: j.runFolder(), Every: max(1, j.every), Resume: j.resume, Event: j.event}
	o.Config = j.config()
	if err := j.openLog(steps, 0); err != nil {
		return err
	}
	defer j.closeLog()
	j.progress.Start(steps, 1, 0)
	r, err := j.trainer.FitBatch(ctx, batch, o)
	j.progress.Done()
	if err != nil {
		return err
	}
	return j.finish(r, nil)
}

func (t *tuner) lossOr(otherwise finetune.Loss) (finetune.Loss, error) {
	if t.loss == "" {
		return otherwise, nil
	}
	l, err := finetune.ParseLoss(t.loss)
	if err != nil {
		return nil, usageError(err)
	}
	return l, nil
}

// config is what two runs have to have in common for one to go on where the other stopped.
func (j *job) config() string {
	return fmt.Sprintf("%s %s %s %s %s %v %v %v %d %v %v %s", j.data, j.tuner.train, j.optimizer, j.rate, j.schedule, [2]float64{j.dropout, j.recurrent}, j.batchNorm, j.loss, j.seed, j.lora, j.dp, j.fill)
}

// event is called for each step and epoch.
func (j *job) event(e finetune.Event) error {
	switch e := e.(type) {
	case finetune.StepEvent:
		return j.stepped(e)
	case finetune.EpochEvent:
		return j.ended(e)
	}
	return nil
}

// finish writes the model and reports.
func (j *job) finish(r *finetune.Fitted, change func(*onnx.Model) error) error {
	rep := newReport(r)
	rep.Out = filepath.Base(j.out)
	err := j.trainer.Export(func(m *onnx.Model) error {
		if change != nil {
			if err := change(m); err != nil {
				return err
			}
		}
		var err error
		rep.SHA256, err = j.write(m)
		return err
	})
	if err != nil {
		return err
	}
	if err := j.logEnd(r); err != nil {
		return err
	}
	if err := j.writeReport(r, rep.SHA256); err != nil {
		return err
	}
	if j.json {
		return printJSON(j.cmd.OutOrStdout(), rep)
	}
	return errors.Join(j.printResult(r), nil)
}
