package finetune_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/tensor"
)

// tallied counts how often samples are read, targets alone not.
type tallied struct {
	rows
	read *atomic.Int64
}

func (c tallied) Sample(i int) (finetune.Sample, error) {
	c.read.Add(1)
	return c.rows.Sample(i)
}

// Targets implements finetune.Targeted.
func (c tallied) Targets(i int) ([]*tensor.Tensor, error) {
	s, err := c.rows.Sample(i)
	return s.Targets, err
}

// TestFrozenPartRunsInSteps wants the first step before most samples are read, each to be read once, and what an interrupted run has
// computed to be found by the next one, which gives the model of a run that was not interrupted.
func TestFrozenPartRunsInSteps(t *testing.T) {
	const n, batch = 203, 10
	m := frozenFront(t)
	train := func(ctx context.Context, o finetune.FitOptions) (made []byte, early, all int64, r *finetune.Fitted, err error) {
		data := tallied{rows(n), new(atomic.Int64)}
		tr := newTrainer(t, m, mse(finetune.Spec{Optimizer: finetune.Adam{}, Rate: 0.01, Threads: 2, Seed: 5}))
		event := o.Event
		o.Epochs, o.Batch = 2, batch
		o.Event = func(e finetune.Event) error {
			if s, ok := e.(finetune.StepEvent); ok && s.Step == 1 {
				early = data.read.Load()
			}
			if event != nil {
				return event(e)
			}
			return nil
		}
		r, err = tr.Fit(ctx, data, o)
		if err == nil {
			made = written(t, tr)
		}
		return made, early, data.read.Load(), r, err
	}
	want, early, all, r, err := train(context.Background(), finetune.FitOptions{})
	if err != nil || early > 5*16 || all > n+1 || r.FrozenRuns != 13 {
		t.Errorf("%d samples were read before the first step, %d in all, %d blocks ran: %v", early, all, r.FrozenRuns, err)
	}
	o := finetune.FitOptions{Dir: t.TempDir(), Cache: finetune.CacheOptions{Dir: t.TempDir()}}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.Event = func(e finetune.Event) error {
		if s, ok := e.(finetune.StepEvent); ok && s.Step == 7 {
			cancel()
		}
		return nil
	}
	if _, _, _, _, err := train(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want that of the context", err)
	}
	o.Event, o.Resume = nil, true
	got, _, _, r, err := train(context.Background(), o)
	if err != nil || !bytes.Equal(got, want) || r.FrozenRuns > 13-4 {
		t.Errorf("resumed: %d blocks ran, the same model: %v, %v", r.FrozenRuns, bytes.Equal(got, want), err)
	}
}
