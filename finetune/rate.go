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

// TryRates chooses the learning rate: the optimizer's default, or the first of a third, a ninth and so on of it with which a
// few steps on the given batches lower their loss, measured without dropout. The trainer is left as it was, but for the
// rate. If no rate lowers the loss, it stays.
func (t *Trainer) TryRates(ctx context.Context, steps int, batches ...Batch) (float64, error) {
	before, err := t.lossOf(ctx, batches)
	if err != nil {
		return 0, err
	}
	start := t.snapshot()
	defer func() { t.restore(start) }()
	rate := t.rate
	for range maxRates {
		after, err := t.tryRate(ctx, rate, steps, batches)
		if err != nil {
			return 0, err
		}
		if after < before {
			t.rate = rate
			break
		}
		t.restore(start)
		rate /= 3
	}
	return t.rate, nil
}

// FindRate chooses the learning rate by a range test: a Finder lets it grow over steps on the batches that fetch gives, by
// step from 0, and the rate at which the loss falls fastest is taken. The trainer is left as it was, but for the rate.
func (t *Trainer) FindRate(ctx context.Context, fetch func(step int) ([]Batch, error)) (Choice, error) {
	start := t.snapshot()
	defer t.restore(start)
	f := &Finder{}
	for rate, more := f.Rate(); more; rate, more = f.Rate() {
		batches, err := fetch(len(f.Rates))
		if err != nil {
			return Choice{}, err
		}
		r, err := t.step(ctx, rate, batches)
		if err != nil {
			return Choice{}, err
		}
		f.Observe(r.Loss)
	}
	choice, err := f.Choose()
	if err == nil {
		t.rate = choice.Steepest
	}
	return choice, err
}

// maxRates bounds how many rates are tried.
const maxRates = 12

// tryRate takes some steps and returns the loss of the batches after them, NaN if a step had to be skipped.
func (t *Trainer) tryRate(ctx context.Context, rate float64, steps int, batches []Batch) (float64, error) {
	for range steps {
		r, err := t.step(ctx, rate, batches)
		if err != nil {
			return 0, err
		}
		if r.Skipped {
			return math.NaN(), nil
		}
	}
	return t.lossOf(ctx, batches)
}

// lossOf is the mean loss of batches as the model runs when it does not train.
func (t *Trainer) lossOf(ctx context.Context, batches []Batch) (float64, error) {
	sum := 0.0
	for _, b := range batches {
		p, err := t.programOf(&b, forEvaluation)
		if err != nil {
			return 0, err
		}
		features, err := t.features(ctx, p, &b)
		if err != nil {
			return 0, err
		}
		named, err := t.targetsOf(b.Targets)
		if err != nil {
			return 0, err
		}
		if err := t.run(ctx, p, features, named); err != nil {
			return 0, err
		}
		sum += float64(tensor.Of[float32](p.suffix.outs[0])[0])
	}
	return sum / float64(len(batches)), nil
}
