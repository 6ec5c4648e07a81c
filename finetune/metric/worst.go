package metric

import (
	"math"
	"slices"
)

// A Case is one of the samples with the largest loss. A classification fills Truth and Predicted with one class, a multi-label
// task with the labels that hold and were predicted, a regression Target and Output with its first numbers.
type Case struct {
	Sample     int64     `json:"sample"` // counts from 0, in the order in which samples came
	Loss       Value     `json:"loss"`   // log loss, or mean squared error of a regression
	Confidence Value     `json:"confidence"`
	Truth      []int     `json:"truth,omitempty"`
	Predicted  []int     `json:"predicted,omitempty"`
	Target     []float32 `json:"target,omitempty"`
	Output     []float32 `json:"output,omitempty"`
}

// worst keeps the cases with the largest losses, the largest first and, of equal ones, the earliest. NaN counts as larger than
// any number.
type worst struct {
	limit int
	cases []Case
}

func larger(a, b Value) bool {
	if math.IsNaN(float64(a)) || math.IsNaN(float64(b)) {
		return math.IsNaN(float64(a)) && !math.IsNaN(float64(b))
	}
	return a > b
}

// offer takes the case that build returns in, if its loss is among the largest.
func (w *worst) offer(loss float64, build func() Case) {
	v, n := Value(loss), len(w.cases)
	if w.limit <= 0 || n == w.limit && !larger(v, w.cases[n-1].Loss) {
		return
	}
	if n == w.limit {
		w.cases = w.cases[:n-1]
	}
	at := slices.IndexFunc(w.cases, func(c Case) bool { return larger(v, c.Loss) })
	if at < 0 {
		at = len(w.cases)
	}
	c := build()
	c.Loss = v
	w.cases = slices.Insert(w.cases, at, c)
}

// list returns a copy.
func (w *worst) list() []Case { return slices.Clone(w.cases) }

// shown is how many numbers of a sample a case holds.
const shown = 8

func head(v []float32) []float32 { return slices.Clone(v[:min(len(v), shown)]) }
