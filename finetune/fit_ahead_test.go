package finetune_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/tensor"
)

// failing is a dataset of which one sample cannot be read after the first n times that any is.
type failing struct {
	finetune.Dataset
	reads chan struct{}
}

var errUnreadable = errors.New("sample 7 of somewhere is unreadable")

func (f failing) Sample(i int) (finetune.Sample, error) {
	select {
	case f.reads <- struct{}{}:
		return f.Dataset.Sample(i)
	default:
		return finetune.Sample{}, errUnreadable
	}
}

// aheadTrainer trains all layers, so that steps read the samples themselves.
func aheadTrainer(t *testing.T, threads int) *finetune.Trainer {
	return newTrainer(t, deep(t), mse(finetune.Spec{Optimizer: finetune.Adam{}, Rate: 0.01, Threads: threads, Seed: 5, Train: "all"}))
}

// uncached reads each sample in each step.
var uncached = finetune.FitOptions{Epochs: 3, Batch: 10, Cache: finetune.CacheOptions{Off: true}}

// TestReadAhead trains to the same bits whether the samples are kept, read in the step, or read ahead of it; with batches in parts too.
func TestReadAhead(t *testing.T) {
	for _, parts := range []int{1, 3} {
		var want []byte
		for _, threads := range []int{1, 2} {
			for _, off := range []bool{false, true} {
				o := uncached
				o.Accumulate, o.Cache.Off = parts, off
				tr := aheadTrainer(t, threads)
				fitted(t, tr, rows(37), o)
				if got := written(t, tr); want == nil {
					want = got
				} else if !bytes.Equal(got, want) {
					t.Errorf("%d parts, %d threads, cache off %v: another model", parts, threads, off)
				}
			}
		}
	}
}

// TestReadAheadResumes stops in the middle of an epoch: the checkpoint counts the steps that were taken, not those read.
func TestReadAheadResumes(t *testing.T) {
	whole := aheadTrainer(t, 2)
	fitted(t, whole, rows(37), uncached)
	o := uncached
	o.Dir = t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.Event = func(e finetune.Event) error {
		if s, ok := e.(finetune.StepEvent); ok && s.Step == 6 {
			cancel()
		}
		return nil
	}
	if _, err := aheadTrainer(t, 2).Fit(ctx, rows(37), o); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want that of the context", err)
	}
	from := 0
	o.Event, o.Resume, o.Begin = nil, true, func(step, _, _ int) { from = step }
	tr := aheadTrainer(t, 2)
	fitted(t, tr, rows(37), o)
	if from != 6 || !bytes.Equal(written(t, tr), written(t, whole)) {
		t.Errorf("went on from step %d, want 6, or came to another model", from)
	}
}

// TestReadAheadEnds wants the dataset's error, and no goroutine left behind.
func TestReadAheadEnds(t *testing.T) {
	tr := aheadTrainer(t, 2)
	before := runtime.NumGoroutine()
	for range 5 {
		ds := failing{rows(37), make(chan struct{}, 70)}
		if _, err := tr.Fit(context.Background(), ds, uncached); !errors.Is(err, errUnreadable) {
			t.Fatalf("error %v, want that of the sample", err)
		}
	}
	for range 100 {
		if runtime.NumGoroutine() < before+5 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// counted counts the samples that are read for their inputs.
type counted struct {
	finetune.Dataset
	reads *atomic.Int64
}

func (c counted) Sample(i int) (finetune.Sample, error) {
	c.reads.Add(1)
	return c.Dataset.Sample(i)
}

func (c counted) Targets(i int) ([]*tensor.Tensor, error) {
	s, err := c.Dataset.Sample(i)
	return s.Targets, err
}

// TestFirstBatch wants training to begin when the first batches are read, and each sample to be read once if it is kept.
func TestFirstBatch(t *testing.T) {
	const samples, batch = 100, 10
	for _, budget := range []int64{0, 1} { // all, none
		var reads atomic.Int64
		first := int64(-1)
		o := finetune.FitOptions{Epochs: 3, Batch: batch, Cache: finetune.CacheOptions{Budget: budget}}
		o.Event = func(e finetune.Event) error {
			if s, ok := e.(finetune.StepEvent); ok && s.Step == 1 {
				first = reads.Load()
			}
			return nil
		}
		fitted(t, aheadTrainer(t, 2), counted{rows(samples), &reads}, o)
		if first < batch || first > 4*batch {
			t.Errorf("budget %d: %d samples were read when the first step was done, want those of the batches before and behind it", budget, first)
		}
		most := int64(samples + 1) // the first one is read for its shapes, too
		if budget == 1 {
			most = 3*samples + 1
		}
		if reads.Load() != most {
			t.Errorf("budget %d: %d samples were read, want %d", budget, reads.Load(), most)
		}
	}
}
