package metric

import (
	"fmt"
	"math"
	"slices"
)

// Regression accumulates predictions of real numbers. It keeps sums, no samples.
type Regression struct {
	columns  []pair
	samples  int64
	invalid  int64
	abs, sq  float64
	maxError float64
	worst    worst
	limit    int // of pairs
	stride   int64
	pairs    []Pair // of every stride-th sample
}

// pair holds the running moments of one column, updated as Welford does, so that a large mean does not cancel digits.
type pair struct {
	meanP, meanT     float64
	varP, varT, both float64 // sums of squared and mixed deviations
	residual         float64 // sum of squared errors
}

// RegressionOptions describe a task with real numbers as targets.
type RegressionOptions struct {
	Columns int // numbers per sample
	Worst   int // how many of the samples with the largest loss to keep
	Pairs   int // how many predictions of the first column to keep for a drawing, evenly spread over the samples
}

// A Pair is a prediction and its target.
type Pair struct {
	Predicted, Target float32
}

// NewRegression returns an empty accumulator.
func NewRegression(opt RegressionOptions) (*Regression, error) {
	if opt.Columns < 1 {
		return nil, fmt.Errorf("metric: %d numbers per sample, want at least 1", opt.Columns)
	}
	return &Regression{columns: make([]pair, opt.Columns), worst: worst{limit: opt.Worst}, limit: opt.Pairs, stride: 1}, nil
}

// Add counts a batch of predictions and targets, both [n, columns].
func (r *Regression) Add(predictions, targets []float32) error {
	d := len(r.columns)
	if len(predictions) != len(targets) || len(predictions)%d != 0 {
		return fmt.Errorf("metric: %d predictions for %d targets, want %d of each a sample", len(predictions), len(targets), d)
	}
	for first := 0; first < len(targets); first += d {
		r.add(predictions[first:first+d], targets[first:first+d])
	}
	return nil
}

// AddConstant counts one prediction [columns] for each row of targets [n, columns], as a baseline makes it.
func (r *Regression) AddConstant(prediction, targets []float32) error {
	d := len(r.columns)
	if len(prediction) != d || len(targets)%d != 0 {
		return fmt.Errorf("metric: %d predictions for %d targets, want %d a sample", len(prediction), len(targets), d)
	}
	for first := 0; first < len(targets); first += d {
		r.add(prediction, targets[first:first+d])
	}
	return nil
}

func (r *Regression) add(predictions, targets []float32) {
	r.samples++
	n := float64(r.samples)
	valid, sum := true, 0.0
	for k := range r.columns {
		p, t := float64(predictions[k]), float64(targets[k])
		e := p - t
		valid = valid && !math.IsNaN(e) && !math.IsInf(e, 0)
		r.abs += math.Abs(e)
		r.sq += e * e
		sum += e * e
		r.maxError = math.Max(r.maxError, math.Abs(e))
		c := &r.columns[k]
		dp, dt := p-c.meanP, t-c.meanT
		c.meanP += dp / n
		c.meanT += dt / n
		c.varP += dp * (p - c.meanP)
		c.varT += dt * (t - c.meanT)
		c.both += dp * (t - c.meanT)
		c.residual += e * e
	}
	if !valid {
		r.invalid++
	}
	r.keep(Pair{predictions[0], targets[0]})
	r.worst.offer(sum/float64(len(targets)), func() Case {
		return Case{Sample: r.samples - 1, Confidence: Undefined(), Target: head(targets), Output: head(predictions)}
	})
}

// keep takes the pair of the last sample in, if it is its turn.
func (r *Regression) keep(p Pair) {
	if r.limit < 1 || (r.samples-1)%r.stride != 0 {
		return
	}
	if len(r.pairs) == r.limit {
		half := r.pairs[:0]
		for i := 0; i < len(r.pairs); i += 2 {
			half = append(half, r.pairs[i])
		}
		r.pairs, r.stride = half, 2*r.stride
		if (r.samples-1)%r.stride != 0 || len(half) == r.limit {
			return
		}
	}
	r.pairs = append(r.pairs, p)
}

// A RegressionResult is what a Regression has found.
type RegressionResult struct {
	Samples  int64 `json:"samples"`
	Invalid  int64 `json:"invalid,omitempty"` // samples with an error that is not finite: figures that they enter are undefined
	MAE      Value `json:"mae"`               // mean absolute error, over samples and columns
	MSE      Value `json:"mse"`               // mean squared error, likewise
	RMSE     Value `json:"rmse"`              // its root
	MaxError Value `json:"max_error"`
	// R2 is the coefficient of determination, the mean over columns. A constant target gives 1 where it is met and 0 where not;
	// fewer than two samples give none.
	R2 Value `json:"r2"`
	// Pearson is the correlation of predictions and targets, the mean over the columns in which both vary.
	Pearson Value  `json:"pearson_r"`
	Worst   []Case `json:"worst,omitempty"`
	Pairs   []Pair `json:"-"` // of the first column
}

// Result sums up what has been added so far.
func (r *Regression) Result() *RegressionResult {
	cells := r.samples * int64(len(r.columns))
	mse := mean(r.sq, cells)
	out := &RegressionResult{
		Samples: r.samples, Invalid: r.invalid, MAE: mean(r.abs, cells), MSE: mse, RMSE: Value(math.Sqrt(float64(mse))),
		MaxError: Value(r.maxError), R2: Undefined(), Pearson: Undefined(), Worst: r.worst.list(), Pairs: slices.Clone(r.pairs),
	}
	if r.samples == 0 {
		out.MaxError = Undefined()
	}
	if r.samples < 2 || r.invalid > 0 {
		return out
	}
	var determined, correlated []Value
	for _, c := range r.columns {
		determined = append(determined, c.r2())
		correlated = append(correlated, c.pearson())
	}
	out.R2, out.Pearson = meanDefined(determined), meanDefined(correlated)
	return out
}

func (c pair) r2() Value {
	switch {
	case c.residual == 0:
		return 1
	case c.varT == 0:
		return 0
	}
	return Value(1 - c.residual/c.varT)
}

func (c pair) pearson() Value {
	if c.varP <= 0 || c.varT <= 0 {
		return Undefined()
	}
	return Value(max(-1, min(1, c.both/(math.Sqrt(c.varP)*math.Sqrt(c.varT)))))
}

// Map returns the figures that are defined by name.
func (r *RegressionResult) Map() map[string]float64 {
	return defined(map[string]Value{
		MAE: r.MAE, MSE: r.MSE, RMSE: r.RMSE, MaxError: r.MaxError, R2: r.R2, Pearson: r.Pearson,
	})
}
