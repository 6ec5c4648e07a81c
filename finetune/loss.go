package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Loss says how far the scores of a model are from their target. Its formulas, and how it averages, are those of the
// PyTorch loss of the same name; the first axis of the scores is the batch.
type Loss interface {
	// Name is the loss's name in specifications, such as "cross-entropy".
	Name() string
	// Target returns the element type and dimensions, with the batch axis, of the target that belongs to scores of the
	// given type: the zero Type if the loss has none. It is an error if there cannot be a loss of such scores.
	Target(scores ops.Type) (ops.Type, error)
	// emit adds the loss to a graph, in float32 or wider. It is a scalar, the mean, unless each is set: then it is a
	// vector of one loss for each sample, averaged over the other axes, without division by weights of classes.
	emit(e *autodiff.Emitter, scores, target *graph.Value, each bool) (*graph.Value, error)
}

// Scalar takes an output of the model itself as the loss: a scalar, or a vector of one loss for each sample, of which it
// takes the mean. It has no target.
type Scalar struct{}

// Name implements Loss.
func (Scalar) Name() string { return "scalar" }

// Target implements Loss.
func (Scalar) Target(scores ops.Type) (ops.Type, error) {
	if err := wantFloats("scalar", scores); err != nil {
		return ops.Type{}, err
	}
	if shape, ok := scores.Static(); scores.Rank() > 1 && !(ok && shape.Len() == 1) {
		return ops.Type{}, fmt.Errorf("finetune: scalar: the loss is %v, want a scalar or one number for each sample", scores)
	}
	return ops.Type{}, nil
}

func (l Scalar) emit(e *autodiff.Emitter, scores, target *graph.Value, each bool) (*graph.Value, error) {
	if _, err := l.Target(scores.Type); err != nil {
		return nil, err
	}
	if each && scores.Rank() == 0 {
		return nil, fmt.Errorf("finetune: scalar: %q is one number for the whole batch, want one for each sample", scores.Name)
	}
	b := &lossBuilder{e: e}
	return b.done(b.average(b.wide(scores), each))
}

// wantFloats returns an error unless t is a tensor of floating-point numbers.
func wantFloats(loss string, t ops.Type) error {
	if t.Kind != tensor.KindTensor || !t.DType.IsFloat() {
		return fmt.Errorf("finetune: %s: scores are %v, want a tensor of floating-point numbers", loss, t)
	}
	return nil
}

// wideType is the element type that losses of scores of type d are computed in.
func wideType(d tensor.DType) tensor.DType {
	if d == tensor.Float64 {
		return d
	}
	return tensor.Float32
}

// A lossBuilder emits nodes; after an error it does nothing more.
type lossBuilder struct {
	e   *autodiff.Emitter
	err error
}

// done returns v, or the first error.
func (b *lossBuilder) done(v *graph.Value) (*graph.Value, error) {
	if b.err != nil {
		return nil, b.err
	}
	return v, nil
}

func (b *lossBuilder) with(op string, attrs map[string]any, in ...*graph.Value) *graph.Value {
	return b.many(1, op, attrs, in...)[0]
}

func (b *lossBuilder) many(outputs int, op string, attrs map[string]any, in ...*graph.Value) []*graph.Value {
	if b.err == nil {
		var out []*graph.Value
		if out, b.err = b.e.Node(outputs, "", op, attrs, in...); b.err == nil {
			return out
		}
	}
	return make([]*graph.Value, outputs)
}

func (b *lossBuilder) op(name string, in ...*graph.Value) *graph.Value {
	return b.with(name, nil, in...)
}

func (b *lossBuilder) add(x, y *graph.Value) *graph.Value { return b.op("Add", x, y) }
func (b *lossBuilder) sub(x, y *graph.Value) *graph.Value { return b.op("Sub", x, y) }
func (b *lossBuilder) mul(x, y *graph.Value) *graph.Value { return b.op("Mul", x, y) }

// scale multiplies by a number.
func (b *lossBuilder) scale(x *graph.Value, by float64) *graph.Value {
	if by == 1 {
		return x
	}
	return b.mul(x, b.num(x, by))
}

// num is a scalar of the element type of like.
func (b *lossBuilder) num(like *graph.Value, v float64) *graph.Value {
	return b.nums(like, tensor.Shape{}, []float64{v})
}

// nums is a constant of the element type of like.
func (b *lossBuilder) nums(like *graph.Value, shape tensor.Shape, v []float64) *graph.Value {
	if b.err != nil {
		return nil
	}
	t, err := tensor.FromFloat64s(like.DType, shape, v)
	if err != nil {
		b.err = fmt.Errorf("finetune: %w", err)
		return nil
	}
	return b.e.Const(t)
}

func (b *lossBuilder) ints(v ...int64) *graph.Value { return b.e.Const(tensor.FromSlice(v, len(v))) }

// wide casts to the type that the loss is computed in.
func (b *lossBuilder) wide(v *graph.Value) *graph.Value {
	if b.err != nil || v.DType == tensor.Float32 || v.DType == tensor.Float64 {
		return v
	}
	return b.to(v, tensor.Float32)
}

func (b *lossBuilder) to(v *graph.Value, d tensor.DType) *graph.Value {
	if b.err != nil || v.DType == d {
		return v
	}
	return b.with("Cast", map[string]any{"to": d}, v)
}

// average is the mean of a loss over all its elements, or over those of each sample.
func (b *lossBuilder) average(v *graph.Value, each bool) *graph.Value {
	return b.collect("ReduceMean", v, each)
}

// total is the sum of a loss over all its elements, or over those of each sample.
func (b *lossBuilder) total(v *graph.Value, each bool) *graph.Value {
	return b.collect("ReduceSum", v, each)
}

func (b *lossBuilder) collect(op string, v *graph.Value, each bool) *graph.Value {
	attrs := map[string]any{"keepdims": 0}
	switch {
	case b.err != nil:
		return nil
	case !each && v.Rank() == 0 || each && v.Rank() == 1:
		return v
	case !each:
		return b.with(op, attrs, v)
	}
	return b.with(op, attrs, b.with("Flatten", map[string]any{"axis": 1}, v), b.ints(1))
}

// elementwise prepares a loss whose target has the type of the scores: it checks and widens both.
func (b *lossBuilder) elementwise(l Loss, scores, target *graph.Value) (x, t *graph.Value) {
	want, err := l.Target(scores.Type)
	if err == nil {
		err = wantTarget(l, scores, target, want)
	}
	if b.err = err; err != nil {
		return nil, nil
	}
	x = b.wide(scores)
	return x, b.to(target, wideType(scores.DType))
}

// wantTarget returns an error if the target cannot be of the wanted type. Its element type may be another one of the
// same sort.
func wantTarget(l Loss, scores, target *graph.Value, want ops.Type) error {
	bad := target == nil || target.DType.IsFloat() != want.DType.IsFloat() || target.Ranked && want.Ranked && len(target.Dims) != len(want.Dims)
	for i := 0; !bad && target.Ranked && want.Ranked && i < len(want.Dims); i++ {
		m, known := target.Dims[i].Const()
		n, fixed := want.Dims[i].Const()
		bad = known && fixed && m != n
	}
	switch {
	case target == nil:
		return fmt.Errorf("finetune: %s: no target for scores %v, want %v", l.Name(), scores.Type, want)
	case bad:
		return fmt.Errorf("finetune: %s: target is %v for scores %v, want %v", l.Name(), target.Type, scores.Type, want)
	}
	return nil
}

// sameAsScores is the Target of losses that compare number by number.
func sameAsScores(l Loss, scores ops.Type) (ops.Type, error) {
	if err := wantFloats(l.Name(), scores); err != nil {
		return ops.Type{}, err
	}
	if scores.Rank() == 0 {
		return ops.Type{}, fmt.Errorf("finetune: %s: scores are %v, want a batch axis", l.Name(), scores)
	}
	return ops.Type{DType: wideType(scores.DType), Ranked: scores.Ranked, Dims: slices.Clone(scores.Dims)}, nil
}
