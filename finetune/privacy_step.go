package finetune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/finetune/privacy"
	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/kernel/optim"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// What the training graph of private training has besides that of other training.
const (
	countName = "onnxrun.count" // input: 1 for samples, 0 for rows that fill up a batch
	normName  = "onnxrun.norm"  // output: norms of the samples' gradients
)

// private makes the program that computes the sum of the clipped gradients of the samples, and their norms. Where a use of a
// weight has no rule for the norms, the program computes the sum of the gradients, and must be run sample by sample.
func (b *builder) private(shapes map[string]tensor.Shape) (*program, error) {
	p, err := b.privateProgram(shapes, false)
	if errors.Is(err, errNoRule) {
		return b.privateProgram(shapes, true)
	}
	return p, err
}

func (b *builder) privateProgram(shapes map[string]tensor.Shape, single bool) (*program, error) {
	g, live, err := b.graph(shapes, true)
	if err != nil {
		return nil, err
	}
	e := autodiff.NewEmitter(ops.Default())
	scores, targets, losses, err := b.emitLosses(g, e, true)
	if err != nil {
		return nil, err
	}
	batched := b.batched(g)
	samples, ok := int64(0), false
	if len(batched) > 0 {
		samples, ok = batched[0].Dims[0].Const()
	}
	if !ok {
		return nil, fmt.Errorf("finetune: privacy: the model has no input with a row for each sample")
	}
	counts := &graph.Value{Name: countName, Value: ops.Value{Type: ops.TensorType(tensor.Float32, dimsOf(tensor.Shape{int(samples)})...)}}
	params := live[:len(b.train)]
	c := &clipped{}
	if single {
		if _, err := rowsOf(g, batched, int(samples)); err != nil {
			return nil, err
		}
		c.sums, err = e.Gradients(autodiff.Request{Y: []*graph.Value{losses}, X: params})
	} else {
		c, err = clippedSums(e, clipRequest{g: g, batched: batched, samples: int(samples), losses: losses, scores: scores, params: params, counts: counts, clip: b.clip})
	}
	if err != nil {
		return nil, err
	}
	l := &lossBuilder{e: e}
	total := l.total(l.mul(losses, counts), false)
	if l.err != nil {
		return nil, l.err
	}
	outs, names := append([]*graph.Value{total}, c.sums...), []string{lossName}
	for _, w := range b.train {
		names = append(names, gradPrefix+w.Name)
	}
	if !single {
		outs, names = append(outs, c.norms), append(names, normName)
	}
	p, err := b.finish(g, e, shapes, append(append(live, targets...), counts), outs, names)
	if err == nil {
		p.single = single
	}
	return p, err
}

// A privateState is what private training needs besides the trainer's.
type privateState struct {
	dp       *DP
	source   *privacy.Source
	noise    float64   // the noise multiplier
	expected float64   // samples of a step; 0: as many as there are
	norms    []float64 // of the samples of the last step
	counts   *tensor.Tensor
	normals  []float32 // of a parameter, where they come from the settings
	alone    bool      // the step is of one batch
	apart    bool      // the model was seen not to mix samples that run one by one
}

// newPrivate checks the settings; nil is no privacy.
func newPrivate(dp *DP, b *builder) (*privateState, error) {
	if dp == nil {
		return nil, nil
	}
	if err := dp.check(); err != nil {
		return nil, err
	}
	if len(b.modes.batchNorm) > 0 {
		return nil, ops.Unsupported("differential privacy with BatchNormalization in training mode (node %q): it normalises by the statistics of the batch, so that a sample changes the results of others", b.modes.batchNorm[0])
	}
	source, err := privacy.NewSource(dp.Key)
	if err != nil {
		return nil, fmt.Errorf("finetune: %w", err)
	}
	b.clip = dp.clip()
	own := *dp
	return &privateState{dp: &own, source: source, noise: dp.Noise}, nil
}

// privateStep is step for private training. The loss is the mean of the samples that were drawn.
func (t *Trainer) privateStep(ctx context.Context, rate float64, batches []Batch) (StepResult, error) {
	r := StepResult{Rate: rate}
	if t.private.noise == 0 {
		return r, fmt.Errorf("finetune: privacy: a step alone needs a noise multiplier, epsilon needs the number of steps of Fit")
	}
	t.beginSums(len(batches) == 1)
	samples := 0.0
	for i, batch := range batches {
		t.part = i
		loss, n, err := t.clippedGradients(ctx, batch)
		if err != nil {
			return r, err
		}
		r.Loss += loss
		samples += n
	}
	r.Loss /= max(1, samples)
	if err := t.addNoise(); err != nil {
		return r, err
	}
	t.update(&r, 1/max(1, or(t.private.expected, samples)))
	return r, nil
}

// beginSums makes the sums of a step those of no samples. alone says that there is one batch.
func (t *Trainer) beginSums(alone bool) {
	t.private.alone, t.private.norms = alone, t.private.norms[:0]
	for _, p := range t.params {
		p.sum = gradient{}
	}
}

// clippedGradients adds the clipped gradients of a batch to the sums. It returns the sum of the losses and the number of samples.
func (t *Trainer) clippedGradients(ctx context.Context, batch Batch) (loss, samples float64, err error) {
	p, err := t.programOf(&batch, forPrivacy)
	if err != nil {
		return 0, 0, err
	}
	if p.single && batch.rows(t) > 1 {
		return t.singleGradients(ctx, p, batch)
	}
	counts := t.countsOf(&batch)
	if err := t.runCounted(ctx, p, batch, counts); err != nil {
		return 0, 0, err
	}
	t.addClipped(p, tensor.Of[float32](counts))
	for _, c := range tensor.Of[float32](counts) {
		samples += float64(c)
	}
	return float64(tensor.Of[float32](p.suffix.output(lossName))[0]), samples, nil
}

// addClipped adds what a run of p made to the sums. The gradient of a single sample is clipped here.
func (t *Trainer) addClipped(p *program, counts []float32) {
	factor := float32(1)
	if p.single {
		grads := make([][]float32, len(t.params))
		for k := range t.params {
			grads[k] = tensor.Of[float32](p.suffix.outs[1+k])
		}
		norm := GradientNorm(grads, t.threads)
		factor = counts[0] * float32(min(1, t.private.dp.clip()/(norm+clipEps)))
		t.private.norms = append(t.private.norms, norm)
	} else {
		for i, norm := range tensor.Of[float32](p.suffix.output(normName)) {
			if counts[i] != 0 {
				t.private.norms = append(t.private.norms, float64(norm))
			}
		}
	}
	for k, w := range t.params {
		g := gradient{dense: tensor.Of[float32](p.suffix.outs[1+k])}
		if t.private.alone && !p.single {
			w.sum = g // storage of its own, to which noise may be added
		} else {
			w.sum = w.parts.add(w.sum, g, factor, w.W.Len())
		}
	}
}

// singleGradients is clippedGradients for programs that are run sample by sample.
func (t *Trainer) singleGradients(ctx context.Context, p *program, batch Batch) (loss, samples float64, err error) {
	if t.fixed > 1 {
		return 0, 0, ops.Unsupported("differential privacy for a model that takes exactly %d samples at once, with a weight whose gradient is known for single samples only", t.fixed)
	}
	rows := batch.rows(t)
	for i := range rows {
		if batch.counts != nil && batch.counts[i] == 0 {
			continue
		}
		l, n, err := t.clippedGradients(ctx, batch.row(t, p, i, rows))
		if err != nil {
			return 0, 0, err
		}
		loss, samples = loss+l, samples+n
	}
	if samples > 1 && !t.private.apart && len(t.b.modes.dropout) == 0 && !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		err = t.checkApart(ctx, p, batch, loss)
	}
	return loss, samples, err
}

// checkApart compares the losses of samples that ran one by one with those of the batch. A model in which samples change each
// other's results is an *ops.UnsupportedError.
func (t *Trainer) checkApart(ctx context.Context, p *program, batch Batch, want float64) error {
	if err := t.runCounted(ctx, p, batch, t.countsOf(&batch)); err != nil {
		return err
	}
	got := float64(tensor.Of[float32](p.suffix.output(lossName))[0])
	if !(math.Abs(got-want) <= 1e-3*max(1, math.Abs(want))) {
		return ops.Unsupported("differential privacy: the losses of a batch sum to %g, those of its samples alone to %g, so that a sample changes the results of others", got, want)
	}
	t.private.apart = true
	return nil
}

// countsOf returns the factors of the samples of a batch, valid until the next call.
func (t *Trainer) countsOf(b *Batch) *tensor.Tensor {
	n := len(b.counts)
	if b.counts == nil {
		n = b.rows(t)
	}
	if t.private.counts == nil || t.private.counts.Len() != n {
		t.private.counts = tensor.New(tensor.Float32, n)
	}
	counts := tensor.Of[float32](t.private.counts)
	if copy(counts, b.counts) == 0 {
		for i := range counts {
			counts[i] = 1
		}
	}
	return t.private.counts
}

// runCounted runs p on a batch.
func (t *Trainer) runCounted(ctx context.Context, p *program, batch Batch, counts *tensor.Tensor) error {
	features, err := t.features(ctx, p, &batch)
	if err != nil {
		return err
	}
	named, err := t.targetsOf(batch.Targets)
	if err != nil {
		return err
	}
	named[countName] = counts
	return t.run(ctx, p, features, named)
}

// rows is the number of rows of a batch.
func (b *Batch) rows(t *Trainer) int {
	for name, shape := range b.shapes {
		if t.b.perSample[name] && len(shape) > 0 {
			return shape[0]
		}
	}
	for name, x := range b.Inputs {
		if t.b.perSample[name] && x.Rank() > 0 {
			return x.Shape()[0]
		}
	}
	return 0
}

// row is a batch of row i alone.
func (b *Batch) row(t *Trainer, p *program, i, rows int) Batch {
	one := Batch{shapes: map[string]tensor.Shape{}, counts: []float32{1}}
	for name, shape := range b.inputShapes() {
		if shape = slices.Clone(shape); t.b.perSample[name] && len(shape) > 0 {
			shape[0] = 1
		}
		one.shapes[name] = shape
	}
	if b.Inputs != nil {
		one.Inputs = map[string]*tensor.Tensor{}
		for name, x := range b.Inputs {
			if one.Inputs[name] = x; t.b.perSample[name] {
				one.Inputs[name] = rowOf(x, i)
			}
		}
	}
	for _, y := range b.Targets {
		one.Targets = append(one.Targets, rowOf(y, i))
	}
	if b.features != nil {
		one.features = map[string]*tensor.Tensor{}
		for name, x := range b.features {
			one.features[name] = x
		}
		for _, f := range p.frontier {
			if x := b.features[f.name]; f.varies && x != nil && x.Rank() > 0 && x.Shape()[0] == rows {
				one.features[f.name] = rowOf(x, i)
			}
		}
	}
	return one
}

// rowOf copies row i of a tensor, as a tensor with one row.
func rowOf(x *tensor.Tensor, i int) *tensor.Tensor {
	shape := x.Shape().Clone()
	size := len(x.Bytes()) / shape[0]
	shape[0] = 1
	out := tensor.New(x.DType(), shape...)
	copy(out.Bytes(), x.Bytes()[i*size:(i+1)*size])
	return out
}

// addNoise adds noise to the sums of a step.
func (t *Trainer) addNoise() error {
	s := t.private
	for _, p := range t.params {
		if p.sum.dense == nil {
			p.sum = p.parts.none(p.W.Len())
		}
	}
	if s.dp.Normals == nil {
		par.Run(t.threads, len(t.params), (*noiseJobs)(t))
		return nil
	}
	deviation := s.deviation()
	for _, p := range t.params {
		s.normals = slices.Grow(s.normals[:0], p.W.Len())
		z := s.normals[:p.W.Len()]
		clear(z)
		if err := s.dp.Normals(p.Name, t.steps, z); err != nil {
			return fmt.Errorf("finetune: noise of step %d for %q: %w", t.steps, p.Name, err)
		}
		optim.AddScaled(p.sum.dense[:len(z)], z, float32(deviation))
	}
	return nil
}

// deviation is the standard deviation of the noise of a sum.
func (s *privateState) deviation() float64 { return s.noise * s.dp.clip() }

// noiseJobs adds noise from the source to the sum of one parameter each, which has a stream of its own.
type noiseJobs Trainer

// Chunk implements par.Task.
func (t *noiseJobs) Chunk(k int) {
	t.private.source.AddNormals(t.params[k].sum.dense, t.private.deviation(), uint64(t.steps)<<20|uint64(k))
}
