package finetune

import (
	"context"
	"time"
)

// A Forecast says what a training would take. Bytes are exact, but for Work and values whose sizes are found while running; times
// are those of a block of the frozen part and of two steps, taken now, times their numbers.
type Forecast struct {
	Samples    int           `json:"samples"`
	Steps      int           `json:"steps"`
	Batch      int           `json:"batch"`
	Weights    int           `json:"weight_bytes"`    // of what trains, in float32
	Optimizer  int           `json:"optimizer_bytes"` // its state
	Step       int           `json:"step_bytes"`      // values and gradients of one step
	Work       int           `json:"work_bytes"`      // about what threads and programs take besides
	Frozen     int           `json:"frozen_bytes"`    // values of one block of the frozen part
	Features   int           `json:"feature_bytes"`   // results of the frozen part for all samples
	FrozenTime time.Duration `json:"frozen_ns"`       // of all samples
	StepTime   time.Duration `json:"step_ns"`
	Total      time.Duration `json:"total_ns"`
}

// Peak is the most memory that a step and all that is kept take together, in bytes, the model's own weights not counted.
func (f Forecast) Peak() int {
	return f.Weights + f.Optimizer + max(f.Step, f.Frozen) + f.Work + f.Features
}

// Forecast finds out what Fit would take, with two steps that it takes back.
func (t *Trainer) Forecast(ctx context.Context, ds Dataset, o FitOptions) (Forecast, error) {
	before := t.snapshot()
	defer t.restore(before)
	f := &fitter{Trainer: t, o: o}
	f.o.Cache, f.o.Validation = CacheOptions{Off: true}, nil
	if err := f.prepare(ctx, ds); err != nil {
		return Forecast{}, err
	}
	defer f.close()
	out := Forecast{Samples: ds.Len(), Steps: f.total, Batch: f.o.Batch}
	out.Weights, out.Optimizer = t.trainedBytes()
	if !o.Cache.Off {
		out.Features = f.table.width * len(f.table.rows)
	}
	if err := f.forecastFrozen(ctx, &out); err != nil {
		return out, err
	}
	return out, f.forecastStep(ctx, &out)
}

// trainedBytes returns the sizes of the weights that train and of the optimizer's state.
func (t *Trainer) trainedBytes() (weights, optimizer int) {
	for _, p := range t.params {
		weights += 4 * p.W.Len()
		optimizer += 4 * p.W.Len() * len(p.state)
	}
	return weights, optimizer
}

// A StepMemory says what a step takes, in bytes; exact, but for Work and values whose sizes are found while running. Spec.Memory bounds
// Values and, where some layout leaves room for it, Values and Work.
type StepMemory struct {
	Weights   int // those that train, in float32
	Optimizer int // its state
	Values    int // values, gradients and workspace of one step
	Work      int // about what threads and programs take besides
}

// Total is the most that a step takes, the model's own weights and the results of the frozen part not counted.
func (m StepMemory) Total() int { return m.Weights + m.Optimizer + m.Values + m.Work }

// announce tells the options' Memory, once, what the step of the batches takes.
func (f *fitter) announce(batches []Batch) (err error) {
	tell := f.o.Memory
	if tell == nil {
		return nil
	}
	f.o.Memory = nil
	var m StepMemory
	m.Weights, m.Optimizer = f.trainedBytes()
	if m.Values, m.Work, err = f.stepBytes(batches); err != nil {
		return err
	}
	tell(m)
	return nil
}

// stepBytes compiles the step and returns the size of its values, with the sums of gradients where it has several batches, and about that
// of its working memory.
func (f *fitter) stepBytes(batches []Batch) (values, work int, err error) {
	p, err := f.programOf(&batches[0], f.stepPurpose(len(batches) > 1))
	if err != nil {
		return 0, 0, err
	}
	suffix, err := p.compiled()
	if err != nil {
		return 0, 0, err
	}
	values, err = suffix.prog.Need()
	if len(batches) > 1 {
		values += f.b.sumBytes(p)
	}
	return values, suffix.work, err
}

// forecastFrozen measures one block of the frozen part.
func (f *fitter) forecastFrozen(ctx context.Context, out *Forecast) error {
	if f.table.direct {
		return nil
	}
	n := min(f.table.block, len(f.table.rows))
	samples := make([]Sample, n)
	for i := range samples {
		var err error
		if samples[i], err = f.table.sample(i); err != nil {
			return err
		}
	}
	if _, err := f.table.run(ctx, samples); err != nil { // compiles
		return err
	}
	start := time.Now()
	if _, err := f.table.run(ctx, samples); err != nil {
		return err
	}
	blocks := (len(f.table.rows) + n - 1) / n
	out.FrozenTime = time.Since(start) * time.Duration(blocks)
	if f.o.Cache.Off {
		out.FrozenTime *= time.Duration(max(1, f.o.Epochs))
	}
	var err error
	out.Frozen, err = f.prefixFor(f.table.batchShapes(f.table.block), f.table.fields).prefix.prog.Need()
	return err
}

// forecastStep takes two steps and times the second.
func (f *fitter) forecastStep(ctx context.Context, out *Forecast) error {
	batches, err := f.fetch(ctx, 0)
	if err != nil {
		return err
	}
	if out.Step, out.Work, err = f.stepBytes(batches); err != nil {
		return err
	}
	for range 2 {
		start := time.Now()
		if _, err := f.step(ctx, f.rate, batches); err != nil {
			return err
		}
		out.StepTime = time.Since(start)
	}
	out.Total = out.FrozenTime + out.StepTime*time.Duration(out.Steps)
	return nil
}
