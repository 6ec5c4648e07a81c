package metric

// maxConfusion is the most classes that a confusion matrix is kept for.
const maxConfusion = 1024

// Counts holds what was predicted for each class, enough for precision, recall and what follows from them.
type Counts struct {
	Hits      []int64 // by class: predicted, and so it was
	Predicted []int64 // by class: predicted
	Support   []int64 // by class: samples that are of the class
}

// NewCounts returns zero counts for n classes.
func NewCounts(n int) *Counts {
	return &Counts{Hits: make([]int64, n), Predicted: make([]int64, n), Support: make([]int64, n)}
}

// A ClassScore describes one class.
type ClassScore struct {
	Precision        Value `json:"precision"` // hits among what was predicted; 0 where nothing was
	Recall           Value `json:"recall"`    // hits among the samples of the class; 0 where there are none
	F1               Value `json:"f1"`        // the harmonic mean of both
	AUC              Value `json:"roc_auc"`   // of this class against the rest
	AveragePrecision Value `json:"average_precision"`
	Support          int64 `json:"support"`
	Predicted        int64 `json:"predicted"`
}

// An Average sums classes up.
type Average struct {
	Precision Value `json:"precision"`
	Recall    Value `json:"recall"`
	F1        Value `json:"f1"`
}

// Class returns precision, recall and F1 of class k; the ranking figures are undefined.
func (c *Counts) Class(k int) ClassScore {
	hits, predicted, support := float64(c.Hits[k]), float64(c.Predicted[k]), float64(c.Support[k])
	return ClassScore{
		Precision: ratio(hits, predicted), Recall: ratio(hits, support), F1: ratio(2*hits, predicted+support),
		AUC: Undefined(), AveragePrecision: Undefined(),
		Support: c.Support[k], Predicted: c.Predicted[k],
	}
}

// occurs reports whether a sample is of class k or was predicted to be.
func (c *Counts) occurs(k int) bool { return c.Support[k]+c.Predicted[k] > 0 }

// Macro averages over classes, each counting the same. Classes that occur neither as truth nor as prediction are left out
// unless all is set.
func (c *Counts) Macro(all bool) Average {
	return c.average(func(k int) float64 {
		if all || c.occurs(k) {
			return 1
		}
		return 0
	})
}

// Weighted averages over classes by their support.
func (c *Counts) Weighted() Average {
	return c.average(func(k int) float64 { return float64(c.Support[k]) })
}

func (c *Counts) average(weight func(k int) float64) Average {
	var sum, precision, recall, f1 float64
	for k := range c.Hits {
		s, w := c.Class(k), weight(k)
		sum += w
		precision += w * float64(s.Precision)
		recall += w * float64(s.Recall)
		f1 += w * float64(s.F1)
	}
	if sum == 0 {
		return Average{Undefined(), Undefined(), Undefined()}
	}
	return Average{Value(precision / sum), Value(recall / sum), Value(f1 / sum)}
}

// Micro pools the counts of all classes.
func (c *Counts) Micro() Average {
	pool := NewCounts(1)
	for k := range c.Hits {
		pool.Hits[0] += c.Hits[k]
		pool.Predicted[0] += c.Predicted[k]
		pool.Support[0] += c.Support[k]
	}
	return pool.Macro(false)
}

// BalancedAccuracy is the mean recall of the classes that have samples.
func (c *Counts) BalancedAccuracy() Value {
	var list []Value
	for k := range c.Support {
		if c.Support[k] > 0 {
			list = append(list, c.Class(k).Recall)
		}
	}
	return meanDefined(list)
}
