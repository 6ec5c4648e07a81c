package main

import (
	"context"
	"maps"
	"path/filepath"
	"slices"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
)

// fit runs the training.
func (j *job) fit(ctx context.Context) error {
	if j.epochs == 0 && j.steps == 0 {
		j.epochs = 10
	}
	cache := finetune.CacheOptions{Off: j.noCache, Dir: j.cache}
	if dir := j.runFolder(); cache.Dir == "" && dir != "" {
		cache.Dir = filepath.Join(dir, "features")
	}
	if j.cacheSize != "" {
		var err error
		if cache.Budget, err = parseSize(j.cacheSize); err != nil {
			return err
		}
	}
	o := finetune.FitOptions{Epochs: j.epochs, Steps: j.steps, Batch: j.batch, Accumulate: j.accumulate, Cache: cache, TryRates: j.triesRates(), FindRate: j.rate == "find" && j.dp == "", Meter: j.newMeter, Prior: finetune.NewPrior(j.set.loss),
		Watch: j.watch, Patience: j.patience, KeepLast: j.keepLast, Dir: j.runFolder(), Every: j.every, Resume: j.resume, Config: j.config(), Event: j.event}
	if j.set.val != nil {
		o.Validation = j.dataset(j.set.val)
	}
	if j.dryRun {
		return j.forecast(ctx, o)
	}
	if err := j.openLog(j.steps, j.epochs); err != nil {
		return err
	}
	defer j.closeLog()
	o.Memory = func(m finetune.StepMemory) {
		j.say("memory of a step: %s (weights that train %s, optimizer %s, values and gradients %s, working memory about %s)", bytesText(m.Total()), bytesText(m.Weights), bytesText(m.Optimizer), bytesText(m.Values), bytesText(m.Work))
	}
	o.Begin = func(from, total, perEpoch int) { j.progress.Start(total-from, from/perEpoch+1, j.epochs) }
	r, err := j.fitOrSolve(ctx, o)
	j.progress.Done()
	if err != nil {
		return err
	}
	if r.CacheFull != nil {
		j.warn("not all results of the frozen layers are kept for the next run: %v", r.CacheFull)
	}
	if r.FrozenRuns == 0 && !j.noCache {
		j.say("no run of the frozen layers was needed")
	}
	return j.finish(r, j.settle)
}

// fitOrSolve trains in steps, or at once where a solver is named.
func (j *job) fitOrSolve(ctx context.Context, o finetune.FitOptions) (*finetune.Fitted, error) {
	if j.solver == "" {
		return j.trainer.Fit(ctx, j.dataset(j.set.train), o)
	}
	s, err := finetune.ParseSolver(j.solver)
	if err != nil {
		return nil, usageError(err)
	}
	return j.trainer.Solve(ctx, j.dataset(j.set.train), s, o)
}

// settle turns the trained model into the one that is written: branches are merged, preprocessing and classes noted.
func (j *job) settle(m *onnx.Model) error {
	if _, err := finetune.RemoveDropout(m); err != nil {
		return err
	}
	if j.lora.rank > 0 {
		if err := j.mergeBranches(m); err != nil {
			return err
		}
	}
	settings := j.set.train.Settings()
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		setMetadata(m, key, settings[key])
	}
	return nil
}

func (j *job) mergeBranches(m *onnx.Model) error {
	if j.lora.adapter != "" {
		a, err := finetune.ExtractAdapter(m, j.lora.saved...)
		if err != nil {
			return err
		}
		if err := finetune.WriteAdapter(j.lora.adapter, a); err != nil {
			return err
		}
	}
	kept, err := finetune.Merge(m)
	for _, b := range kept {
		j.warn("the branch of %s stays beside its layer: %s", b.Module, b.Frozen)
	}
	return err
}

func setMetadata(m *onnx.Model, key, value string) {
	for i := range m.Metadata {
		if m.Metadata[i].Key == key {
			m.Metadata[i].Value = value
			return
		}
	}
	m.Metadata = append(m.Metadata, onnx.Entry{Key: key, Value: value})
}
