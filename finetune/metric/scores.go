package metric

import (
	"fmt"
	"math"
)

// Kind says what the scores of a model are.
type Kind int

// The kinds of scores.
const (
	Logits        Kind = iota // any real numbers, before Softmax or Sigmoid
	Probabilities             // between 0 and 1
	Margins                   // real numbers that are no logits, as those of a hinge loss: figures of probabilities are undefined
)

// slack is how far rounding may take a probability out of 0..1.
const slack = 1e-3

// smallest is what a probability of 0 counts as in the log loss: the distance of 1 and the next float32, as in scikit-learn.
const smallest = 0x1p-23

// Sigmoid is 1/(1+exp(-x)), without overflow.
func Sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}

// softplus is log(1+exp(x)), the loss of a logit -x of what is true.
func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// softmax writes the probabilities of the logits x into p and returns log(sum(exp(x))). Sums are in float64, from first to
// last. NaN or +Inf among x makes everything NaN, as in PyTorch.
func softmax(p []float64, x []float32) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = math.Max(top, float64(v))
	}
	sum := 0.0
	for k, v := range x {
		p[k] = math.Exp(float64(v) - top)
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
	return top + math.Log(sum)
}

// checkProbability returns v within 0..1.
func checkProbability(v float32, sample int64, class int) (float64, error) {
	if v < -slack || v > 1+slack {
		return 0, fmt.Errorf("metric: sample %d, class %d: probability %v, want 0 to 1", sample, class, v)
	}
	return max(0, min(1, float64(v))), nil
}

// argMax returns the index of the largest score, the first of equals, and -1 where one is NaN.
func argMax(x []float32) int {
	best := 0
	for k, v := range x {
		if v != v {
			return -1
		}
		if v > x[best] {
			best = k
		}
	}
	return best
}

// rankOf returns how many scores stand before that of class k: larger ones, and equal ones of lower index.
func rankOf(x []float32, k int) int {
	rank := 0
	for j, v := range x {
		if v > x[k] || v == x[k] && j < k {
			rank++
		}
	}
	return rank
}
