package metric

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/integrate"
	"gonum.org/v1/gonum/stat"
)

// A Curve is a receiver operating characteristic: rates of false and of true positives as the threshold falls through the
// distinct scores, from (0, 0) to (1, 1).
type Curve struct {
	FPR []float64 `json:"fpr"`
	TPR []float64 `json:"tpr"`
}

// ROC returns the curve of scores, of which larger ones speak for a positive; scores and positive have one length. It is empty
// where the positives or the negatives are missing or a score is NaN.
func ROC(scores []float64, positive []bool) (Curve, error) {
	if len(scores) != len(positive) {
		return Curve{}, fmt.Errorf("metric: %d scores for %d samples", len(scores), len(positive))
	}
	y := make([]float64, len(scores))
	classes := make([]bool, len(positive))
	positives := 0
	for i, s := range scores {
		if math.IsNaN(s) {
			return Curve{}, nil
		}
		// gonum's last threshold is infinite, so that an infinite score would never fall below one.
		y[i] = max(-math.MaxFloat64, min(math.MaxFloat64, s))
		classes[i] = positive[i]
		if positive[i] {
			positives++
		}
	}
	if positives == 0 || positives == len(positive) {
		return Curve{}, nil
	}
	stat.SortWeightedLabeled(y, classes, nil)
	tpr, fpr, _ := stat.ROC(nil, y, classes, nil)
	return Curve{FPR: fpr, TPR: tpr}, nil
}

// AUC is the area under the curve: the probability that a positive scores above a negative, ties counting half. An empty
// curve has none.
func (c Curve) AUC() Value {
	if len(c.FPR) == 0 {
		return Undefined()
	}
	return Value(integrate.Trapezoidal(c.FPR, c.TPR))
}

// AveragePrecision is the mean of the precision at the thresholds of the curve, weighted by the recall gained at each, without
// interpolation, as scikit-learn's average_precision_score. prevalence is the share of positives, between 0 and 1.
func (c Curve) AveragePrecision(prevalence float64) Value {
	if len(c.TPR) == 0 {
		return Undefined()
	}
	sum := 0.0
	for i := 1; i < len(c.TPR); i++ {
		hits, alarms := c.TPR[i]*prevalence, c.FPR[i]*(1-prevalence)
		if gained := c.TPR[i] - c.TPR[i-1]; gained > 0 {
			sum += gained * hits / (hits + alarms)
		}
	}
	return Value(sum)
}

// maxRanked bounds the scores that are kept for rankings: 64 MB of them. A larger set goes without AUC, average precision and
// curves.
const maxRanked = 1 << 23

// rankings keeps a score and a truth for each sample and class.
type rankings struct {
	columns  int
	scores   []float64 // [n, columns]
	positive []bool    // [n, columns]
	full     bool      // more came than is kept
}

func (r *rankings) add(score float64, positive bool) {
	if r.full {
		return
	}
	if len(r.scores) == maxRanked {
		r.full, r.scores, r.positive = true, nil, nil
		return
	}
	r.scores = append(r.scores, score)
	r.positive = append(r.positive, positive)
}

// column returns the curve of one column and the share of its positives.
func (r *rankings) column(k int) (curve Curve, prevalence float64) {
	n := len(r.scores) / r.columns
	scores, positive := make([]float64, n), make([]bool, n)
	count := 0
	for i := range n {
		scores[i], positive[i] = r.scores[i*r.columns+k], r.positive[i*r.columns+k]
		if positive[i] {
			count++
		}
	}
	curve, _ = ROC(scores, positive)
	return curve, float64(count) / float64(max(n, 1))
}
