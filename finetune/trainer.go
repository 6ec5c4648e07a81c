package finetune

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Spec says what trains, on which loss, and how it moves.
type Spec struct {
	Train      string    // which weights: see Select; "" is "last"
	Weights    []string  // the weights by name, in place of Train: any constants of the model
	Terms      []Term    // the loss
	Optimizer  Optimizer // nil: AdamW
	Rate       float64   // learning rate; 0: the optimizer's default
	Decay      float64   // weight decay
	Groups     []Group   // weights with settings of their own
	Schedule   Schedule  // nil: the rate stays
	Total      int       // steps that the schedule is stretched over where Fit does not say
	Clip       Clip      // bounds of the gradients
	EMA        EMA       // averages of the weights, which measuring and exporting take; Decay 0: none
	Dropout    bool      // Dropout nodes of the model drop while it trains
	BatchNorm  bool      // BatchNormalization nodes that train use the statistics of the batch, and move the running ones
	Privacy    *DP       // differential privacy; nil: none
	Held       []string  // weights that do not train and whose values the caller changes: see Trainer.Param
	Seed       uint64    // of everything random
	Threads    int       // 0: all processors
	Memory     int64     // bound of the bytes that a step may take beside weights and optimizer: see StepMemory and StepResult.Skipped; 0: none
	HalfSaved  bool      // activations wait for the backward half as bfloat16, in half the memory; scores and loss stay float32
	NoOptimize bool      // run the training graph as it is written

	Recurrent RecurrentDropout // variational dropout of recurrent nodes that train
}

// A Param is a weight in training.
type Param struct {
	*Weight
	W *tensor.Tensor // float32, of the weight's shape: the present value

	rate    GroupRate
	state   [][]float32 // the optimizer's
	average []float32   // of W over the steps, nil if none is kept
	sum     gradient    // of the step: outputs of the program or, of several batches, in parts
	parts   gradientSum
	before  []float32 // of running statistics: the values before the step
}

// A Batch is what a model computes on at once: all its inputs, with the batch axis, and one target for each term that
// has one.
type Batch struct {
	Inputs  map[string]*tensor.Tensor
	Targets []*tensor.Tensor

	counts   []float32                 // factors of the samples, 0 for rows that fill up the batch; nil: ones
	features map[string]*tensor.Tensor // of the frozen part for these inputs, if they are known
	shapes   map[string]tensor.Shape   // of the inputs, where only the features are there
	size     int                       // rows, where it is a part of a larger batch; 0: not known
}

// A Trainer trains weights of a model. It is not safe for several goroutines.
type Trainer struct {
	spec     Spec
	b        *builder
	layers   []*Layer
	params   []*Param
	stats    []*Param
	byName   map[string]*tensor.Tensor // what live inputs hold
	programs map[string]*program
	recent   map[purpose]*program // the last one used
	inputs   []input
	fixed    int // the batch size that the model insists on, 0 if it takes any
	steps    int
	skipped  int
	part     int     // of the step: which of its batches
	through  purpose // of the programs of the present step, where it visits a value
	threads  int
	rate     float64       // learning rate, before the schedule: that of the specification, or a smaller one that was found to work
	work     *paramWork    // of update
	taker    *taker        // nil: weights move after all gradients are there
	private  *privateState // nil: no differential privacy

	given map[string]*tensor.Tensor   // inputs or features of the present run
	find  func(string) *tensor.Tensor // of given
	feeds map[string]*tensor.Tensor   // see feed

	targetNames []string                  // of the terms, in the training graph
	targets     map[string]*tensor.Tensor // of the present run
}

// NewTrainer prepares training of a model, which must not change while the trainer is in use.
func NewTrainer(m *onnx.Model, spec Spec) (*Trainer, error) {
	layers, err := Layers(m)
	if err != nil {
		return nil, err
	}
	if spec.Train == "" {
		spec.Train = "last"
	}
	weights, err := chosen(m, layers, spec)
	if err != nil {
		return nil, err
	}
	if len(spec.Terms) == 0 {
		return nil, errors.New("finetune: no loss is given")
	}
	for _, term := range spec.Terms {
		if term.Loss == nil {
			return nil, fmt.Errorf("finetune: the term at %q has no loss", term.At)
		}
	}
	if spec.Optimizer == nil {
		spec.Optimizer = AdamW{}
	}
	if spec.Rate == 0 {
		spec.Rate = DefaultRates(spec.Optimizer.Name()).Rate
	}
	t := &Trainer{spec: spec, rate: spec.Rate, layers: layers, byName: map[string]*tensor.Tensor{}, programs: map[string]*program{},
		recent: map[purpose]*program{}, targets: map[string]*tensor.Tensor{}}
	for _, term := range spec.Terms {
		t.targetNames = append(t.targetNames, targetPrefix+term.At)
	}
	if t.threads = spec.Threads; t.threads <= 0 {
		t.threads = par.Default()
	}
	t.b = &builder{source: source{model: m}, train: weights, terms: spec.Terms, store: plan.NewStore(nil), arenas: sharedArenas(), limit: int(spec.Memory), threads: t.threads, unoptimised: spec.NoOptimize, halfSaved: spec.HalfSaved}
	if err := t.describeInputs(m); err != nil {
		return nil, err
	}
	if err := t.hold(); err != nil {
		return nil, err
	}
	if spec.BatchNorm {
		if err := t.b.trainBatchNorm(); err != nil {
			return nil, err
		}
	}
	if spec.Dropout {
		if err := t.b.trainDropout(); err != nil {
			return nil, err
		}
	}
	if t.private, err = newPrivate(spec.Privacy, t.b); err != nil {
		return nil, err
	}
	if err := t.b.trainRecurrent(spec.Recurrent); err != nil {
		return nil, err
	}
	if err := t.addParams(); err != nil {
		return nil, err
	}
	t.taker = t.newTaker()
	t.b.taker = t.taker
	return t, nil
}

// hold makes the weights that Spec.Held names live.
func (t *Trainer) hold() error {
	for _, name := range t.spec.Held {
		w, err := weightOf(t.b.model, t.layers, name)
		if err != nil {
			return err
		}
		t.b.held = append(t.b.held, w)
	}
	return nil
}

// chosen returns the weights that a specification names.
func chosen(m *onnx.Model, layers []*Layer, spec Spec) ([]*Weight, error) {
	if len(spec.Weights) == 0 {
		return Select(layers, spec.Train)
	}
	var out []*Weight
	for _, name := range spec.Weights {
		w, err := weightOf(m, layers, name)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(o *Weight) bool { return o.Name == name }) {
			return nil, fmt.Errorf("finetune: weight %q is named twice", name)
		}
		out = append(out, w)
	}
	return out, nil
}

// weightOf returns the weight of a name: one of a layer, or any other initializer that can train.
func weightOf(m *onnx.Model, layers []*Layer, name string) (*Weight, error) {
	for _, l := range layers {
		for _, w := range l.Weights {
			if w.Name == name && w.Frozen != "" {
				return nil, ops.Unsupported("training: %q of node %q (%s): %s", name, l.Node, l.Op, w.Frozen)
			}
			if w.Name == name {
				return w, nil
			}
		}
	}
	h := locate(m, name)
	if h == nil || h.proto == nil {
		return nil, fmt.Errorf("finetune: the model has no weight %q", name)
	}
	t, err := h.proto.Value()
	if err != nil {
		return nil, err
	}
	if why := frozenType(t.DType()); why != "" {
		return nil, ops.Unsupported("training: %q: %s", name, why)
	}
	return &Weight{Name: name, DType: t.DType(), Shape: t.Shape(), Role: Matrix, value: t}, nil
}

func (t *Trainer) addParams() error {
	names := make([]string, len(t.b.train))
	for i, w := range t.b.train {
		names[i] = w.Name
	}
	rates, err := ResolveGroups(names, t.spec.Groups, t.spec.Decay)
	if err != nil {
		return err
	}
	for i, w := range t.b.train {
		p := &Param{Weight: w, W: master(w.value), rate: rates[i]}
		for range t.spec.Optimizer.Slots() {
			p.state = append(p.state, make([]float32, p.W.Len()))
		}
		t.params = append(t.params, p)
		t.enter(p)
	}
	for _, w := range append(slices.Clone(t.b.held), t.b.stats...) {
		p := &Param{Weight: w, W: master(w.value)}
		t.stats = append(t.stats, p)
		t.enter(p)
	}
	return nil
}

func (t *Trainer) enter(p *Param) {
	t.byName[p.Name] = p.W
	t.byName[p.Name+masterSuffix] = p.W
}

// Params returns the weights that train.
func (t *Trainer) Params() []*Param { return t.params }

// Param returns the weight of a name, one that trains or one that the step changes otherwise (running statistics, held
// weights), nil if there is none.
func (t *Trainer) Param(name string) *Param {
	for _, p := range append(slices.Clone(t.params), t.stats...) {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Layers returns the layers of the model.
func (t *Trainer) Layers() []*Layer { return t.layers }

// Rate returns the learning rate, before the schedule.
func (t *Trainer) Rate() float64 { return t.rate }

// Steps returns how many steps were taken, those that were skipped included.
func (t *Trainer) Steps() int { return t.steps }

// Skipped returns how many steps changed nothing because a gradient was not finite.
func (t *Trainer) Skipped() int { return t.skipped }

// Scores runs the model on a batch with the present weights, as it runs when it does not train, and returns the value that
// each term is computed from. The tensors are valid until the next call.
func (t *Trainer) Scores(ctx context.Context, inputs map[string]*tensor.Tensor) ([]*tensor.Tensor, error) {
	p, err := t.programOf(&Batch{Inputs: inputs}, forPrediction)
	if err != nil {
		return nil, err
	}
	features, err := t.features(ctx, p, &Batch{Inputs: inputs})
	if err != nil {
		return nil, err
	}
	if err := t.run(ctx, p, features, nil); err != nil {
		return nil, err
	}
	return p.suffix.outs, nil
}

// Probe runs the model on a batch as it runs while it trains and returns values of the given names. Nothing changes: not
// even running statistics. The tensors are valid until the next call for the same names.
func (t *Trainer) Probe(ctx context.Context, inputs map[string]*tensor.Tensor, names ...string) ([]*tensor.Tensor, error) {
	shapes := shapesOf(inputs)
	key := fmt.Sprintf("probe %q %s", names, keyOf(shapes))
	p := t.programs[key]
	if p == nil {
		var err error
		if p, err = t.b.probe(shapes, names); err != nil {
			return nil, err
		}
		t.programs[key] = p
	}
	features, err := t.features(ctx, p, &Batch{Inputs: inputs})
	if err != nil {
		return nil, err
	}
	if err := t.run(ctx, p, features, nil); err != nil {
		return nil, err
	}
	return p.suffix.outs, nil
}

// Export calls write with the model in which the weights have their present values. Everything else is as it was.
func (t *Trainer) Export(write func(*onnx.Model) error) error {
	return t.averaged(func() error {
		return withWeights(t.b.model, append(slices.Clone(t.params), t.stats...), write)
	})
}
