package finetune

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
)

// MSE is the mean of squared differences. The target is like the scores.
type MSE struct {
	Half bool // half the sum of squared differences instead, over all elements: for each sample over its own
}

// Name implements Loss.
func (MSE) Name() string { return "mse" }

// Target implements Loss.
func (l MSE) Target(scores ops.Type) (ops.Type, error) { return sameAsScores(l, scores) }

func (l MSE) emit(e *autodiff.Emitter, scores, target *graph.Value, each bool) (*graph.Value, error) {
	b := &lossBuilder{e: e}
	x, t := b.elementwise(l, scores, target)
	d := b.sub(x, t)
	square := b.mul(d, d)
	if l.Half {
		return b.done(b.scale(b.total(square, each), 0.5))
	}
	return b.done(b.average(square, each))
}

// L1 is the mean of absolute differences. The target is like the scores. The gradient of no difference is zero.
type L1 struct{}

// Name implements Loss.
func (L1) Name() string { return "l1" }

// Target implements Loss.
func (l L1) Target(scores ops.Type) (ops.Type, error) { return sameAsScores(l, scores) }

func (l L1) emit(e *autodiff.Emitter, scores, target *graph.Value, each bool) (*graph.Value, error) {
	b := &lossBuilder{e: e}
	x, t := b.elementwise(l, scores, target)
	return b.done(b.average(b.op("Abs", b.sub(x, t)), each))
}

// Huber is the mean of d*d/2 for differences |d| <= Delta, and of Delta*(|d| - Delta/2) for larger ones. The target is
// like the scores.
type Huber struct {
	Delta float64 // 0 means 1
}

// Name implements Loss.
func (Huber) Name() string { return "huber" }

// Target implements Loss.
func (l Huber) Target(scores ops.Type) (ops.Type, error) { return sameAsScores(l, scores) }

func (l Huber) emit(e *autodiff.Emitter, scores, target *graph.Value, each bool) (*graph.Value, error) {
	delta := l.Delta
	if delta == 0 {
		delta = 1
	}
	if !(delta > 0) {
		return nil, fmt.Errorf("finetune: huber: delta is %v, want a positive number", l.Delta)
	}
	b := &lossBuilder{e: e}
	x, t := b.elementwise(l, scores, target)
	d := b.op("Abs", b.sub(x, t))
	// With m = min(|d|, delta) both pieces are m*(|d| - m/2), whose derivative by |d| is m.
	m := b.op("Clip", d, nil, b.num(x, delta))
	return b.done(b.average(b.mul(m, b.sub(d, b.scale(m, 0.5))), each))
}
