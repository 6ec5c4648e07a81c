package finetune

import (
	"context"
	"errors"

	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/tensor"
)

// A StepResult is what one step did.
type StepResult struct {
	Loss float64
	Norm float64 // of all gradients together, before clipping
	Rate float64

	// Skipped says that some gradient was not finite, and nothing was changed. To meet Spec.Memory, weights may have to move
	// before all gradients are there: those that did so before that gradient came stay where they are, and no other moves.
	Skipped bool
}

// Freeze runs the frozen part of the model on a batch and keeps the results in it, for steps that take the batch again.
func (t *Trainer) Freeze(ctx context.Context, b *Batch) error {
	p, err := t.programOf(b, t.training())
	if err != nil {
		return err
	}
	find, err := t.features(ctx, p, b)
	if err != nil {
		return err
	}
	kept := map[string]*tensor.Tensor{}
	for _, f := range p.frontier {
		kept[f.name] = find(f.name).Clone()
	}
	b.features = kept
	_, err = p.compiled()
	return err
}

// features returns the values on the frontier of p, from the batch or by running the prefix. The function is valid until
// the next call.
func (t *Trainer) features(ctx context.Context, p *program, b *Batch) (func(string) *tensor.Tensor, error) {
	if t.find == nil {
		t.find = func(name string) *tensor.Tensor { return t.given[name] }
	}
	if b.features != nil {
		t.given = b.features
		return t.find, nil
	}
	t.given = b.Inputs
	return p.features(ctx, t.threads, t.find)
}

// Step computes the gradients of the batches' mean loss and moves the weights.
func (t *Trainer) Step(ctx context.Context, batches ...Batch) (StepResult, error) {
	return t.step(ctx, t.rateAt(t.steps, t.spec.Total), batches)
}

// rateAt returns the learning rate of a step, counted from 0.
func (t *Trainer) rateAt(step, total int) float64 {
	if t.spec.Schedule == nil {
		return t.rate
	}
	return t.rate * t.spec.Schedule.Factor(step, total)
}

func (t *Trainer) step(ctx context.Context, rate float64, batches []Batch) (StepResult, error) {
	if len(batches) == 0 {
		return StepResult{}, errors.New("finetune: a step of no batches")
	}
	if t.private != nil {
		return t.privateStep(ctx, rate, batches)
	}
	defer t.release()
	r := StepResult{Rate: rate}
	if len(batches) > 1 {
		t.keepStatistics()
	}
	for i := range batches {
		share := shareOf(batches, i)
		loss, err := t.backward(ctx, &batches[i], i, share, rate)
		if err != nil {
			if len(batches) > 1 {
				t.resetStatistics()
			}
			return r, err
		}
		if share == 1 {
			r.Loss = loss
		} else {
			r.Loss += loss * float64(share)
		}
	}
	if p := t.recent[t.stepPurpose(len(batches) > 1)]; len(batches) == 1 && p.suffix.taken != nil {
		t.taker.finish(&r)
	} else {
		t.update(&r, 1)
	}
	if len(batches) > 1 && t.b.limit > 0 {
		t.discardSums()
	}
	return r, nil
}

// discardSums gives the memory of the sums of gradients back to the system, up to the next step.
func (t *Trainer) discardSums() {
	for _, p := range t.params {
		p.sum = gradient{}
		mem.Discard(p.parts.all)
	}
}

// keepStatistics copies the running statistics, which the batches of a step move one after the other.
func (t *Trainer) keepStatistics() {
	for _, p := range t.stats {
		p.before = append(p.before[:0], tensor.Of[float32](p.W)...)
	}
}

// resetStatistics puts back what keepStatistics copied.
func (t *Trainer) resetStatistics() {
	for _, p := range t.stats {
		copy(tensor.Of[float32](p.W), p.before)
	}
}

// shareOf is the share of batch i in the mean loss of a step: by its rows, where the batches are parts of one.
func shareOf(batches []Batch, i int) float32 {
	total := 0
	for _, b := range batches {
		if b.size == 0 {
			return 1 / float32(len(batches))
		}
		total += b.size
	}
	return float32(batches[i].size) / float32(total)
}

// backward runs batch i of a step and adds its share of the gradients to the sums.
func (t *Trainer) backward(ctx context.Context, b *Batch, i int, share float32, rate float64) (float64, error) {
	p, err := t.programOf(b, t.stepPurpose(share != 1))
	if err != nil {
		return 0, err
	}
	features, err := t.features(ctx, p, b)
	if err != nil {
		return 0, err
	}
	named, err := t.targetsOf(b.Targets)
	if err != nil {
		return 0, err
	}
	t.part = i
	if t.taker != nil {
		t.taker.start(i, share, rate)
	}
	suffix, err := p.compiled()
	if err != nil {
		return 0, err
	}
	if suffix.taken != nil && share == 1 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		ctx = context.Background() // a step that moves weights while it runs is not interrupted
	}
	if err := t.run(ctx, p, features, named); err != nil {
		return 0, err
	}
	for k, w := range t.params {
		if p.suffix.taken == nil || !p.suffix.taken[k] {
			w.gather(p.gradientOf(k, w), share, i == 0)
		}
	}
	for k := range t.b.stats {
		stat := t.stats[len(t.b.held)+k]
		copy(tensor.Of[float32](stat.W), tensor.Of[float32](p.suffix.output(statPrefix+stat.Name)))
	}
	loss := float64(tensor.Of[float32](p.suffix.outs[0])[0])
	if share != 1 { // nothing is left to read
		p.suffix.prog.Release()
	}
	return loss, nil
}
