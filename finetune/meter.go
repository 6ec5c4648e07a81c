package finetune

import (
	"fmt"

	"github.com/onnxrun/onnxrun/finetune/metric"
	"github.com/onnxrun/onnxrun/tensor"
)

// MeterOptions say what a LossMeter keeps.
type MeterOptions struct {
	TopK  []int // the k of top-k accuracies
	Bins  int   // of reliability diagrams; 0: metric.DefaultBins
	Worst int   // how many of the samples with the largest loss
	Pairs int   // how many predictions of a regression, for a drawing
}

// A LossMeter is the Meter of the figures that suit losses. Losses of classes are measured as classifications, at each
// position of dense scores; binary ones by the number of scores of a sample: one is a classification with two classes,
// [N, C] has labels that hold or do not, and the axes after that are positions; others as regressions, the numbers of a
// sample being columns up to 1024 of them, else one. A Scalar loss has no figures.
type LossMeter struct {
	o     MeterOptions
	terms []*termMeter
	prior *Prior
}

// Figures are the results of one loss; at most one is set.
type Figures struct {
	Classification *metric.ClassificationResult `json:"classification,omitempty"`
	MultiLabel     *metric.MultiLabelResult     `json:"multi_label,omitempty"`
	Regression     *metric.RegressionResult     `json:"regression,omitempty"`
}

// Map returns the figures by name.
func (f Figures) Map() map[string]float64 {
	switch {
	case f.Classification != nil:
		return f.Classification.Map()
	case f.MultiLabel != nil:
		return f.MultiLabel.Map()
	case f.Regression != nil:
		return f.Regression.Map()
	}
	return nil
}

// Worst returns the samples with the largest loss.
func (f Figures) Worst() []metric.Case {
	switch {
	case f.Classification != nil:
		return f.Classification.Worst
	case f.MultiLabel != nil:
		return f.MultiLabel.Worst
	case f.Regression != nil:
		return f.Regression.Worst
	}
	return nil
}

// NewLossMeter returns an empty meter for the terms of a training run, in their order.
func NewLossMeter(o MeterOptions, losses ...Loss) *LossMeter {
	m := &LossMeter{o: o}
	for _, l := range losses {
		m.terms = append(m.terms, &termMeter{task: taskOf(l)})
	}
	return m
}

// Add implements Meter: scores and targets hold a batch of each term, as its Loss describes them.
func (m *LossMeter) Add(scores, targets []*tensor.Tensor) error {
	if len(scores) != len(m.terms) || len(targets) != len(m.terms) {
		return fmt.Errorf("finetune: meter: %d scores and %d targets, want %d of each", len(scores), len(targets), len(m.terms))
	}
	for i, t := range m.terms {
		if t.kind == noTask {
			continue
		}
		b, err := t.batch(scores[i], targets[i])
		if err != nil {
			return err
		}
		if t.class == nil && t.labels == nil && t.numbers == nil {
			if err := t.open(b, m.o, m.prior != nil); err != nil {
				return err
			}
		}
		if m.prior != nil {
			err = t.addConstant(m.prior.terms[i].prediction(b), b)
		} else {
			err = t.add(b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Figures returns the results of each term.
func (m *LossMeter) Figures() []Figures {
	list := make([]Figures, len(m.terms))
	for i, t := range m.terms {
		switch {
		case t.class != nil:
			list[i].Classification = t.class.Result()
		case t.labels != nil:
			list[i].MultiLabel = t.labels.Result()
		case t.numbers != nil:
			list[i].Regression = t.numbers.Result()
		}
	}
	return list
}

// Map implements Meter. The figures of the second and later terms have their number behind the name, as "accuracy.2".
func (m *LossMeter) Map() map[string]float64 {
	all := map[string]float64{}
	for i, f := range m.Figures() {
		for name, v := range f.Map() {
			if i > 0 {
				name = fmt.Sprintf("%s.%d", name, i+1)
			}
			all[name] = v
		}
	}
	return all
}

// termMeter measures one term. Which accumulator it has follows from the loss and, at the first batch, the scores.
type termMeter struct {
	task
	class   *metric.Classification
	labels  *metric.MultiLabel
	numbers *metric.Regression
}

// open makes the accumulator that suits a batch. A prior gives probabilities, whatever the scores are.
func (t *termMeter) open(b scoreBatch, o MeterOptions, prior bool) (err error) {
	scores := t.scores
	if prior {
		scores = metric.Probabilities
	}
	switch {
	case b.ids != nil:
		t.class, err = metric.NewClassification(metric.ClassificationOptions{
			Columns: b.columns, Scores: scores, TopK: o.TopK, Bins: o.Bins, Worst: o.Worst, Ignore: t.ignore,
		})
	case t.kind == labelTask:
		t.labels, err = metric.NewMultiLabel(metric.MultiLabelOptions{Columns: b.columns, Scores: scores, Worst: o.Worst})
	default:
		t.numbers, err = metric.NewRegression(metric.RegressionOptions{Columns: b.columns, Worst: o.Worst, Pairs: o.Pairs})
	}
	return err
}

func (t *termMeter) add(b scoreBatch) error {
	switch {
	case t.class != nil:
		return t.class.AddPositions(b.scores, b.ids, b.positions)
	case t.labels != nil:
		return t.labels.Add(b.scores, b.targets)
	}
	return t.numbers.Add(b.scores, b.targets)
}

func (t *termMeter) addConstant(prediction []float32, b scoreBatch) error {
	switch {
	case t.class != nil:
		return t.class.AddConstant(prediction, b.ids)
	case t.labels != nil:
		return t.labels.AddConstant(prediction, b.targets)
	}
	return t.numbers.AddConstant(prediction, b.targets)
}
