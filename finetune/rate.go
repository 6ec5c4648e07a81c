package finetune

import (
	"context"
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/tensor"
)

// A snapshot is the state of a trainer that steps change.
type snapshot struct {
	w     [][]float32
	mean  [][]float32 // averages
	state [][][]float32
	steps int
	skips int
}

func (t *Trainer) snapshot() snapshot {
	s := snapshot{steps: t.steps, skips: t.skipped}
	for _, p := range slices.Concat(t.params, t.stats) {
		s.w = append(s.w, slices.Clone(tensor.Of[float32](p.W)))
		s.mean = append(s.mean, slices.Clone(p.average))
		var state [][]float32
		for _, slot := range p.state {
			state = append(state, slices.Clone(slot))
		}
		s.state = append(s.state, state)
	}
	return s
}

func (t *Trainer) restore(s snapshot) {
	t.steps, t.skipped = s.steps, s.skips
	for i, p := range slices.Concat(t.params, t.stats) {
		copy(tensor.Of[float32](p.W), s.w[i])
		p.average = slices.Clone(s.mean[i])
		for k, slot := range p.state {
			copy(slot, s.state[i][k])
		}
	}
}

// trialSteps is the number of steps that a rate is tried for.
const trialSteps = 4

// TryRates chooses the learning rate: from the optimizer's default, and while that fails from a third of the one before,
// it takes the first with which a few steps on the given batches lower their loss without raising it much in between. The
// trainer is left as it was, but for the rate. If no rate lowers the loss, the smallest tried is taken.
func (t *Trainer) TryRates(ctx context.Context, steps int, batches ...Batch) (float64, error) {
	start := t.snapshot()
	defer t.restore(start)
	rate := t.spec.Rate
	for range 14 {
		good, err := t.tryRate(ctx, rate, steps, batches)
		if err != nil {
			return 0, err
		}
		if good {
			break
		}
		t.restore(start)
		rate /= 3
	}
	t.spec.Rate = rate
	return rate, nil
}

func (t *Trainer) tryRate(ctx context.Context, rate float64, steps int, batches []Batch) (bool, error) {
	const slack = 1.1
	var first, last float64
	for i := range steps + 1 {
		r, err := t.step(ctx, rate, batches)
		if err != nil {
			return false, err
		}
		if i == 0 {
			first = r.Loss
		}
		last = r.Loss
		if r.Skipped || math.IsNaN(last) || last > first*slack {
			return false, nil
		}
	}
	return last < first, nil
}
