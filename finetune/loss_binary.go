package finetune

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// BCE is the binary cross entropy of probabilities: the mean of -t*log(p) - (1-t)*log(1-p). The target is like the scores,
// with numbers from 0 to 1. Logarithms are cut at -100, and the gradient is zero there, as that of a saturated sigmoid.
type BCE struct{}

// Name implements Loss.
func (BCE) Name() string { return "bce" }

// Target implements Loss.
func (l BCE) Target(scores ops.Type) (ops.Type, error) { return sameAsScores(l, scores) }

func (l BCE) emit(e *autodiff.Emitter, scores, target *graph.Value, each bool) (*graph.Value, error) {
	b := &lossBuilder{e: e}
	p, t := b.elementwise(l, scores, target)
	one := b.num(p, 1)
	yes := b.mul(t, b.boundedLog(p))
	no := b.mul(b.sub(one, t), b.boundedLog(b.sub(one, p)))
	return b.done(b.average(b.op("Neg", b.add(yes, no)), each))
}

// boundedLog is the logarithm, -100 below the smallest normal number. It has no infinite slopes: a gradient that is zero
// stays zero.
func (b *lossBuilder) boundedLog(p *graph.Value) *graph.Value {
	const smallestNormal = 0x1p-126
	if b.err != nil {
		return nil
	}
	least := max(math.Exp(-100), smallestNormal)
	if p.DType == tensor.Float64 {
		least = math.Exp(-100)
	}
	log := b.op("Log", b.op("Clip", p, b.num(p, least), nil))
	return b.op("Where", b.op("Less", p, b.num(p, least)), b.num(p, -100), log)
}

// BCEWithLogits is the binary cross entropy of scores before the sigmoid. The target is like the scores, with numbers
// from 0 to 1.
type BCEWithLogits struct {
	PosWeight []float32 // weight of positive targets: one number, or one for each class
	Axis      int       // of the classes that PosWeight is for; 0 means 1, -1 the last one
}

// Name implements Loss.
func (BCEWithLogits) Name() string { return "bce-with-logits" }

// Target implements Loss.
func (l BCEWithLogits) Target(scores ops.Type) (ops.Type, error) {
	t, err := sameAsScores(l, scores)
	if err == nil && len(l.PosWeight) > 1 {
		_, err = classAxis(l.Name(), scores, l.Axis, len(l.PosWeight))
	}
	return t, err
}

// The loss is (1-t)*softplus(x) + w*t*softplus(-x): no term overflows, and for targets of 0 and 1 none cancels another.
func (l BCEWithLogits) emit(e *autodiff.Emitter, scores, target *graph.Value, each bool) (*graph.Value, error) {
	b := &lossBuilder{e: e}
	x, t := b.elementwise(l, scores, target)
	if b.err != nil {
		return nil, b.err
	}
	no := b.mul(b.sub(b.num(x, 1), t), b.op("Softplus", x))
	yes := b.mul(t, b.op("Softplus", b.op("Neg", x)))
	switch {
	case len(l.PosWeight) == 1:
		yes = b.scale(yes, float64(l.PosWeight[0]))
	case len(l.PosWeight) > 1:
		if scores.Rank() < 0 {
			return nil, fmt.Errorf("finetune: bce-with-logits: scores are %v, want a known rank for a weight of each class", scores.Type)
		}
		axis, err := classAxis(l.Name(), scores.Type, l.Axis, len(l.PosWeight))
		if err != nil {
			return nil, err
		}
		yes = b.mul(yes, b.alongAxis(x, l.PosWeight, axis, scores.Rank()))
	}
	return b.done(b.average(b.add(no, yes), each))
}
