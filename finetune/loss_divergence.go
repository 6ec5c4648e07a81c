package finetune

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
)

// KL is the Kullback-Leibler divergence of the softmax of the scores from the distribution of a teacher, summed over the
// classes and averaged over everything else: "batchmean" for scores [N, C]. The target is like the scores.
//
// Both are softened by the Temperature T, and the loss is multiplied by T*T, so that its gradients keep their size
// (Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015).
type KL struct {
	Temperature   float64 // 0 means 1
	Probabilities bool    // the target holds probabilities, at this temperature, instead of the teacher's scores before softmax
	Axis          int     // of the classes; 0 means 1, negative ones count from the end
}

// Name implements Loss.
func (KL) Name() string { return "kl" }

// Target implements Loss.
func (l KL) Target(scores ops.Type) (ops.Type, error) {
	if !(l.Temperature >= 0) || math.IsInf(l.Temperature, 1) {
		return ops.Type{}, fmt.Errorf("finetune: kl: temperature is %v, want a positive number", l.Temperature)
	}
	if _, err := classAxis(l.Name(), scores, l.Axis, 0); err != nil {
		return ops.Type{}, err
	}
	return sameAsScores(l, scores)
}

func (l KL) emit(e *autodiff.Emitter, scores, target *graph.Value, each bool) (*graph.Value, error) {
	b := &lossBuilder{e: e}
	x, t := b.elementwise(l, scores, target)
	if b.err != nil {
		return nil, b.err
	}
	axis, err := classAxis(l.Name(), scores.Type, l.Axis, 0)
	if err != nil {
		return nil, err
	}
	temperature := l.Temperature
	if temperature == 0 {
		temperature = 1
	}
	soften := func(op string, v *graph.Value) *graph.Value {
		return b.with(op, map[string]any{"axis": axis}, b.scale(v, 1/temperature))
	}
	teacher, logs := t, b.boundedLog(t)
	if !l.Probabilities {
		teacher, logs = soften("Softmax", t), soften("LogSoftmax", t)
	}
	divergence := b.alongClasses("ReduceSum", b.mul(teacher, b.sub(logs, soften("LogSoftmax", x))), axis)
	return b.done(b.scale(b.average(divergence, each), temperature*temperature))
}

// Hinge is the loss of support vector machines: the mean of max(0, Margin - t*x) for targets t of -1 and 1, which are like
// the scores.
type Hinge struct {
	Margin float64 // 0 means 1
	// MultiClass is the form for class ids, which the target then holds: for each sample with class c the mean over all
	// classes j of max(0, Margin - x[c] + x[j]), where j = c counts as 0.
	MultiClass bool
	Axis       int // of the classes in the form for class ids; 0 means 1, negative ones count from the end
}

// Name implements Loss.
func (Hinge) Name() string { return "hinge" }

// Target implements Loss.
func (l Hinge) Target(scores ops.Type) (ops.Type, error) {
	if !(l.Margin >= 0) || math.IsInf(l.Margin, 1) {
		return ops.Type{}, fmt.Errorf("finetune: hinge: margin is %v, want a positive number", l.Margin)
	}
	if l.MultiClass {
		return classIDs(l.Name(), scores, l.Axis, 0)
	}
	return sameAsScores(l, scores)
}

func (l Hinge) emit(e *autodiff.Emitter, scores, target *graph.Value, each bool) (*graph.Value, error) {
	margin := l.Margin
	if margin == 0 {
		margin = 1
	}
	b := &lossBuilder{e: e}
	if l.MultiClass {
		return l.emitClasses(b, scores, target, margin, each)
	}
	x, t := b.elementwise(l, scores, target)
	return b.done(b.average(b.op("Relu", b.sub(b.num(x, margin), b.mul(t, x))), each))
}

// emitClasses keeps the class itself out of the sum by subtracting what it adds to it: the margin.
func (l Hinge) emitClasses(b *lossBuilder, scores, target *graph.Value, margin float64, each bool) (*graph.Value, error) {
	want, err := l.Target(scores.Type)
	if err == nil {
		err = wantTarget(l, scores, target, want)
	}
	if err != nil {
		return nil, err
	}
	axis, err := classAxis(l.Name(), scores.Type, l.Axis, 0)
	if err != nil {
		return nil, err
	}
	x := b.wide(scores)
	own := b.with("GatherElements", map[string]any{"axis": axis}, x, b.op("Unsqueeze", b.to(target, want.DType), b.ints(int64(axis))))
	above := b.op("Relu", b.add(b.sub(x, own), b.num(x, margin)))
	sum := b.sub(b.alongClasses("ReduceSum", above, axis), b.num(x, margin))
	return b.done(b.average(b.op("Div", sum, b.extent(x, axis)), each))
}

// extent is the size of an axis as a number of the element type of x.
func (b *lossBuilder) extent(x *graph.Value, axis int) *graph.Value {
	if b.err != nil {
		return nil
	}
	attrs := map[string]any{"start": axis}
	if axis != -1 {
		attrs["end"] = axis + 1
	}
	return b.to(b.with("Shape", attrs, x), x.DType)
}
