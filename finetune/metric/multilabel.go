package metric

import (
	"fmt"
	"math"
)

// MultiLabelOptions describe a task in which each label of a sample holds or does not.
type MultiLabelOptions struct {
	Columns   int     // labels
	Scores    Kind    // what the scores are
	Threshold float64 // the probability above which a label is predicted; 0 is 0.5
	Worst     int     // how many of the samples with the largest loss to keep
}

// MultiLabel accumulates predictions of any number of labels per sample.
type MultiLabel struct {
	opt              MultiLabelOptions
	samples, invalid int64
	exact            int64 // samples without a wrong label
	wrong            int64 // wrong labels
	counts           *Counts
	logLoss, brier   float64
	rank             rankings
	worst            worst
}

// NewMultiLabel returns an empty accumulator.
func NewMultiLabel(opt MultiLabelOptions) (*MultiLabel, error) {
	if opt.Threshold == 0 {
		opt.Threshold = 0.5
	}
	if opt.Columns < 1 || !(opt.Threshold > 0 && opt.Threshold < 1) {
		return nil, fmt.Errorf("metric: %d labels at threshold %v, want at least 1, and between 0 and 1", opt.Columns, opt.Threshold)
	}
	m := &MultiLabel{opt: opt, counts: NewCounts(opt.Columns)}
	m.rank.columns, m.worst.limit = opt.Columns, opt.Worst
	return m, nil
}

// Add counts a batch: scores and targets [n, columns]. A target above 0.5 holds; the log loss and Brier score take it as the
// probability that it is. A target outside 0..1 is an error and ends the batch there.
func (m *MultiLabel) Add(scores, targets []float32) error {
	c := m.opt.Columns
	if len(scores) != len(targets) || len(scores)%c != 0 {
		return fmt.Errorf("metric: %d scores for %d targets, want %d of each a sample", len(scores), len(targets), c)
	}
	for first := 0; first < len(scores); first += c {
		if err := m.add(scores[first:first+c], targets[first:first+c]); err != nil {
			return err
		}
	}
	return nil
}

// AddConstant counts one prediction, scores [columns], for each row of targets [n, columns].
func (m *MultiLabel) AddConstant(scores, targets []float32) error {
	c := m.opt.Columns
	if len(scores) != c || len(targets)%c != 0 {
		return fmt.Errorf("metric: %d scores for %d targets, want %d a sample", len(scores), len(targets), c)
	}
	for first := 0; first < len(targets); first += c {
		if err := m.add(scores, targets[first:first+c]); err != nil {
			return err
		}
	}
	return nil
}

func (m *MultiLabel) add(scores, targets []float32) error {
	wrong, invalid, sum := int64(0), false, 0.0
	var truth, guesses []int
	for k, t := range targets {
		if !(t >= 0 && t <= 1) {
			return fmt.Errorf("metric: sample %d, label %d: target %v, want 0 to 1", m.samples, k, t)
		}
		p, loss, err := m.judge(scores[k], float64(t), k)
		if err != nil {
			return err
		}
		invalid = invalid || scores[k] != scores[k]
		holds := t > 0.5
		m.rank.add(float64(scores[k]), holds)
		guess := p > m.opt.Threshold || m.opt.Scores == Margins && scores[k] > 0
		if m.count(k, guess, holds) {
			wrong++
		}
		if holds {
			truth = append(truth, k)
		}
		if guess {
			guesses = append(guesses, k)
		}
		sum += loss
		m.logLoss += loss
		m.brier += (p - float64(t)) * (p - float64(t))
	}
	m.worst.offer(sum/float64(len(targets)), func() Case {
		return Case{Sample: m.samples, Confidence: Undefined(), Truth: truth, Predicted: guesses}
	})
	m.samples++
	m.wrong += wrong
	if invalid {
		m.invalid++
	} else if wrong == 0 {
		m.exact++
	}
	return nil
}

// judge returns the probability that a score gives to its label, and the log loss against the target t.
func (m *MultiLabel) judge(score float32, t float64, label int) (p, loss float64, err error) {
	switch m.opt.Scores {
	case Margins:
		return math.NaN(), math.NaN(), nil
	case Probabilities:
		p, err = checkProbability(score, m.samples, label)
		return p, -t*math.Log(math.Max(p, smallest)) - (1-t)*math.Log(math.Max(1-p, smallest)), err
	}
	z := float64(score)
	return Sigmoid(z), softplus(z) - t*z, nil
}

// count counts one label and reports whether it is wrong.
func (m *MultiLabel) count(k int, guess, holds bool) bool {
	if guess {
		m.counts.Predicted[k]++
	}
	if holds {
		m.counts.Support[k]++
	}
	if guess && holds {
		m.counts.Hits[k]++
	}
	return guess != holds
}

// A MultiLabelResult is what a MultiLabel has found. Averages are over all labels.
type MultiLabelResult struct {
	Samples          int64        `json:"samples"`
	Invalid          int64        `json:"invalid,omitempty"` // samples with NaN among their scores: such labels count as not predicted
	SubsetAccuracy   Value        `json:"subset_accuracy"`   // samples all of whose labels are right
	HammingLoss      Value        `json:"hamming_loss"`      // share of wrong labels
	Macro            Average      `json:"macro"`
	Micro            Average      `json:"micro"`
	Weighted         Average      `json:"weighted"`
	AUC              Value        `json:"roc_auc"`           // mean over the labels that hold for some samples and not for others
	AveragePrecision Value        `json:"average_precision"` // likewise
	LogLoss          Value        `json:"log_loss"`          // mean over samples and labels
	Brier            Value        `json:"brier"`             // likewise
	Classes          []ClassScore `json:"classes"`
	Worst            []Case       `json:"worst,omitempty"`
}

// Result sums up what has been added so far.
func (m *MultiLabel) Result() *MultiLabelResult {
	cells := m.samples * int64(m.opt.Columns)
	r := &MultiLabelResult{
		Samples: m.samples, Invalid: m.invalid,
		SubsetAccuracy: mean(float64(m.exact), m.samples), HammingLoss: mean(float64(m.wrong), cells),
		Macro: m.counts.Macro(true), Micro: m.counts.Micro(), Weighted: m.counts.Weighted(),
		AUC: Undefined(), AveragePrecision: Undefined(),
		LogLoss: mean(m.logLoss, cells), Brier: mean(m.brier, cells), Classes: make([]ClassScore, m.opt.Columns),
		Worst: m.worst.list(),
	}
	for k := range r.Classes {
		r.Classes[k] = m.counts.Class(k)
	}
	if !m.rank.full {
		r.AUC, r.AveragePrecision = m.rank.classes(r.Classes)
	}
	return r
}

// Map returns the figures that are defined by name.
func (r *MultiLabelResult) Map() map[string]float64 {
	return defined(map[string]Value{
		SubsetAccuracy: r.SubsetAccuracy, HammingLoss: r.HammingLoss,
		MacroPrecision: r.Macro.Precision, MacroRecall: r.Macro.Recall,
		MacroF1: r.Macro.F1, MicroF1: r.Micro.F1, WeightedF1: r.Weighted.F1,
		AUC: r.AUC, AP: r.AveragePrecision, LogLoss: r.LogLoss, Brier: r.Brier,
	})
}
