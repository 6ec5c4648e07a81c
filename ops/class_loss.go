package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/tensor"
)

// classLossInfer infers NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: scores [N, C, ...], labels [N, ...].
func classLossInfer(c *InferCtx) error {
	x, target := c.Type(0), c.Type(1)
	c.SetType(1, x)
	if x.Ranked && len(x.Dims) < 2 {
		return fmt.Errorf("ops: scores are %v, want at least 2 axes", x)
	}
	if x.Ranked && target.Ranked && len(target.Dims) != len(x.Dims)-1 {
		return fmt.Errorf("ops: labels are %v for scores %v, want one axis less", target, x)
	}
	switch r := c.Str("reduction"); r {
	case "none":
		t := target
		t.DType = x.DType
		c.SetType(0, t)
	case "mean", "sum", "":
		c.Set(0, x.DType)
	default:
		return fmt.Errorf("ops: reduction is %q, want none, mean or sum", r)
	}
	return nil
}

// classLoss is a bound loss of labels.
type classLoss[T float32 | float64] struct {
	softmax    bool // the scores are not logarithms of probabilities yet
	reduction  string
	ignore     int64
	hasIgnored bool
	log        func(dst, src []T, outer, n, inner, threads int)
}

func classLossOf(softmax bool) func(*KernelCtx) (Kernel, error) {
	return widened(func(k *KernelCtx) (Kernel, error) {
		switch k.DType(0) {
		case tensor.Float32:
			return bindClassLoss(k, softmax, reduce.LogSoftmaxAxis), nil
		case tensor.Float64:
			return bindClassLoss(k, softmax, func(dst, src []float64, outer, n, inner, _ int) {
				reduce.SoftmaxOf(dst, src, outer, n, inner, true)
			}), nil
		}
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	})
}

func bindClassLoss[T float32 | float64](k *KernelCtx, softmax bool, log func(dst, src []T, outer, n, inner, threads int)) Kernel {
	l := &classLoss[T]{softmax: softmax, reduction: k.Str("reduction"), hasIgnored: k.HasAttr("ignore_index"), log: log}
	l.ignore = int64(k.Int("ignore_index"))
	return Kernel{Run: l.run, Scratch: l.scratch}
}

// scratch returns the room for logarithms of probabilities that are no output.
func (l *classLoss[T]) scratch(c *Call) int {
	if l.softmax && part(c.Out, 1) == nil {
		return 8 * c.In[0].Len()
	}
	return 0
}

func (l *classLoss[T]) run(c *Call) error {
	s := c.In[0].Shape()
	if len(s) < 2 {
		return fmt.Errorf("ops: scores have shape %v, want at least 2 axes", s)
	}
	batch, classes, inner := s[0], s[1], s[2:].Len()
	x := tensor.Of[T](c.In[0])
	if l.softmax {
		var logs []T
		if t := part(c.Out, 1); t != nil {
			logs = tensor.Of[T](t)
		} else {
			logs = scratchOf[T](c.Scratch, len(x))
		}
		if len(x) > 0 {
			l.log(logs, x, batch, classes, inner, c.Threads)
		}
		x = logs
	}
	labels := c.In[1]
	var weights []T
	if w := input(c, 2); w != nil {
		if weights = tensor.Of[T](w); len(weights) != classes {
			return fmt.Errorf("ops: weights have shape %v, want [%d]", w.Shape(), classes)
		}
	}
	each := tensor.Of[T](c.Out[0])
	if labels.Len() != batch*inner || l.reduction == "none" && len(each) != batch*inner {
		return fmt.Errorf("ops: labels have shape %v for scores %v", labels.Shape(), s)
	}
	var sum, total float64
	list := labelsOf(labels)
	for i := range labels.Len() {
		loss, weight, err := l.one(x, weights, list.at(i), i, classes, inner)
		if err != nil {
			return err
		}
		sum += loss
		total += weight
		if l.reduction == "none" {
			each[i] = T(loss)
		}
	}
	switch l.reduction {
	case "none":
	case "sum":
		each[0] = T(sum)
	default:
		each[0] = T(sum / total)
	}
	return nil
}

// one returns the weighted loss of label number i and its weight.
func (l *classLoss[T]) one(x, weights []T, label int64, i, classes, inner int) (loss, weight float64, err error) {
	if l.hasIgnored && label == l.ignore {
		return 0, 0, nil
	}
	if label < 0 || label >= int64(classes) {
		return 0, 0, fmt.Errorf("ops: label is %d, want one of %d classes", label, classes)
	}
	weight = 1
	if weights != nil {
		weight = float64(weights[label])
	}
	return -weight * float64(x[(i/inner*classes+int(label))*inner+i%inner]), weight, nil
}

// labelIDs reads labels of either type.
type labelIDs struct {
	wide   []int64
	narrow []int32
}

func labelsOf(t *tensor.Tensor) labelIDs {
	if t.DType() == tensor.Int32 {
		return labelIDs{narrow: tensor.Of[int32](t)}
	}
	return labelIDs{wide: tensor.Of[int64](t)}
}

func (l *labelIDs) at(i int) int64 {
	if l.narrow != nil {
		return int64(l.narrow[i])
	}
	return l.wide[i]
}
