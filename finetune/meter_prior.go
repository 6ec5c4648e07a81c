package finetune

import (
	"fmt"

	"github.com/onnxrun/onnxrun/finetune/metric"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Prior predicts from the targets of the training samples alone: the shares of the classes or labels, the means of
// numbers. What a model gains over it is what it has learned from its inputs.
type Prior struct {
	losses []Loss
	terms  []*termPrior
}

// NewPrior returns an empty prior for the terms of a training run, in their order.
func NewPrior(losses ...Loss) *Prior {
	p := &Prior{losses: losses}
	for _, l := range losses {
		p.terms = append(p.terms, &termPrior{task: taskOf(l)})
	}
	return p
}

// Learn takes in a batch of the training samples: scores, of which only the shapes count, and targets of each term.
func (p *Prior) Learn(scores, targets []*tensor.Tensor) error {
	if len(scores) != len(p.terms) || len(targets) != len(p.terms) {
		return fmt.Errorf("finetune: prior: %d scores and %d targets, want %d of each", len(scores), len(targets), len(p.terms))
	}
	for i, t := range p.terms {
		if t.kind == noTask {
			continue
		}
		b, err := t.batch(scores[i], targets[i])
		if err == nil {
			err = t.learn(b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Meter returns a meter that measures the prior in place of the scores: of these only the shapes count.
func (p *Prior) Meter(o MeterOptions) *LossMeter {
	m := NewLossMeter(o, p.losses...)
	m.prior = p
	return m
}

// termPrior is the prior of one term, opened at its first batch.
type termPrior struct {
	task
	classes *metric.ClassPrior
	means   *metric.MeanPredictor
}

func (t *termPrior) learn(b scoreBatch) (err error) {
	if b.ids != nil {
		if t.classes == nil {
			if t.classes, err = metric.NewClassPrior(max(2, b.columns)); err != nil {
				return err
			}
		}
		t.classes.Add(b.ids)
		return nil
	}
	if t.means == nil {
		if t.means, err = metric.NewMeanPredictor(b.columns); err != nil {
			return err
		}
	}
	return t.means.Add(b.targets)
}

// prediction is what the prior says for each sample of a batch. One that has learned nothing takes all classes for equally
// likely, and numbers for 0.
func (t *termPrior) prediction(b scoreBatch) []float32 {
	if b.ids == nil {
		if t.means == nil {
			return make([]float32, b.columns)
		}
		return t.means.Mean()
	}
	p := make([]float32, max(2, b.columns))
	if t.classes != nil {
		p = t.classes.Probabilities()
	} else {
		for k := range p {
			p[k] = 1 / float32(len(p))
		}
	}
	if b.columns == 1 {
		return p[1:]
	}
	return p
}
