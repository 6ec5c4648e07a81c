package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/data"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// samples are what a job learns from and measures on.
type samples struct {
	all, train, val *data.Set
	classes         []string
	columns         int // scores of a sample
	scores          finetune.Scores
	loss            finetune.Loss
}

// trainSamples trains on labelled samples.
func (j *job) trainSamples(ctx context.Context) error {
	if err := j.openSamples(); err != nil {
		return err
	}
	defer j.set.all.Close()
	changed, err := j.rewrite()
	if err != nil {
		return err
	}
	if err := j.split(); err != nil {
		return err
	}
	if err := j.chooseLoss(); err != nil {
		return err
	}
	spec, err := j.spec(0)
	if err != nil {
		return err
	}
	if spec.Schedule == nil && j.schedule == "" {
		spec.Schedule = finetune.CosineDecay{}
	}
	spec.Terms = []finetune.Term{{At: j.set.scores.Name, Loss: j.set.loss}}
	if changed != nil {
		spec.Weights = changed
	}
	if j.trainer, err = finetune.NewTrainer(j.file.Model, spec); err != nil {
		return err
	}
	return j.fit(ctx)
}

// openSamples finds the scores and reads the data.
func (j *job) openSamples() error {
	s, err := j.findScores()
	if err != nil {
		return err
	}
	j.set = &samples{scores: s, columns: columnsOf(s)}
	outputs := j.set.columns
	if j.newHead || j.classes > 0 || s.Activation == "Sigmoid" && outputs == 1 {
		outputs = 0
	}
	o, err := j.samples.options(j.file.Model, j.modelDir(), outputs, j.seed)
	if err != nil {
		return err
	}
	o.Classes = finetune.Labels(j.file.Model)
	if j.newHead || len(o.Classes) != outputs {
		o.Classes = nil
	}
	if err := j.fillConstants(&o, []string{s.Name}); err != nil {
		return err
	}
	if j.set.all, err = data.Open(j.data, o); err != nil && outputs > 0 && j.loss == "" && j.tuner.samples.task == "auto" {
		o.Outputs, o.Classes = 0, nil // more or other classes than the model tells apart: a new head may do
		var again error
		if j.set.all, again = data.Open(j.data, o); again == nil {
			err = nil
		}
	}
	if err != nil {
		return &codedError{exitFailed, err}
	}
	j.set.classes = j.set.all.Classes()
	for _, line := range j.set.all.Describe() {
		j.say("%s", line)
	}
	return nil
}

// findScores returns the value that the loss is computed from.
func (j *job) findScores() (finetune.Scores, error) {
	if len(j.lossAt) == 0 {
		return finetune.FindScores(j.file.Model)
	}
	if len(j.lossAt) > 1 {
		return finetune.Scores{}, usage("finetune: %d values for the loss (--loss-at), labelled data have one target", len(j.lossAt))
	}
	return finetune.ScoresAt(j.file.Model, j.lossAt[0])
}

// columnsOf is the number of scores of a sample, 0 if it is not known.
func columnsOf(s finetune.Scores) int {
	if !s.Type.Ranked {
		return 0
	}
	if len(s.Type.Dims) == 1 {
		return 1
	}
	if len(s.Type.Dims) < 2 {
		return 0
	}
	n, ok := s.Type.Dims[1].Const()
	if !ok {
		return 0
	}
	return int(n)
}

// rewrite gives the model a new head, new weights or low-rank branches, where they are wanted or needed. It returns the
// weights that then train, nil for what --train says.
func (j *job) rewrite() (train []string, err error) {
	head, err := j.replaceHead()
	if err != nil {
		return nil, err
	}
	if j.reinit {
		if err := j.reinitialise(); err != nil {
			return nil, err
		}
	}
	if j.dropout > 0 && head == nil && j.lora.rank == 0 {
		if _, err := finetune.InsertHeadDropout(j.file.Model, "", j.dropout); err != nil {
			return nil, err
		}
	}
	if j.lora.rank > 0 {
		return j.branches(head)
	}
	return nil, nil
}

// replaceHead puts a new last layer in place if the classes of the data are not those of the model.
func (j *job) replaceHead() (*finetune.NewHead, error) {
	n := j.classes
	if n == 0 {
		n = len(j.set.classes)
	}
	known := finetune.Labels(j.file.Model)
	switch {
	case j.set.classes == nil && !j.newHead && j.classes == 0:
		return nil, nil
	case j.newHead || j.classes > 0:
	case j.set.columns == 1 && n == 2, j.set.columns == 0:
		return nil, nil
	case n > j.set.columns, !numbered(j.set.classes) && n != j.set.columns && len(known) != j.set.columns:
		j.say("new last layer: the data have %d classes, the model tells %d apart", n, j.set.columns)
	default:
		return nil, nil
	}
	h := finetune.Head{Classes: j.set.classes, N: n, Dropout: j.dropout, Seed: j.seed}
	if len(j.set.classes) != n {
		h.Classes = nil
	}
	made, err := h.Apply(j.file.Model)
	if err != nil {
		return nil, err
	}
	s, err := j.findScores()
	if err != nil {
		return nil, err
	}
	j.set.scores, j.set.columns = s, n
	return &made, nil
}

// numbered reports whether classes are numbers, which name columns of scores.
func numbered(classes []string) bool {
	return !slices.ContainsFunc(classes, func(c string) bool { _, err := strconv.Atoi(c); return err != nil })
}

// reinitialise draws the weights that train anew.
func (j *job) reinitialise() error {
	init, err := finetune.ParseInitializer(j.init)
	if err != nil {
		return usageError(err)
	}
	layers, err := finetune.Layers(j.file.Model)
	if err != nil {
		return err
	}
	weights, err := finetune.Select(layers, j.tuner.train)
	if err != nil {
		return err
	}
	return finetune.Initialise(j.file.Model, layers, weights, init, j.seed)
}

// branches attaches low-rank branches and returns what trains: them, and a new head.
func (j *job) branches(head *finetune.NewHead) ([]string, error) {
	l := finetune.LoRA{Rank: j.lora.rank, Alpha: j.lora.alpha, Target: j.lora.target, RSLoRA: j.lora.rs, Dropout: j.dropout, Seed: j.seed}
	if head != nil {
		l.Exclude = []string{head.Module}
	}
	list, err := l.Apply(j.file.Model)
	if err != nil {
		return nil, err
	}
	var train []string
	for _, b := range list {
		train = append(train, b.A, b.B)
	}
	if head != nil {
		j.lora.saved = []string{head.Module}
		train = append(train, head.Weight)
		if head.Bias != "" {
			train = append(train, head.Bias)
		}
	}
	j.say("%d low-rank branches of rank %d", len(list), j.lora.rank)
	return train, nil
}

// split divides the data, or opens the samples to measure on, and looks for samples in both parts.
func (j *job) split() error {
	s := j.set
	s.train = s.all
	switch {
	case j.val != "":
		o, err := j.samples.options(j.file.Model, j.modelDir(), 0, j.seed)
		if err != nil {
			return err
		}
		o.Like = s.all
		if s.val, err = data.Open(j.val, o); err != nil {
			return &codedError{exitFailed, err}
		}
	case j.valSplit > 0 && s.all.Len() > 1:
		var err error
		if s.train, s.val, err = data.Split(s.all, j.valSplit, j.seed); err != nil {
			return err
		}
	}
	if s.val == nil || s.val.Len() == 0 {
		s.val = nil
		j.warn("nothing to measure on: the figures are those of training")
		return nil
	}
	s.val = s.val.Plain()
	leaks, err := data.Leaks(s.train, s.val)
	if err != nil {
		return err
	}
	if len(leaks) > 0 {
		j.warn("%d of %d samples to measure on are also trained on, such as %s and %s", len(leaks), s.val.Len(), leaks[0].Train, leaks[0].Val)
	}
	j.say("%d samples to train on, %d to measure on", s.train.Len(), s.val.Len())
	return nil
}

// chooseLoss chooses the loss by the targets, unless a flag names it.
func (j *job) chooseLoss() error {
	s := j.set
	var weights []float32
	if j.tuner.samples.balance {
		weights = data.Balance(s.train)
	}
	var otherwise finetune.Loss
	switch {
	case s.classes != nil && s.columns == 1:
		otherwise = finetune.BCEWithLogits{}
	case s.classes != nil:
		otherwise = finetune.CrossEntropy{Weights: padded(weights, s.columns)}
	case s.scores.Activation == "Sigmoid":
		otherwise = finetune.BCEWithLogits{}
	default:
		otherwise = finetune.MSE{}
	}
	var err error
	s.loss, err = j.lossOr(otherwise)
	if _, ok := otherwise.(finetune.MSE); ok && s.scores.Activation != "" && err == nil {
		return ops.Unsupported("training: targets that are numbers and a model that ends in %s: name the loss with --loss and --loss-at", s.scores.Activation)
	}
	if c, ok := s.loss.(finetune.CrossEntropy); ok && c.Weights == nil {
		c.Weights = padded(weights, s.columns)
		s.loss = c
	}
	return err
}

// padded gives classes that the data do not have weight 1.
func padded(weights []float32, n int) []float32 {
	if weights == nil {
		return nil
	}
	for len(weights) < n {
		weights = append(weights, 1)
	}
	return weights
}

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

var errNoTarget = errors.New("finetune: the sample has no target")

// A shaped dataset gives targets the shape that the loss wants: a class as the number 0 or 1, for one score.
type shaped struct {
	*data.Set
	binary bool
}

// dataset returns a set as the trainer wants it.
func (j *job) dataset(s *data.Set) finetune.Dataset {
	_, bce := j.set.loss.(finetune.BCEWithLogits)
	return &shaped{s, bce && j.set.classes != nil}
}

// Sample implements finetune.Dataset.
func (d *shaped) Sample(i int) (finetune.Sample, error) { return d.shape(d.Set.Sample(i)) }

// View implements finetune.Viewed.
func (d *shaped) View(i, view int) (finetune.Sample, error) { return d.shape(d.Set.View(i, view)) }

func (d *shaped) shape(s finetune.Sample, err error) (finetune.Sample, error) {
	if err != nil || !d.binary {
		return s, err
	}
	if len(s.Targets) != 1 || s.Targets[0].DType() != tensor.Int64 {
		return s, fmt.Errorf("%w of a class", errNoTarget)
	}
	s.Targets = []*tensor.Tensor{tensor.FromSlice([]float32{float32(tensor.Of[int64](s.Targets[0])[0])}, 1)}
	return s, nil
}
