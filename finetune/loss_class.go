package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// ignoredClass is the class id that PyTorch ignores unless told otherwise.
const ignoredClass = -100

// CrossEntropy is the cross entropy of scores before softmax. The classes are axis 1 of the scores, [N, C] or
// [N, C, d...], unless Axis says otherwise: language models have scores [N, T, C] and Axis -1. The target holds int64
// class ids and lacks that axis.
//
// The mean is divided by the sum of the weights of the classes that occur, ignored ones left out: it is NaN if all are.
type CrossEntropy struct {
	Weights   []float32 // of each class; nil: all are 1
	Ignore    *int64    // class id of positions that do not count; nil: -100
	Smoothing float64   // the share of each target, from 0 to 1, that is spread evenly over all classes
	Axis      int       // of the classes; 0 means 1, negative ones count from the end
	Soft      bool      // the target holds probabilities and is like the scores; the mean is over all positions then
}

// Name implements Loss.
func (CrossEntropy) Name() string { return "cross-entropy" }

// Target implements Loss.
func (l CrossEntropy) Target(scores ops.Type) (ops.Type, error) {
	if !(l.Smoothing >= 0 && l.Smoothing <= 1) {
		return ops.Type{}, fmt.Errorf("finetune: cross-entropy: smoothing is %v, want a number from 0 to 1", l.Smoothing)
	}
	ids, err := classIDs(l.Name(), scores, l.Axis, len(l.Weights))
	if err == nil && l.Soft {
		return sameAsScores(l, scores)
	}
	return ids, err
}

func (l CrossEntropy) emit(e *autodiff.Emitter, scores, target *graph.Value, each bool) (*graph.Value, error) {
	if l.Soft {
		return l.emitSoft(e, scores, target, each)
	}
	b := &lossBuilder{e: e}
	c := b.classes(l, scores, target, l.Axis, l.Weights, l.Ignore)
	if b.err != nil {
		return nil, b.err
	}
	outputs := 1
	if l.Smoothing > 0 {
		outputs = 2
	}
	out := b.many(outputs, "SoftmaxCrossEntropyLoss", c.attrs(each), c.x, c.t, c.weights)
	loss := out[0]
	if l.Smoothing > 0 {
		smooth := c.smooth(out[1], each)
		loss = b.add(b.scale(loss, 1-l.Smoothing), b.scale(smooth, l.Smoothing))
	}
	return b.done(c.perSample(loss, each))
}

// emitSoft is the cross entropy with probabilities.
func (l CrossEntropy) emitSoft(e *autodiff.Emitter, scores, target *graph.Value, each bool) (*graph.Value, error) {
	b := &lossBuilder{e: e}
	x, t := b.elementwise(l, scores, target)
	if b.err != nil {
		return nil, b.err
	}
	axis, err := classAxis(l.Name(), scores.Type, l.Axis, len(l.Weights))
	if err != nil {
		return nil, err
	}
	logs := b.with("LogSoftmax", map[string]any{"axis": axis}, x)
	if l.Weights != nil {
		if scores.Rank() < 0 {
			return nil, fmt.Errorf("finetune: cross-entropy: scores are %v, want a known rank for weights", scores.Type)
		}
		logs = b.mul(logs, b.alongAxis(x, l.Weights, axis, scores.Rank()))
	}
	loss := b.alongClasses("ReduceSum", b.mul(t, logs), axis)
	if l.Smoothing > 0 {
		even := b.alongClasses("ReduceMean", logs, axis)
		loss = b.add(b.scale(loss, 1-l.Smoothing), b.scale(even, l.Smoothing))
	}
	return b.done(b.average(b.op("Neg", loss), each))
}

// NLL is the negative log-likelihood of scores that are logarithms of probabilities: CrossEntropy without its softmax.
type NLL struct {
	Weights []float32 // of each class; nil: all are 1
	Ignore  *int64    // class id of positions that do not count; nil: -100
	Axis    int       // of the classes; 0 means 1, negative ones count from the end
}

// Name implements Loss.
func (NLL) Name() string { return "nll" }

// Target implements Loss.
func (l NLL) Target(scores ops.Type) (ops.Type, error) {
	return classIDs(l.Name(), scores, l.Axis, len(l.Weights))
}

func (l NLL) emit(e *autodiff.Emitter, scores, target *graph.Value, each bool) (*graph.Value, error) {
	b := &lossBuilder{e: e}
	c := b.classes(l, scores, target, l.Axis, l.Weights, l.Ignore)
	if b.err != nil {
		return nil, b.err
	}
	return b.done(c.perSample(b.with("NegativeLogLikelihoodLoss", c.attrs(each), c.x, c.t, c.weights), each))
}

// classAxis returns the axis of the classes, which is not negative where the rank is known. With weights, there must be as
// many classes.
func classAxis(loss string, scores ops.Type, axis, weights int) (int, error) {
	if err := wantFloats(loss, scores); err != nil {
		return 0, err
	}
	if axis == 0 {
		axis = 1
	}
	if !scores.Ranked {
		return axis, nil
	}
	rank := scores.Rank()
	at := axis
	if axis < 0 {
		at += rank
	}
	if at < 1 || at >= rank {
		return 0, fmt.Errorf("finetune: %s: scores are %v, want a batch axis and classes on axis %d", loss, scores, axis)
	}
	if n, known := scores.Dims[at].Const(); known && weights > 0 && int64(weights) != n {
		return 0, fmt.Errorf("finetune: %s: %d weights for scores %v, want one for each of %d classes", loss, weights, scores, n)
	}
	return at, nil
}

// classIDs is the type of class ids for the given scores.
func classIDs(loss string, scores ops.Type, axis, weights int) (ops.Type, error) {
	at, err := classAxis(loss, scores, axis, weights)
	if err != nil || !scores.Ranked {
		return ops.Unranked(tensor.Int64), err
	}
	return ops.TensorType(tensor.Int64, slices.Delete(slices.Clone(scores.Dims), at, at+1)...), nil
}

// alongClasses reduces over the axis of the classes, which goes.
func (b *lossBuilder) alongClasses(op string, v *graph.Value, axis int) *graph.Value {
	return b.with(op, map[string]any{"keepdims": 0}, v, b.ints(int64(axis)))
}

// alongAxis shapes weights, of the element type of like, so that they are broadcast along an axis.
func (b *lossBuilder) alongAxis(like *graph.Value, weights []float32, axis, rank int) *graph.Value {
	shape := make(tensor.Shape, rank-axis)
	for i := range shape {
		shape[i] = 1
	}
	shape[0] = len(weights)
	return b.nums(like, shape, widened(weights))
}

func widened(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}
