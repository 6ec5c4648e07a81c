package metric

import "math"

// DefaultBins is the number of reliability bins that Guo et al. use.
const DefaultBins = 15

// A Bin is one bar of a reliability diagram: the predictions whose confidence is above Lower and at most Upper.
type Bin struct {
	Lower      Value `json:"lower"`
	Upper      Value `json:"upper"`
	Count      int64 `json:"count"`
	Confidence Value `json:"confidence"` // mean; undefined in an empty bin
	Accuracy   Value `json:"accuracy"`   // share that was right; undefined in an empty bin
}

// Calibration compares the confidence of predictions with how often they are right, in bins of equal width over 0..1
// (Guo et al., "On Calibration of Modern Neural Networks", 2017). The zero value has DefaultBins bins.
type Calibration struct {
	bins    []tally
	invalid bool
}

type tally struct {
	count, right int64
	confidence   float64
}

// NewCalibration returns an accumulator of n bins, DefaultBins where n is not positive.
func NewCalibration(n int) *Calibration {
	if n <= 0 {
		n = DefaultBins
	}
	return &Calibration{bins: make([]tally, n)}
}

// Add counts a prediction: the probability that was given to it, and whether it was right. NaN makes the error undefined.
func (c *Calibration) Add(confidence float64, right bool) {
	if len(c.bins) == 0 {
		c.bins = make([]tally, DefaultBins)
	}
	if math.IsNaN(confidence) {
		c.invalid = true
		return
	}
	n := len(c.bins)
	b := &c.bins[max(0, min(n-1, int(math.Ceil(confidence*float64(n)))-1))]
	b.count++
	b.confidence += confidence
	if right {
		b.right++
	}
}

// Error is the expected calibration error: the distance of accuracy and mean confidence of a bin, averaged over predictions.
func (c *Calibration) Error() Value {
	sum, n := 0.0, int64(0)
	for _, b := range c.bins {
		sum += math.Abs(float64(b.right) - b.confidence)
		n += b.count
	}
	if c.invalid {
		return Undefined()
	}
	return mean(sum, n)
}

// Bins returns the reliability diagram, from low to high confidence.
func (c *Calibration) Bins() []Bin {
	list := make([]Bin, len(c.bins))
	width := 1 / float64(max(len(c.bins), 1))
	for i, b := range c.bins {
		list[i] = Bin{
			Lower: Value(float64(i) * width), Upper: Value(float64(i+1) * width), Count: b.count,
			Confidence: mean(b.confidence, b.count), Accuracy: mean(float64(b.right), b.count),
		}
	}
	return list
}
