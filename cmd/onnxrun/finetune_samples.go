package main

import (
	"context"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/data"
	"github.com/onnxrun/onnxrun/ops"
)

// samples are what a job learns from and measures on.
type samples struct {
	all, train, val *data.Set
	classes         []string
	columns         int // scores of a sample
	scores          finetune.Scores
	loss            finetune.Loss
}

// trainSamples trains on labelled samples.
func (j *job) trainSamples(ctx context.Context) error {
	if err := j.openSamples(); err != nil {
		return err
	}
	defer j.set.all.Close()
	changed, err := j.rewrite()
	if err != nil {
		return err
	}
	if err := j.split(); err != nil {
		return err
	}
	if err := j.chooseLoss(); err != nil {
		return err
	}
	spec, err := j.spec(0)
	if err != nil {
		return err
	}
	if spec.Schedule == nil && j.schedule == "" {
		spec.Schedule = finetune.CosineDecay{}
	}
	spec.Terms = []finetune.Term{{At: j.set.scores.Name, Loss: j.set.loss}}
	if changed != nil {
		spec.Weights = changed
	}
	if j.trainer, err = finetune.NewTrainer(j.file.Model, spec); err != nil {
		return err
	}
	return j.fit(ctx)
}

// openSamples finds the scores and reads the data.
func (j *job) openSamples() error {
	s, err := j.findScores()
	if err != nil {
		return err
	}
	j.set = &samples{scores: s, columns: columnsOf(s)}
	outputs := j.set.columns
	if j.newHead || j.classes > 0 || s.Activation == "Sigmoid" && outputs == 1 {
		outputs = 0
	}
	o, err := j.samples.options(j.file.Model, j.modelDir(), outputs, j.seed)
	if err != nil {
		return err
	}
	o.Classes = finetune.Labels(j.file.Model)
	if j.newHead || len(o.Classes) != outputs {
		o.Classes = nil
	}
	if err := j.fillConstants(&o, []string{s.Name}); err != nil {
		return err
	}
	if j.set.all, err = data.Open(j.data, o); err != nil && outputs > 0 && j.loss == "" && j.tuner.samples.task == "auto" {
		o.Outputs, o.Classes = 0, nil // more or other classes than the model tells apart: a new head may do
		var again error
		if j.set.all, again = data.Open(j.data, o); again == nil {
			err = nil
		}
	}
	if err != nil {
		return &codedError{exitFailed, err}
	}
	j.set.classes = j.set.all.Classes()
	for _, line := range j.set.all.Describe() {
		j.say("%s", line)
	}
	return nil
}

// findScores returns the value that the loss is computed from.
func (j *job) findScores() (finetune.Scores, error) {
	if len(j.lossAt) == 0 {
		return finetune.FindScores(j.file.Model)
	}
	if len(j.lossAt) > 1 {
		return finetune.Scores{}, usage("finetune: %d values for the loss (--loss-at), labelled data have one target", len(j.lossAt))
	}
	return finetune.ScoresAt(j.file.Model, j.lossAt[0])
}

// columnsOf is the number of scores of a sample, 0 if it is not known.
func columnsOf(s finetune.Scores) int {
	if !s.Type.Ranked {
		return 0
	}
	if len(s.Type.Dims) == 1 {
		return 1
	}
	if len(s.Type.Dims) < 2 {
		return 0
	}
	n, ok := s.Type.Dims[1].Const()
	if !ok {
		return 0
	}
	return int(n)
}

// split divides the data, or opens the samples to measure on, and looks for samples in both parts.
func (j *job) split() error {
	s := j.set
	s.train = s.all
	switch {
	case j.val != "":
		o, err := j.samples.options(j.file.Model, j.modelDir(), 0, j.seed)
		if err != nil {
			return err
		}
		o.Like = s.all
		if s.val, err = data.Open(j.val, o); err != nil {
			return &codedError{exitFailed, err}
		}
	case j.valSplit > 0 && s.all.Len() > 1:
		var err error
		if s.train, s.val, err = data.Split(s.all, j.valSplit, j.seed); err != nil {
			return err
		}
	}
	if s.val == nil || s.val.Len() == 0 {
		s.val = nil
		j.warn("nothing to measure on: the figures are those of training")
		return nil
	}
	s.val = s.val.Plain()
	leaks, err := data.Leaks(s.train, s.val)
	if err != nil {
		return err
	}
	if len(leaks) > 0 {
		j.warn("%d of %d samples to measure on are also trained on, such as %s and %s", len(leaks), s.val.Len(), leaks[0].Train, leaks[0].Val)
	}
	j.say("%d samples to train on, %d to measure on", s.train.Len(), s.val.Len())
	return nil
}

// chooseLoss chooses the loss by the targets, unless a flag names it.
func (j *job) chooseLoss() error {
	s := j.set
	var weights []float32
	if j.tuner.samples.balance {
		weights = data.Balance(s.train)
	}
	var otherwise finetune.Loss
	switch {
	case s.classes != nil && s.columns == 1:
		otherwise = finetune.BCEWithLogits{}
	case s.classes != nil:
		otherwise = finetune.CrossEntropy{Weights: padded(weights, s.columns)}
	case s.scores.Activation == "Sigmoid":
		otherwise = finetune.BCEWithLogits{}
	default:
		otherwise = finetune.MSE{}
	}
	var err error
	s.loss, err = j.lossOr(otherwise)
	if _, ok := otherwise.(finetune.MSE); ok && s.scores.Activation != "" && err == nil {
		return ops.Unsupported("training: targets that are numbers and a model that ends in %s: name the loss with --loss and --loss-at", s.scores.Activation)
	}
	if c, ok := s.loss.(finetune.CrossEntropy); ok && c.Weights == nil {
		c.Weights = padded(weights, s.columns)
		s.loss = c
	}
	return err
}

// padded gives classes that the data do not have weight 1.
func padded(weights []float32, n int) []float32 {
	if weights == nil {
		return nil
	}
	for len(weights) < n {
		weights = append(weights, 1)
	}
	return weights
}
