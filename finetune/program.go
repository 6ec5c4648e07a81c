package finetune

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// The names of what the training graph has besides the model's own values.
const (
	lossName     = "onnxrun.loss"
	targetPrefix = "onnxrun.target."
	gradPrefix   = "onnxrun.grad."
	idsPrefix    = "onnxrun.rows."
	scorePrefix  = "onnxrun.score."
	statPrefix   = "onnxrun.stat."
)

// A Term is one summand of what training makes small: a loss of one value of the model.
type Term struct {
	At     string  // value of the model, an output or an inner one
	Loss   Loss    // see ParseLoss
	Weight float64 // factor; 0 means 1
}

// A builder makes the graphs of a training run: the same model, weights and terms, any input shapes.
type builder struct {
	source
	train       []*Weight // what moves, in the order of the parameters
	held        []*Weight // what the caller moves
	stats       []*Weight // running statistics of BatchNormalization nodes in training mode
	modes       modes     // what differs while training
	terms       []Term
	store       *plan.Store
	arenas      *plan.Arenas
	limit       int
	threads     int
	unoptimised bool                       // graphs run as they are written
	halfSaved   bool                       // values wait for the backward half as bfloat16
	taker       *taker                     // takes gradients as they come; nil: it cannot
	visit       func(*tensor.Tensor) error // of StepThrough
	clip        float64                    // bound of the norms of the samples' gradients in private training

	perSample map[string]bool // inputs of the model that hold one row for each sample
	pulled    map[string]bool // values that are computed in each step although they are frozen
}

// A program is the training graph for one set of input shapes.
type program struct {
	frontier []feature                   // what the prefix hands to the suffix
	graph    *graph.Graph                // of the suffix, nil when it is compiled
	suffix   *stage                      // loss, gradients, scores; nil until it is needed
	failed   error                       // why there is none
	prefix   *stage                      // nil until it is needed
	inputs   func(string) *tensor.Tensor // of the last run
	find     func(string) *tensor.Tensor // the prefix's results, and inputs
	b        *builder
	shapes   map[string]tensor.Shape
	inside   bool  // the results of the suffix are read before anything else runs
	pause    int   // the output that is visited while the suffix runs; 0: none
	part     bool  // the gradients are added to those of other batches of a step
	ids      []int // outputs that are the indices of gradients by rows, by parameter; 0: the gradient is dense
	single   bool  // gives the gradient of a sample only where it runs on one: see builder.private
}

// compiled returns the suffix.
func (p *program) compiled() (*stage, error) {
	if p.suffix != nil || p.failed != nil {
		return p.suffix, p.failed
	}
	p.suffix, p.failed = p.b.compile(p.graph, p)
	p.graph = nil
	if p.inside {
		// What compiling leaves behind would stay resident beside the arena of the steps; its code, too, which counts where
		// memory is bounded.
		debug.FreeOSMemory()
		if p.b.limit > 0 {
			mem.ReleaseProgram()
		}
	}
	return p.suffix, p.failed
}

// byRows reports whether the gradient of parameter k is a list of rows.
func (p *program) byRows(k int) bool { return p.ids != nil && p.ids[k] != 0 }

// A feature is a value on the frontier.
type feature struct {
	name   string
	dtype  tensor.DType
	shape  tensor.Shape // nil if it is not known before running
	varies bool         // its elements depend on inputs that have a batch axis
}

// training makes the program that computes the loss and all gradients.
func (b *builder) training(shapes map[string]tensor.Shape) (*program, error) {
	return b.trainingThrough(shapes, "")
}

// trainingThrough is training that visits the value of a name, unless that is empty.
func (b *builder) trainingThrough(shapes map[string]tensor.Shape, name string) (*program, error) {
	g, live, err := b.graph(shapes, true)
	if err != nil {
		return nil, err
	}
	b.selectEarly(g, live)
	e := autodiff.NewEmitter(ops.Default())
	scores, targets, loss, err := b.emitLosses(g, e, false)
	if err != nil {
		return nil, err
	}
	dx, err := e.Gradients(autodiff.Request{Y: []*graph.Value{loss}, X: live[:len(b.train)]})
	if err != nil {
		return nil, err
	}
	lists, err := rowLists(e, dx)
	if err != nil {
		return nil, err
	}
	outs := append([]*graph.Value{loss}, dx...)
	names := []string{lossName}
	for _, w := range b.train {
		names = append(names, gradPrefix+w.Name)
	}
	for i, v := range scores {
		outs, names = append(outs, v), append(names, scorePrefix+b.terms[i].At)
	}
	stats, err := b.modes.statistics(g)
	if err != nil {
		return nil, err
	}
	for i, v := range stats {
		outs, names = append(outs, v), append(names, statPrefix+b.stats[i].Name)
	}
	at := make([]int, len(lists))
	for k, v := range lists {
		if v != nil {
			at[k] = len(outs)
			outs, names = append(outs, v), append(names, idsPrefix+b.train[k].Name)
		}
	}
	pause := 0
	if name != "" {
		v, err := b.visited(g, live, name)
		if err != nil {
			return nil, err
		}
		pause = len(outs)
		outs, names = append(outs, v), append(names, visitPrefix+name)
	}
	live = append(live, targets...)
	p, err := b.finish(g, e, shapes, live, outs, names)
	if err == nil {
		p.inside, p.ids, p.pause = true, at, pause
	}
	return p, err
}

// partial makes the program of training for batches whose gradients are added up.
func (b *builder) partial(shapes map[string]tensor.Shape) (*program, error) {
	p, err := b.training(shapes)
	if err == nil {
		p.part = true
	}
	return p, err
}

// selectEarly moves selections in front of what is computed in every step. What depends on no live value is not changed: the
// prefix computes it as the model is written.
func (b *builder) selectEarly(g *graph.Graph, live []*graph.Value) {
	if b.unoptimised {
		return
	}
	varies := dependsOn(g, live)
	wanted := map[string]bool{}
	for _, t := range b.terms {
		wanted[t.At] = true
	}
	made := opt.Select(g, func(n *graph.Node) bool {
		for _, v := range n.Out {
			if v != nil && (!varies[v] || wanted[v.Name] || b.pulled[v.Name]) {
				return false
			}
		}
		return true
	})
	for _, v := range made {
		b.pull(v.Name)
	}
}

// pull has the value of a name computed in each step.
func (b *builder) pull(name string) {
	if b.pulled == nil {
		b.pulled = map[string]bool{}
	}
	b.pulled[name] = true
}

// evaluation makes the program that computes the loss and the scores, as the model runs when it does not train.
func (b *builder) evaluation(shapes map[string]tensor.Shape) (*program, error) {
	g, live, err := b.graph(shapes, false)
	if err != nil {
		return nil, err
	}
	e := autodiff.NewEmitter(ops.Default())
	scores, targets, loss, err := b.emitLosses(g, e, false)
	if err != nil {
		return nil, err
	}
	outs, names := []*graph.Value{loss}, []string{lossName}
	for i, v := range scores {
		outs, names = append(outs, v), append(names, scorePrefix+b.terms[i].At)
	}
	return b.finish(g, e, shapes, append(live, targets...), outs, names)
}

// prediction makes the program that computes the scores alone.
func (b *builder) prediction(shapes map[string]tensor.Shape) (*program, error) {
	g, live, err := b.graph(shapes, false)
	if err != nil {
		return nil, err
	}
	var names []string
	var ats []string
	for _, t := range b.terms {
		ats, names = append(ats, t.At), append(names, scorePrefix+t.At)
	}
	scores, err := find(g, ats)
	if err != nil {
		return nil, err
	}
	return b.finish(g, autodiff.NewEmitter(ops.Default()), shapes, live, scores, names)
}

// probe makes the program that computes values of the given names, in training mode.
func (b *builder) probe(shapes map[string]tensor.Shape, names []string) (*program, error) {
	g, live, err := b.graph(shapes, true)
	if err != nil {
		return nil, err
	}
	values, err := find(g, names)
	if err != nil {
		return nil, err
	}
	outs := make([]string, len(names))
	for i, name := range names {
		outs[i] = scorePrefix + name
	}
	return b.finish(g, autodiff.NewEmitter(ops.Default()), shapes, live, values, outs)
}

// graph returns the resolved graph and its live inputs: parameters, held weights, statistics, then what the modes feed.
func (b *builder) graph(shapes map[string]tensor.Shape, training bool) (*graph.Graph, []*graph.Value, error) {
	change := b.modes.rest
	if training {
		change = b.modes.apply
	}
	g, live, err := b.live(shapes, slices.Concat(b.train, b.held, b.stats), change)
	if err != nil {
		return nil, nil, err
	}
	return g, append(live, fed(g)...), nil
}

// emitLosses emits the sum of the terms: a scalar, or with each a vector of one for each sample.
func (b *builder) emitLosses(g *graph.Graph, e *autodiff.Emitter, each bool) (scores, targets []*graph.Value, loss *graph.Value, err error) {
	names := make([]string, len(b.terms))
	for i, t := range b.terms {
		names[i] = t.At
	}
	if scores, err = find(g, names); err != nil {
		return nil, nil, nil, err
	}
	var parts []*graph.Value
	for i, t := range b.terms {
		v := scores[i]
		if v.DType != tensor.Float32 {
			if v, err = e.One("Cast", map[string]any{"to": tensor.Float32}, v); err != nil {
				return nil, nil, nil, err
			}
		}
		typ, err := t.Loss.Target(v.Type)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("finetune: loss at %q: %w", t.At, err)
		}
		var target *graph.Value
		if typ.Present() {
			target = &graph.Value{Name: targetPrefix + t.At, Value: ops.Value{Type: typ}}
			targets = append(targets, target)
		}
		part, err := t.Loss.emit(e, v, target, each)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("finetune: loss at %q: %w", t.At, err)
		}
		if w := t.Weight; w != 0 && w != 1 {
			if part, err = e.One("Mul", nil, part, e.Const(tensor.Scalar(float32(w)))); err != nil {
				return nil, nil, nil, err
			}
		}
		parts = append(parts, part)
	}
	if len(parts) == 1 {
		return scores, targets, parts[0], nil
	}
	loss, err = e.One("Sum", nil, parts...)
	return scores, targets, loss, err
}

// finish cuts the graph and compiles the suffix, whose outputs get the given names.
func (b *builder) finish(g *graph.Graph, e *autodiff.Emitter, shapes map[string]tensor.Shape, live, outs []*graph.Value, names []string) (*program, error) {
	batched := b.batched(g)
	named := make([]*graph.Value, len(outs))
	for i, v := range outs {
		out, err := e.One("Identity", nil, v)
		if err != nil {
			return nil, err
		}
		out.Name = names[i]
		named[i] = out
	}
	emitted := map[*graph.Node]bool{}
	for _, n := range e.Nodes {
		emitted[n] = true
	}
	g.SetOutputs(named)
	g.Nodes = append(g.Nodes, e.Nodes...)
	varies := dependsOn(g, batched)
	p := &program{b: b, shapes: shapes, graph: g}
	for _, v := range cut(g, live, emitted, b.pulled) {
		f := feature{name: v.Name, dtype: v.DType, varies: varies[v]}
		if s, ok := v.Static(); ok {
			f.shape = s
		}
		p.frontier = append(p.frontier, f)
	}
	return p, nil
}

// features runs the prefix and returns the values on the frontier, which are valid until the next call.
func (p *program) features(ctx context.Context, threads int, inputs func(string) *tensor.Tensor) (func(string) *tensor.Tensor, error) {
	if !slices.ContainsFunc(p.frontier, func(f feature) bool { return !p.isInput(f) }) {
		return inputs, nil
	}
	if p.prefix == nil {
		var err error
		if p.prefix, err = p.b.frozen(p.shapes, slices.DeleteFunc(slices.Clone(p.frontier), p.isInput)); err != nil {
			return nil, err
		}
		p.find = func(name string) *tensor.Tensor {
			if x := p.prefix.output(name); x != nil {
				return x
			}
			return p.inputs(name)
		}
	}
	p.inputs = inputs
	if err := p.prefix.run(ctx, threads, inputs); err != nil {
		return nil, err
	}
	return p.find, nil
}

// isInput reports whether f is an input of the model, which reaches the suffix as it is.
func (p *program) isInput(f feature) bool {
	_, ok := p.shapes[f.name]
	return ok
}

// frozen compiles the prefix: the nodes that the frontier depends on.
func (b *builder) frozen(shapes map[string]tensor.Shape, frontier []feature) (*stage, error) {
	g, err := b.prefixGraph(shapes, frontier)
	if err != nil {
		return nil, err
	}
	return b.compile(g, &program{})
}

func (b *builder) prefixGraph(shapes map[string]tensor.Shape, frontier []feature) (*graph.Graph, error) {
	g, err := b.resolved(shapes, nil)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(frontier))
	for i, f := range frontier {
		names[i] = f.name
	}
	outs, err := find(g, names)
	if err != nil {
		return nil, err
	}
	g.SetOutputs(outs)
	g.Prune()
	g.Inputs = slices.DeleteFunc(g.Inputs, func(v *graph.Value) bool { return !uses(g, v) })
	return g, nil
}

// uses reports whether g reads v or has it as an output.
func uses(g *graph.Graph, v *graph.Value) bool {
	if slices.Contains(g.Outputs, v) {
		return true
	}
	return slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return slices.Contains(reads(n), v) })
}
