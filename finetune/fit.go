package finetune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/finetune/metric"
	"github.com/onnxrun/onnxrun/tensor"
)

// FitOptions say how long to train, on what, and where to keep what is needed to go on after an interruption.
type FitOptions struct {
	Validation Dataset // measured before the first and after each epoch; nil: none
	Epochs     int     // passes over the samples; 0: by Steps
	Steps      int     // the most steps; 0: by Epochs. Both 0: one epoch
	Batch      int     // samples of a step; 0: 32, or all if there are fewer
	Accumulate int     // parts that a batch is computed in; 0: as few as the model allows
	Views      int     // augmented views of each sample, if the dataset has them; 0: those it has
	Order      bool    // take the samples in their order instead of a new one in each epoch
	Cache      CacheOptions
	FindRate   bool // choose the learning rate by a range test: see Trainer.FindRate
	TryRates   bool // choose the learning rate on the first batch: see Trainer.TryRates

	Prior    *Prior       // what to measure besides: predictions from the targets alone; nil: not
	Meter    func() Meter // what to measure; nil: the loss alone
	Watch    string       // figure that tells the best epoch: "loss" or one of the meter's; "": "loss"
	Patience int          // epochs without a better one after which to stop; 0: never
	KeepLast bool         // end with the last weights instead of the best epoch's

	Dir    string // folder of checkpoints; "": none
	Every  int    // steps between checkpoints, beside those at the end of each epoch; 0: none
	Resume bool   // go on from the newest checkpoint of Dir, if there is one
	Config string // text that the checkpoint has to agree with

	Memory func(StepMemory)                // called with what a step takes before the first one; nil: nobody
	Begin  func(from, total, perEpoch int) // called with the numbers of steps before the first one; nil: nobody
	Event  func(Event) error               // called for each step and epoch; an error ends the training
}

// A Meter measures predictions: the value of each term and its target, batch by batch.
type Meter interface {
	Add(scores, targets []*tensor.Tensor) error
	Map() map[string]float64
}

// An Event is something that happened in training: a StepEvent or an EpochEvent.
type Event any

// A StepEvent tells of one step, counted from 1.
type StepEvent struct {
	Step, Epoch, Steps int
	StepResult
}

// An EpochEvent sums up an epoch, counted from 1. Epoch 0 is the state before training.
type EpochEvent struct {
	Step, Epoch int
	Loss        float64            // mean of the steps; NaN for epoch 0
	Validation  map[string]float64 // figures on the validation samples, "loss" among them; nil without any
	Best        bool
}

// A Fitted is what a training run came to.
type Fitted struct {
	Losses     []float64          // of the epochs
	Baseline   map[string]float64 // figures of the state before training
	Prior      map[string]float64 // and of predictions from the targets alone
	Validation map[string]float64 // of the weights that were kept
	BestEpoch  int                // 0: no epoch was better than the state before training
	Steps      int
	Skipped    int
	Rate       float64 // learning rate, before the schedule
	FrozenRuns int     // of the frozen part in this run: 0 if all its results were found in the cache
	Privacy    *Spent  // what private training cost; nil without Spec.Privacy
	CacheFull  error   // why not all results of the frozen part were kept in a file, nil if they were
	Reason     string  // why it ended: "finished", "early stop"
}

// fitter is one Fit.
type fitter struct {
	*Trainer
	o          FitOptions
	table, val *table
	single     *Batch // of FitBatch, in place of tables
	stepwise   bool   // steps are taken: results of the frozen part may be computed in the one that first needs them
	state      fitState
	total      int // steps
	perEpoch   int
	runBatch   int          // rows of one run of the suffix
	parts      int          // runs of one step
	buffers    []tableBatch // of private training
	set        readSet
	ahead      *readAhead // nil: each step reads its own batches
	best       *snapshot
	perm       []int // of epoch permEpoch
	permEpoch  int
	identity   string // see identify
}

// fitState is what a checkpoint holds besides tensors.
type fitState struct {
	Step      int                `json:"step"`
	Rate      float64            `json:"rate"`
	Losses    []float64          `json:"losses"`
	Running   float64            `json:"running"` // sum of the losses of the epoch so far
	Counted   int                `json:"counted"`
	Baseline  map[string]float64 `json:"baseline"`
	Prior     map[string]float64 `json:"prior"`
	Best      map[string]float64 `json:"best"`
	BestEpoch int                `json:"best_epoch"`
	Stale     int                `json:"stale"` // epochs since the best
	Stopped   bool               `json:"stopped"`
	Plateau   PlateauState       `json:"plateau"`
	Restarts  int                `json:"restarts"`
	Key       []byte             `json:"key,omitempty"` // of the noise of private training
}

// Fit trains on a dataset. When the context ends, it writes a checkpoint and returns the context's error; the weights are
// then the present ones.
func (t *Trainer) Fit(ctx context.Context, ds Dataset, o FitOptions) (*Fitted, error) {
	f := &fitter{Trainer: t, o: o, stepwise: true}
	if err := f.prepare(ctx, ds); err != nil {
		return nil, err
	}
	defer f.close()
	if err := f.start(ctx); err != nil {
		return nil, err
	}
	if o.Begin != nil {
		o.Begin(f.state.Step, f.total, f.perEpoch)
	}
	f.startReading(ctx)
	for !f.state.Stopped && (f.state.Step < f.total || f.epochOpen()) {
		if err := f.next(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, errors.Join(ctx.Err(), f.save())
			}
			return nil, err
		}
	}
	return f.finish(ctx)
}

// prepare reads the datasets and works out the sizes of batches.
func (f *fitter) prepare(ctx context.Context, ds Dataset) (err error) {
	views := 1
	if v, ok := ds.(Viewed); ok {
		views = max(1, v.Views())
	}
	if f.o.Views > 0 {
		views = min(views, f.o.Views)
	}
	if f.table, err = f.tableOf(ctx, ds, views, f.o.Cache, nil, f.stepwise); err != nil {
		return err
	}
	if f.o.Validation != nil {
		if f.val, err = f.newTable(ctx, f.o.Validation, 1, f.o.Cache, f.table); err != nil {
			return err
		}
	}
	n := len(f.table.rows)
	if f.private != nil {
		n = f.samples() // of which a step takes one view
	}
	if f.o.Batch <= 0 {
		f.o.Batch = min(32, n)
	}
	f.o.Batch = min(f.o.Batch, n)
	f.runBatch, f.parts = f.o.Batch, max(1, f.o.Accumulate)
	if f.fixed > 0 {
		if f.runBatch = f.fixed; f.o.Batch < f.fixed {
			return fmt.Errorf("finetune: the model takes exactly %d samples at once, the batch is %d", f.fixed, f.o.Batch)
		}
	} else if f.parts > 1 {
		f.runBatch = (f.o.Batch + f.parts - 1) / f.parts
	}
	f.perEpoch = max(1, (n+f.o.Batch-1)/f.o.Batch)
	if f.fixed > 0 {
		f.perEpoch = max(1, n/f.o.Batch) // no step has less than a full run
	}
	f.total = f.o.Epochs * f.perEpoch
	if f.total == 0 {
		f.total = max(f.o.Steps, f.perEpoch)
		if f.o.Steps > 0 {
			f.total = f.o.Steps
		}
	} else if f.o.Steps > 0 {
		f.total = min(f.total, f.o.Steps)
	}
	if err := f.preparePrivacy(); err != nil {
		return err
	}
	return f.identify()
}

// start resumes, or measures what there is before training.
func (f *fitter) start(ctx context.Context) error {
	found := false
	if f.o.Resume && f.o.Dir != "" {
		var err error
		if found, err = f.load(); err != nil {
			return err
		}
	}
	f.table.computeLater(ctx, f.upcoming())
	if found {
		return nil
	}
	f.state.Rate = f.rate
	f.keepKey()
	if f.o.FindRate {
		if _, err := f.Trainer.FindRate(ctx, func(step int) ([]Batch, error) { return f.fetch(ctx, step%max(1, f.total)) }); err != nil {
			return err
		}
		f.state.Rate = f.rate
	}
	if f.o.TryRates {
		batch, err := f.fetch(ctx, 0)
		if err != nil {
			return err
		}
		if f.state.Rate, err = f.TryRates(ctx, trialSteps, batch...); err != nil {
			return err
		}
	}
	if f.val == nil {
		return nil
	}
	figures, err := f.measure(ctx, f.val)
	if err != nil {
		return err
	}
	f.state.Baseline, f.state.Best = figures, figures
	if err := f.measurePrior(ctx); err != nil {
		return err
	}
	s := f.snapshot()
	f.best = &s
	return f.event(EpochEvent{Loss: math.NaN(), Validation: figures, Best: true})
}

func (f *fitter) event(e Event) error {
	if f.o.Event == nil {
		return nil
	}
	return f.o.Event(e)
}

// fetch returns the batches of a step.
func (f *fitter) fetch(ctx context.Context, step int) ([]Batch, error) {
	if f.private != nil {
		return f.fetchPrivate(ctx, step)
	}
	err := f.read(ctx, step, &f.set)
	return f.set.batches, err
}

// read fills a set with the batches of a step.
func (f *fitter) read(ctx context.Context, step int, s *readSet) error {
	index := f.order(step)
	if s.buffers == nil {
		s.buffers = make([]tableBatch, (f.o.Batch+f.runBatch-1)/f.runBatch)
	}
	s.batches = s.batches[:0]
	for rows := range slices.Chunk(index, f.runBatch) {
		if f.fixed > 0 && len(rows) < f.fixed {
			break
		}
		buffer := &s.buffers[len(s.batches)]
		if err := f.table.batch(ctx, rows, buffer); err != nil {
			return err
		}
		s.batches = append(s.batches, f.table.asBatch(buffer, len(rows)))
	}
	return nil
}

// order returns the rows of a step.
func (f *fitter) order(step int) []int {
	epoch, k := step/f.perEpoch, step%f.perEpoch
	n := len(f.table.rows)
	lo, hi := k*f.o.Batch, min((k+1)*f.o.Batch, n)
	if f.o.Order {
		out := make([]int, hi-lo)
		for i := range out {
			out[i] = lo + i
		}
		return out
	}
	if f.perm == nil || f.permEpoch != epoch {
		f.perm, f.permEpoch = Permutation(f.spec.Seed, uint64(epoch), n), epoch
	}
	return f.perm[lo:hi]
}

// nextBatches returns the batches of the present step.
func (f *fitter) nextBatches(ctx context.Context) ([]Batch, error) {
	if f.ahead != nil {
		return f.ahead.next(ctx)
	}
	return f.fetch(ctx, f.state.Step)
}

// next takes one step, and what follows it.
func (f *fitter) next(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.epochOpen() {
		return f.endEpoch(ctx, f.epoch())
	}
	batches, err := f.nextBatches(ctx)
	if err != nil {
		return err
	}
	if err := f.announce(batches); err != nil {
		return err
	}
	r, err := f.step(ctx, f.rateAt(f.state.Step, f.total), batches)
	if err != nil {
		return err
	}
	f.state.Step++
	if !r.Skipped {
		f.state.Running += r.Loss
		f.state.Counted++
	}
	if err := f.event(StepEvent{f.state.Step, f.epoch(), f.total, r}); err != nil {
		return err
	}
	if f.epochOpen() {
		return f.endEpoch(ctx, f.epoch())
	}
	if f.o.Every > 0 && f.state.Step%f.o.Every == 0 {
		return f.save()
	}
	return nil
}

// epoch is that of the last step, counted from 1.
func (f *fitter) epoch() int { return (f.state.Step-1)/f.perEpoch + 1 }

// epochOpen reports whether the last step was that of an epoch that is not summed up yet.
func (f *fitter) epochOpen() bool {
	last := f.state.Step%f.perEpoch == 0 || f.state.Step == f.total
	return f.state.Step > 0 && last && len(f.state.Losses) < f.epoch()
}

// endEpoch measures, and notes whether the epoch was the best one.
func (f *fitter) endEpoch(ctx context.Context, epoch int) error {
	e := EpochEvent{Step: f.state.Step, Epoch: epoch, Loss: f.state.Running / float64(max(1, f.state.Counted))}
	if f.val != nil {
		var err error
		if e.Validation, err = f.measure(ctx, f.val); err != nil {
			return err
		}
		f.watch(&e)
	}
	f.state.Losses = append(f.state.Losses, e.Loss)
	f.state.Running, f.state.Counted = 0, 0
	if err := f.event(e); err != nil {
		return err
	}
	return f.save()
}

func (f *fitter) watch(e *EpochEvent) {
	name := f.o.Watch
	if name == "" {
		name = "loss"
	}
	larger, _ := metric.LargerIsBetter(name)
	now, had := e.Validation[name], f.state.Best[name]
	_, known := f.state.Best[name]
	if e.Best = !math.IsNaN(now) && (!known || math.IsNaN(had) || larger && now > had || !larger && now < had); e.Best {
		s := f.snapshot()
		f.best, f.state.Best, f.state.BestEpoch, f.state.Stale = &s, e.Validation, e.Epoch, 0
	} else {
		f.state.Stale++
	}
	if p := plateauOf(f.spec.Schedule); p != nil && !math.IsNaN(now) {
		p.Observe(now)
		f.state.Plateau = p.State
	}
	f.state.Stopped = f.o.Patience > 0 && f.state.Stale >= f.o.Patience
}

// finish puts back the best weights and sums up.
func (f *fitter) finish(ctx context.Context) (*Fitted, error) {
	out := &Fitted{Losses: f.state.Losses, Baseline: f.state.Baseline, Prior: f.state.Prior, BestEpoch: f.state.BestEpoch, Steps: f.state.Step, Skipped: f.skipped, Rate: f.state.Rate, Reason: "finished"}
	if f.state.Stopped {
		out.Reason = "early stop"
	}
	if f.best != nil && !f.o.KeepLast {
		f.restore(*f.best)
	}
	if f.val != nil {
		var err error
		if out.Validation, err = f.measure(ctx, f.val); err != nil {
			return nil, err
		}
		out.FrozenRuns += f.val.runs
		out.CacheFull = f.val.full
	}
	if f.table.full != nil {
		out.CacheFull = f.table.full
	}
	out.FrozenRuns += f.table.runs
	var err error
	out.Privacy, err = f.spent()
	return out, err
}

func (f *fitter) close() {
	if f.ahead != nil {
		f.ahead.close()
	}
	for _, b := range []*table{f.table, f.val} {
		if b != nil {
			b.close()
		}
	}
}
