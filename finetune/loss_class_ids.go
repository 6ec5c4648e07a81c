package finetune

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/graph"
)

// classLoss holds the inputs of a loss of class ids as ONNX's operators want them: the classes on axis 1.
type classLoss struct {
	b       *lossBuilder
	x       *graph.Value // scores [N, C, d...] or, where the axis of classes was moved, [positions, C]
	t       *graph.Value // class ids [N, d...] or [positions]
	weights *graph.Value // [C], nil if there are none
	ids     *graph.Value // the class ids as they came, where they were flattened
	ignore  int64
}

// classes checks and prepares the inputs of a loss of class ids.
func (b *lossBuilder) classes(l Loss, scores, target *graph.Value, axis int, weights []float32, ignore *int64) *classLoss {
	want, err := l.Target(scores.Type)
	if err == nil {
		err = wantTarget(l, scores, target, want)
	}
	var at int
	if err == nil {
		at, err = classAxis(l.Name(), scores.Type, axis, len(weights))
	}
	if b.err = err; err != nil {
		return nil
	}
	c := &classLoss{b: b, x: b.wide(scores), t: b.to(target, want.DType), ignore: ignoredClass}
	if ignore != nil {
		c.ignore = *ignore
	}
	if weights != nil {
		c.weights = b.nums(c.x, []int{len(weights)}, widened(weights))
	}
	if at != 1 {
		c.flatten(l, scores, at)
	}
	return c
}

// flatten makes the classes the last of two axes, and all else one axis of positions. Scores with the classes last are
// not copied for it.
func (c *classLoss) flatten(l Loss, scores *graph.Value, axis int) {
	rank := scores.Rank()
	if rank < 0 {
		c.b.err = fmt.Errorf("finetune: %s: scores are %v, want a known rank for classes on axis %d", l.Name(), scores.Type, axis)
		return
	}
	if axis != rank-1 {
		var perm []int64
		for i := range rank {
			if i != axis {
				perm = append(perm, int64(i))
			}
		}
		c.x = c.b.with("Transpose", map[string]any{"perm": append(perm, int64(axis))}, c.x)
	}
	c.x = c.b.with("Flatten", map[string]any{"axis": rank - 1}, c.x)
	c.ids = c.t
	c.t = c.b.op("Reshape", c.t, c.b.ints(-1))
}

func (c *classLoss) attrs(each bool) map[string]any {
	reduction := "mean"
	if each {
		reduction = "none"
	}
	return map[string]any{"reduction": reduction, "ignore_index": c.ignore}
}

// perSample averages a loss of each position over the positions of a sample.
func (c *classLoss) perSample(loss *graph.Value, each bool) *graph.Value {
	if !each {
		return loss
	}
	if c.ids != nil {
		loss = c.b.op("Reshape", loss, c.b.op("Shape", c.ids))
	}
	return c.b.average(loss, true)
}

// smooth is the loss of a target that is spread evenly over all classes, from logarithms of probabilities [N, C, d...]:
// zero at ignored positions. Its mean is divided by the same sum of weights as the loss itself.
func (c *classLoss) smooth(logs *graph.Value, each bool) *graph.Value {
	b := c.b
	if b.err != nil {
		return nil
	}
	if c.weights != nil {
		if logs.Rank() < 0 {
			b.err = fmt.Errorf("finetune: %q is %v, want a known rank for smoothing with weights", logs.Name, logs.Type)
			return nil
		}
		shaped := c.weights
		for range logs.Rank() - 2 {
			shaped = b.op("Unsqueeze", shaped, b.ints(-1))
		}
		logs = b.mul(logs, shaped)
	}
	even := b.op("Neg", b.alongClasses("ReduceMean", logs, 1))
	zero := b.num(c.x, 0)
	ignored := b.op("Equal", c.t, b.ints(c.ignore))
	even = b.op("Where", ignored, zero, even)
	if each {
		return even
	}
	used := b.num(c.x, 1)
	if c.weights != nil {
		used = b.op("Gather", c.weights, b.op("Where", ignored, b.ints(0), c.t))
	}
	return b.op("Div", b.total(even, false), b.total(b.op("Where", ignored, zero, used), false))
}
