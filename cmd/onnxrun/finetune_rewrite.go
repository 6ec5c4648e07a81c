package main

import (
	"slices"
	"strconv"

	"github.com/onnxrun/onnxrun/finetune"
)

// rewrite gives the model a new head, new weights or low-rank branches, where they are wanted or needed. It returns the
// weights that then train, nil for what --train says.
func (j *job) rewrite() (train []string, err error) {
	head, err := j.replaceHead()
	if err != nil {
		return nil, err
	}
	if j.reinit {
		if err := j.reinitialise(); err != nil {
			return nil, err
		}
	}
	if j.dropout > 0 && head == nil && j.lora.rank == 0 {
		if _, err := finetune.InsertHeadDropout(j.file.Model, "", j.dropout); err != nil {
			return nil, err
		}
	}
	if j.lora.rank > 0 {
		return j.branches(head)
	}
	return nil, nil
}

// replaceHead puts a new last layer in place if the classes of the data are not those of the model.
func (j *job) replaceHead() (*finetune.NewHead, error) {
	n := j.classes
	if n == 0 {
		n = len(j.set.classes)
	}
	known := finetune.Labels(j.file.Model)
	switch {
	case j.set.classes == nil && !j.newHead && j.classes == 0:
		return nil, nil
	case j.newHead || j.classes > 0:
	case j.set.columns == 1 && n == 2, j.set.columns == 0:
		return nil, nil
	case n > j.set.columns, !numbered(j.set.classes) && n != j.set.columns && len(known) != j.set.columns:
		j.say("new last layer: the data have %d classes, the model tells %d apart", n, j.set.columns)
	default:
		return nil, nil
	}
	h := finetune.Head{Classes: j.set.classes, N: n, Dropout: j.dropout, Seed: j.seed}
	if len(j.set.classes) != n {
		h.Classes = nil
	}
	made, err := h.Apply(j.file.Model)
	if err != nil {
		return nil, err
	}
	s, err := j.findScores()
	if err != nil {
		return nil, err
	}
	j.set.scores, j.set.columns = s, n
	return &made, nil
}

// numbered reports whether classes are numbers, which name columns of scores.
func numbered(classes []string) bool {
	return !slices.ContainsFunc(classes, func(c string) bool { _, err := strconv.Atoi(c); return err != nil })
}

// reinitialise draws the weights that train anew.
func (j *job) reinitialise() error {
	init, err := finetune.ParseInitializer(j.init)
	if err != nil {
		return usageError(err)
	}
	layers, err := finetune.Layers(j.file.Model)
	if err != nil {
		return err
	}
	weights, err := finetune.Select(layers, j.tuner.train)
	if err != nil {
		return err
	}
	return finetune.Initialise(j.file.Model, layers, weights, init, j.seed)
}

// branches attaches low-rank branches and returns what trains: them, and a new head.
func (j *job) branches(head *finetune.NewHead) ([]string, error) {
	l := finetune.LoRA{Rank: j.lora.rank, Alpha: j.lora.alpha, Target: j.lora.target, RSLoRA: j.lora.rs, Dropout: j.dropout, Seed: j.seed}
	if head != nil {
		l.Exclude = []string{head.Module}
	}
	list, err := l.Apply(j.file.Model)
	if err != nil {
		return nil, err
	}
	var train []string
	for _, b := range list {
		train = append(train, b.A, b.B)
	}
	if head != nil {
		j.lora.saved = []string{head.Module}
		train = append(train, head.Weight)
		if head.Bias != "" {
			train = append(train, head.Bias)
		}
	}
	j.say("%d low-rank branches of rank %d", len(list), j.lora.rank)
	return train, nil
}
