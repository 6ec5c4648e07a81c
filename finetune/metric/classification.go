package metric

import (
	"fmt"
	"math"
	"slices"
)

// ClassificationOptions describe a task with one class per sample.
type ClassificationOptions struct {
	Columns int     // scores per sample: one for each class, or a single one that speaks for class 1 of two
	Scores  Kind    // what they are
	TopK    []int   // the k of top-k accuracies, beside the plain one
	Bins    int     // of the reliability diagram; 0 is DefaultBins
	Ignore  []int64 // labels that are not counted, such as the ignore_index of a loss
	Worst   int     // how many of the samples with the largest loss to keep
}

// Classification accumulates predictions of one class per sample. It keeps what its size in classes demands and, up to
// 2^23 of them, the scores.
type Classification struct {
	opt       ClassificationOptions
	classes   int
	rows      int64 // samples of whole batches, for messages
	samples   int64 // labels that count
	invalid   int64 // with NaN among their scores
	top       []int64
	counts    *Counts
	confusion [][]int64 // nil above maxConfusion classes
	logLoss   float64
	brier     float64
	calibrate *Calibration
	rank      rankings
	worst     worst
	p         []float64 // probabilities of the sample at hand, [classes]
	row       []float32 // its scores, where they are not contiguous
}

// NewClassification returns an empty accumulator.
func NewClassification(opt ClassificationOptions) (*Classification, error) {
	if opt.Columns < 1 {
		return nil, fmt.Errorf("metric: %d scores per sample, want at least 1", opt.Columns)
	}
	for _, k := range opt.TopK {
		if k < 1 {
			return nil, fmt.Errorf("metric: top-%d accuracy, want k of at least 1", k)
		}
	}
	opt.TopK, opt.Ignore = slices.Clone(opt.TopK), slices.Clone(opt.Ignore)
	n := max(2, opt.Columns)
	c := &Classification{
		opt: opt, classes: n, top: make([]int64, len(opt.TopK)), counts: NewCounts(n),
		calibrate: NewCalibration(opt.Bins), p: make([]float64, n), row: make([]float32, opt.Columns),
	}
	c.worst.limit = opt.Worst
	c.rank.columns = n
	if n == 2 {
		c.rank.columns = 1
	}
	if n <= maxConfusion {
		c.confusion = make([][]int64, n)
		for k := range c.confusion {
			c.confusion[k] = make([]int64, n)
		}
	}
	return c, nil
}

// Add counts a batch: scores [n, columns] and labels [n]. A label that is no class is an error and ends the batch there.
func (c *Classification) Add(scores []float32, labels []int64) error {
	return c.AddPositions(scores, labels, 1)
}

// AddPositions counts a batch of dense predictions, such as segmentations: scores [n, columns, positions] and labels
// [n, positions].
func (c *Classification) AddPositions(scores []float32, labels []int64, positions int) error {
	columns := c.opt.Columns
	if positions < 1 || len(labels)%positions != 0 || len(scores) != len(labels)*columns {
		return fmt.Errorf("metric: %d scores for %d labels, want %d a label at %d positions", len(scores), len(labels), columns, positions)
	}
	for i, label := range labels {
		row := c.row
		if positions == 1 {
			row = scores[i*columns : (i+1)*columns]
		} else {
			first := i/positions*positions*columns + i%positions
			for k := range row {
				row[k] = scores[first+k*positions]
			}
		}
		if err := c.add(row, label, c.rows+int64(i/positions)); err != nil {
			return err
		}
	}
	c.rows += int64(len(labels) / positions)
	return nil
}

// AddConstant counts one prediction, scores [columns], for each of the labels, as a baseline makes it.
func (c *Classification) AddConstant(scores []float32, labels []int64) error {
	if len(scores) != c.opt.Columns {
		return fmt.Errorf("metric: %d scores, want %d", len(scores), c.opt.Columns)
	}
	for i, label := range labels {
		if err := c.add(scores, label, c.rows+int64(i)); err != nil {
			return err
		}
	}
	c.rows += int64(len(labels))
	return nil
}

func (c *Classification) add(x []float32, label, sample int64) error {
	if slices.Contains(c.opt.Ignore, label) {
		return nil
	}
	if label < 0 || label >= int64(c.classes) {
		return fmt.Errorf("metric: sample %d: label %d, want 0 to %d", sample, label, c.classes-1)
	}
	loss, err := c.probabilities(x, label, sample)
	if err != nil {
		return err
	}
	c.samples++
	c.logLoss += loss
	c.counts.Support[label]++
	guess := c.guess(x)
	c.rankColumns(x, label)
	confidence := c.score(label, guess)
	c.worst.offer(loss, func() Case {
		return Case{Sample: sample, Confidence: confidence, Truth: []int{int(label)}, Predicted: classes(guess)}
	})
	if guess < 0 {
		c.invalid++
		return nil
	}
	c.counts.Predicted[guess]++
	if guess == int(label) {
		c.counts.Hits[guess]++
	}
	if c.confusion != nil {
		c.confusion[label][guess]++
	}
	c.countTop(x, int(label), guess)
	return nil
}

// countTop counts the sample for each k that its class stands among the first k of.
func (c *Classification) countTop(x []float32, label, guess int) {
	rank := 0
	if len(x) > 1 {
		rank = rankOf(x, label)
	} else if guess != label {
		rank = 1
	}
	for i, k := range c.opt.TopK {
		if rank < k {
			c.top[i]++
		}
	}
}

// classes is the list of a predicted class, empty where none was.
func classes(guess int) []int {
	if guess < 0 {
		return nil
	}
	return []int{guess}
}

// probabilities fills c.p and returns the log loss of the label.
func (c *Classification) probabilities(x []float32, label, sample int64) (float64, error) {
	switch c.opt.Scores {
	case Margins:
		for k := range c.p {
			c.p[k] = math.NaN()
		}
		return math.NaN(), nil
	case Probabilities:
		for k, v := range x {
			p, err := checkProbability(v, sample, k)
			if err != nil {
				return 0, err
			}
			c.p[k] = p
		}
		if len(x) == 1 {
			c.p[0], c.p[1] = 1-c.p[0], c.p[0]
		}
		return -math.Log(math.Max(c.p[label], smallest)), nil
	}
	if len(x) > 1 {
		return softmax(c.p, x) - float64(x[label]), nil
	}
	z := float64(x[0])
	c.p[0], c.p[1] = Sigmoid(-z), Sigmoid(z)
	if label == 1 {
		z = -z
	}
	return softplus(z), nil
}

// guess returns the predicted class, -1 for scores with NaN.
func (c *Classification) guess(x []float32) int {
	if len(x) > 1 {
		return argMax(x)
	}
	threshold := float32(0)
	if c.opt.Scores == Probabilities {
		threshold = 0.5
	}
	switch {
	case x[0] != x[0]:
		return -1
	case x[0] > threshold:
		return 1
	}
	return 0
}

// rankColumns keeps what rankings need. Two classes are ranked once, by a margin that does not saturate as probabilities do.
func (c *Classification) rankColumns(x []float32, label int64) {
	switch {
	case len(x) == 1:
		c.rank.add(float64(x[0]), label == 1)
	case len(x) == 2 && c.opt.Scores != Probabilities:
		c.rank.add(float64(x[1])-float64(x[0]), label == 1)
	case len(x) == 2:
		c.rank.add(c.p[1], label == 1)
	default:
		for k, p := range c.p {
			if c.opt.Scores == Margins {
				p = float64(x[k])
			}
			c.rank.add(p, int(label) == k)
		}
	}
}

// score adds to the figures that judge probabilities, and returns that of the guess.
func (c *Classification) score(label int64, guess int) Value {
	sum, confidence := 0.0, math.NaN()
	for k, p := range c.p {
		if k == int(label) {
			p = 1 - p
		}
		sum += p * p
	}
	if c.classes == 2 {
		sum /= 2
	}
	c.brier += sum
	if guess >= 0 {
		confidence = c.p[guess]
	}
	c.calibrate.Add(confidence, guess == int(label))
	return Value(confidence)
}
