package finetune

import (
	"context"
	"errors"
	"math"
)

// FitBatch trains on one batch, the same in every step, for o.Steps steps. With o.TryRates it starts again with a quarter
// of the learning rate, up to a dozen times, when the loss of the last quarter of the steps is not below that of the first
// quarter. Private training draws no samples then: all are in each step. Of the other options those about steps, checkpoints
// and events count. Fitted.Losses has the loss of each step.
func (t *Trainer) FitBatch(ctx context.Context, b Batch, o FitOptions) (*Fitted, error) {
	if b.features == nil {
		if err := t.Freeze(ctx, &b); err != nil {
			return nil, err
		}
	}
	o.Validation = nil
	f := &fitter{Trainer: t, o: o, single: &b, total: max(1, o.Steps), perEpoch: max(1, o.Steps), runBatch: 1, parts: 1}
	if err := f.preparePrivacy(); err != nil {
		return nil, err
	}
	if err := f.identify(); err != nil {
		return nil, err
	}
	f.state.Rate = t.rate
	f.keepKey()
	initial := t.snapshot()
	if o.Resume && o.Dir != "" {
		if _, err := f.load(); err != nil {
			return nil, err
		}
	}
	for {
		again, err := f.descend(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil, errors.Join(ctx.Err(), f.save())
			}
			return nil, err
		}
		if !again {
			break
		}
		t.restore(initial)
		f.state = fitState{Rate: f.state.Rate / 4, Restarts: f.state.Restarts + 1}
		t.rate = f.state.Rate
	}
	spent, err := f.spent()
	return &Fitted{Losses: f.state.Losses, Steps: f.state.Step, Skipped: f.skipped, Rate: f.state.Rate, Privacy: spent, Reason: "finished"}, err
}

// maxRestarts bounds how often FitBatch starts again.
const maxRestarts = 12

// descend takes the steps that are left and reports whether to start again with a smaller rate.
func (f *fitter) descend(ctx context.Context) (again bool, err error) {
	for f.state.Step < f.total {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		r, err := f.step(ctx, f.rateAt(f.state.Step, f.total), []Batch{*f.single})
		if err != nil {
			return false, err
		}
		f.state.Step++
		f.state.Losses = append(f.state.Losses, r.Loss)
		if f.o.TryRates && f.state.Restarts < maxRestarts && f.lost() {
			return true, nil
		}
		if err := f.event(StepEvent{f.state.Step, 1, f.total, r}); err != nil {
			return false, err
		}
		if f.o.Every > 0 && f.state.Step%f.o.Every == 0 || f.state.Step == f.total {
			if err := f.save(); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// lost reports whether the rate is too large: some steps have multiplied the loss, or all are done and it has not fallen.
func (f *fitter) lost() bool {
	const burst = 3
	list := f.state.Losses
	first, now := list[0], list[len(list)-1]
	if math.IsNaN(now) || math.IsInf(now, 0) || len(list) > 3 && now > burst*first && first > 0 {
		return true
	}
	if len(list) < f.total || f.total < 2 {
		return false
	}
	quarter := max(1, f.total/4)
	return !(mean(list[len(list)-quarter:]) < mean(list[:quarter]))
}

func mean(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return sum / float64(len(list))
}
