package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/finetune/metric"
	"github.com/onnxrun/onnxrun/tensor"
)

type taskKind int

const (
	noTask     taskKind = iota
	classTask           // one class of each position
	labelTask           // labels that hold or do not
	numberTask          // real numbers
)

// A task is what the scores of a loss stand for.
type task struct {
	kind   taskKind
	scores metric.Kind
	axis   int     // of the classes; 0 means 1, negative ones count from the end
	ignore []int64 // class ids that do not count
	soft   bool    // targets are distributions over classes: the largest is the class
}

func taskOf(l Loss) task {
	ignored := func(id *int64) []int64 {
		if id == nil {
			return []int64{ignoredClass}
		}
		return []int64{*id}
	}
	switch l := l.(type) {
	case CrossEntropy:
		return task{kind: classTask, axis: l.Axis, ignore: ignored(l.Ignore), soft: l.Soft}
	case NLL:
		return task{kind: classTask, axis: l.Axis, ignore: ignored(l.Ignore)} // log probabilities are logits
	case KL:
		return task{kind: classTask, axis: l.Axis, soft: true}
	case Hinge:
		if l.MultiClass {
			return task{kind: classTask, scores: metric.Margins, axis: l.Axis}
		}
		return task{kind: labelTask, scores: metric.Margins}
	case BCE:
		return task{kind: labelTask, scores: metric.Probabilities}
	case BCEWithLogits:
		return task{kind: labelTask, axis: l.Axis}
	case MSE, L1, Huber:
		return task{kind: numberTask}
	}
	return task{}
}

// maxColumns is the most numbers of a sample that are columns of their own.
const maxColumns = 1024

// A scoreBatch is a batch as accumulators take it.
type scoreBatch struct {
	columns, positions int
	scores             []float32 // [n, columns, positions]
	ids                []int64   // [n, positions], of a classification
	targets            []float32 // like the scores, of others
}

// batch brings scores and target into the form of the task.
func (t task) batch(scores, target *tensor.Tensor) (scoreBatch, error) {
	shape := scores.Shape()
	if scores.Kind() != tensor.KindTensor || !scores.DType().IsFloat() || len(shape) == 0 {
		return scoreBatch{}, fmt.Errorf("finetune: meter: scores are %v of shape %v, want floating-point numbers with a batch axis", scores.DType(), shape)
	}
	if target == nil || target.Kind() != tensor.KindTensor {
		return scoreBatch{}, fmt.Errorf("finetune: meter: scores of shape %v without a target", shape)
	}
	b := scoreBatch{scores: float32s(scores), positions: 1, columns: max(1, shape[1:].Len())}
	if t.kind == classTask && !t.soft {
		return t.classBatch(b, shape, target)
	}
	if !slices.Equal(target.Shape(), shape) {
		return scoreBatch{}, fmt.Errorf("finetune: meter: the target has shape %v, want that of the scores, %v", target.Shape(), shape)
	}
	b.targets = float32s(target)
	switch t.kind {
	case classTask:
		return t.softBatch(b, shape)
	case labelTask:
		return t.labelBatch(b, shape)
	}
	if b.columns > maxColumns {
		b.columns = 1
	}
	return b, nil
}

// split finds the classes among the axes: scores are [outer, columns, positions].
func (t task) split(b *scoreBatch, shape tensor.Shape) error {
	axis := t.axis
	if axis == 0 {
		axis = 1
	}
	if axis < 0 {
		axis += len(shape)
	}
	if axis < 1 || axis >= len(shape) {
		return fmt.Errorf("finetune: meter: scores have shape %v, want classes on axis %d", shape, axis)
	}
	b.columns, b.positions = shape[axis], shape[axis+1:].Len()
	if b.positions == 0 || b.columns == 0 {
		return fmt.Errorf("finetune: meter: scores of shape %v hold none", shape)
	}
	return nil
}

func (t task) classBatch(b scoreBatch, shape tensor.Shape, target *tensor.Tensor) (scoreBatch, error) {
	if err := t.split(&b, shape); err != nil {
		return b, err
	}
	if target.Len()*b.columns != len(b.scores) {
		return b, fmt.Errorf("finetune: meter: the target has shape %v, want one class for each position of scores %v", target.Shape(), shape)
	}
	if target.DType() == tensor.Int64 {
		b.ids = tensor.Of[int64](target)
		return b, nil
	}
	b.ids = make([]int64, target.Len())
	for i, v := range tensor.Float64s(target, target.Len()) {
		b.ids[i] = int64(v)
	}
	return b, nil
}

// softBatch takes the class that a distribution, or a teacher's scores, favour.
func (t task) softBatch(b scoreBatch, shape tensor.Shape) (scoreBatch, error) {
	if err := t.split(&b, shape); err != nil {
		return b, err
	}
	b.ids = make([]int64, len(b.targets)/b.columns)
	for i := range b.ids {
		first := i/b.positions*b.positions*b.columns + i%b.positions
		for k := range b.columns {
			if b.targets[first+k*b.positions] > b.targets[first+int(b.ids[i])*b.positions] {
				b.ids[i] = int64(k)
			}
		}
	}
	return b, nil
}

// labelBatch turns a single score for each sample or position into a classification with two classes, and positions of
// several labels into samples.
func (t task) labelBatch(b scoreBatch, shape tensor.Shape) (scoreBatch, error) {
	if b.columns > 1 {
		if err := t.split(&b, shape); err != nil {
			return b, err
		}
	}
	if b.columns == 1 {
		b.ids = make([]int64, len(b.targets))
		for i, v := range b.targets {
			if v > t.threshold() {
				b.ids[i] = 1
			}
		}
		return b, nil
	}
	b.scores, b.targets = columnsLast(b.scores, b), columnsLast(b.targets, b)
	if t.scores == metric.Margins {
		for i, v := range b.targets {
			b.targets[i] = (v + 1) / 2
		}
	}
	b.positions = 1
	return b, nil
}

// threshold is what a target that holds is above: those of margins are -1 and 1, the others 0 and 1.
func (t task) threshold() float32 {
	if t.scores == metric.Margins {
		return 0
	}
	return 0.5
}

// columnsLast copies [n, columns, positions] to [n, positions, columns].
func columnsLast(v []float32, b scoreBatch) []float32 {
	out := make([]float32, len(v))
	size := b.columns * b.positions
	for i, x := range v {
		n, k, at := i/size, i/b.positions%b.columns, i%b.positions
		out[n*size+at*b.columns+k] = x
	}
	return out
}

// float32s returns the elements of a numeric tensor, in place where they are float32.
func float32s(t *tensor.Tensor) []float32 {
	if t.DType() == tensor.Float32 {
		return tensor.Of[float32](t)
	}
	out := make([]float32, t.Len())
	for i, v := range tensor.Float64s(t, t.Len()) {
		out[i] = float32(v)
	}
	return out
}
