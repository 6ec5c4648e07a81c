package metric

import "fmt"

// A ClassPrior predicts without looking at the input: the probability of a class is its share of the labels seen, so the
// largest class is predicted. It is the baseline of classifications (scikit-learn's DummyClassifier, strategy "prior").
type ClassPrior struct {
	counts []int64
	total  int64
}

// NewClassPrior returns an empty prior over n classes.
func NewClassPrior(n int) (*ClassPrior, error) {
	if n < 1 {
		return nil, fmt.Errorf("metric: %d classes, want at least 1", n)
	}
	return &ClassPrior{counts: make([]int64, n)}, nil
}

// Add counts labels. Those that are no class, such as an ignore_index, are left out.
func (b *ClassPrior) Add(labels []int64) {
	for _, l := range labels {
		if l >= 0 && l < int64(len(b.counts)) {
			b.counts[l]++
			b.total++
		}
	}
}

// Counts returns how many labels of each class there were.
func (b *ClassPrior) Counts() []int64 { return append([]int64(nil), b.counts...) }

// Majority returns the class with the most labels, the first of equals.
func (b *ClassPrior) Majority() int {
	best := 0
	for k, n := range b.counts {
		if n > b.counts[best] {
			best = k
		}
	}
	return best
}

// Probabilities returns the share of each class; without any label, the same for all.
func (b *ClassPrior) Probabilities() []float32 {
	p := make([]float32, len(b.counts))
	for k, n := range b.counts {
		if b.total == 0 {
			p[k] = 1 / float32(len(p))
		} else {
			p[k] = float32(float64(n) / float64(b.total))
		}
	}
	return p
}

// A MeanPredictor predicts the mean of the targets seen. It is the baseline of regressions, and of multi-label tasks, where
// the mean of a label is the probability that it holds.
type MeanPredictor struct {
	sums    []float64
	samples int64
}

// NewMeanPredictor returns an empty predictor of n numbers per sample.
func NewMeanPredictor(n int) (*MeanPredictor, error) {
	if n < 1 {
		return nil, fmt.Errorf("metric: %d numbers per sample, want at least 1", n)
	}
	return &MeanPredictor{sums: make([]float64, n)}, nil
}

// Add takes targets [n, columns] in.
func (b *MeanPredictor) Add(targets []float32) error {
	if len(targets)%len(b.sums) != 0 {
		return fmt.Errorf("metric: %d targets, want %d a sample", len(targets), len(b.sums))
	}
	for i, t := range targets {
		b.sums[i%len(b.sums)] += float64(t)
	}
	b.samples += int64(len(targets) / len(b.sums))
	return nil
}

// Mean returns the prediction; without any target, zeros.
func (b *MeanPredictor) Mean() []float32 {
	m := make([]float32, len(b.sums))
	for k, s := range b.sums {
		m[k] = float32(s / float64(max(b.samples, 1)))
	}
	return m
}
