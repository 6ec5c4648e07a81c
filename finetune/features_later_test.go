package finetune_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/privacy"
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

// TestFrozenPartWaits wants the frozen part to run in the steps that need it, once for each sample, whatever else is asked for, and
// the model that comes of running it in each step.
func TestFrozenPartWaits(t *testing.T) {
	const n = 203
	m := frozenFront(t)
	for name, c := range map[string]struct {
		dp *finetune.DP
		o  finetune.FitOptions
	}{
		"rates":                {nil, finetune.FitOptions{TryRates: true}},
		"range of rates":       {nil, finetune.FitOptions{FindRate: true}},
		"validation and files": {nil, finetune.FitOptions{Validation: shifted{21}, Cache: finetune.CacheOptions{Dir: t.TempDir()}}},
		"private":              {&finetune.DP{Noise: 1, Delta: 1e-3, Key: make([]byte, privacy.KeySize)}, finetune.FitOptions{}},
	} {
		train := func(o finetune.FitOptions) (made []byte, early, all int64, r *finetune.Fitted) {
			data := tallied{rows(n), new(atomic.Int64)}
			tr := newTrainer(t, m, mse(finetune.Spec{Optimizer: finetune.Adam{}, Rate: 0.01, Threads: 2, Seed: 5, Privacy: c.dp}))
			o.Epochs, o.Batch = 2, 10
			o.Event = func(e finetune.Event) error {
				if s, ok := e.(finetune.StepEvent); ok && s.Step == 1 {
					early = data.read.Load()
				}
				return nil
			}
			r = fitted(t, tr, data, o)
			return written(t, tr), early, data.read.Load(), r
		}
		o := c.o
		o.Cache = finetune.CacheOptions{Off: true}
		want, _, _, _ := train(o)
		got, early, all, r := train(c.o)
		most := int64(n + 1)
		if c.o.Cache.Dir != "" {
			most += n // each is read for its key, too
		} else if !c.o.FindRate && early > 5*16 {
			t.Errorf("%s: %d samples were read before the first step", name, early)
		}
		if !bytes.Equal(got, want) || all > most || r.FrozenRuns == 0 {
			t.Errorf("%s: %d samples were read, want at most %d, or it came to another model", name, all, most)
		}
		if c.o.Cache.Dir == "" {
			continue
		}
		if again, _, _, r := train(c.o); !bytes.Equal(again, want) || r.FrozenRuns > 0 {
			t.Errorf("%s: the frozen part ran %d times in the second run, or it came to another model", name, r.FrozenRuns)
		}
	}
}
