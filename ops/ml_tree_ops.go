package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// TreeEnsembleClassifier and TreeEnsembleRegressor describe trees by lists of nodes; version 3 adds tensors in place of
// the lists of floats, for double precision. TreeEnsemble of version 5 replaces both.

func treeClassifierLabels(a Attrs) mlLabels {
	return mlClassLabels(a, "classlabels_int64s", "classlabels_strings")
}

func treeClassifierInfer(c *InferCtx) error {
	l := treeClassifierLabels(c.Attrs)
	return mlClassified(c, len(l.strs) > 0, l.len())
}

func treeClassifierKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) == tensor.Float64 {
		return bindTreeClassifier[float64](k)
	}
	return bindTreeClassifier[float32](k)
}

// treeClassifier is what a classifier does with the scores of a sample.
type treeClassifier[T float32 | float64] struct {
	labels   mlLabels
	post     mlPost
	base     []T
	oneClass bool // two classes, but weights for one only
	positive bool // no weight is negative
}

func bindTreeClassifier[T float32 | float64](k *KernelCtx) (Kernel, error) {
	p := &treeClassifier[T]{labels: treeClassifierLabels(k.Attrs), positive: true}
	n := p.labels.len()
	if err := p.labels.check(1); err != nil {
		return Kernel{}, err
	}
	spec, err := treeSpecOf(k.Attrs, "class", n)
	if err != nil {
		return Kernel{}, err
	}
	e, err := newTreeEnsemble[T](spec)
	if err != nil {
		return Kernel{}, err
	}
	if p.post, err = mlPostOf(k.Attrs); err != nil {
		return Kernel{}, err
	}
	base, err := attrFloats(k.Attrs, "base_values", "base_values_as_tensor")
	if err != nil {
		return Kernel{}, err
	}
	if len(base) > n {
		return Kernel{}, fmt.Errorf("ops: %d base values for %d classes", len(base), n)
	}
	for _, v := range base {
		p.base = append(p.base, T(v))
	}
	used := map[int]bool{}
	for i := range spec.nodes {
		for _, w := range spec.nodes[i].leaf {
			used[w.target] = true
			p.positive = p.positive && w.value >= 0
		}
	}
	p.oneClass = n == 2 && len(used) == 1
	if n == 1 {
		p.labels = oneLabel(p.labels)
	}
	r := &treeRun[T]{treeEnsemble: e, fold: foldSum, single: e.uniform(), finish: p.finish}
	if n > 1 {
		r.single = false
	}
	open := func(t *treeTask[T], c *Call) error {
		z, err := mlOut(c, 1, tensor.Float32, t.rows, n)
		if err != nil {
			return err
		}
		t.out = tensor.Of[float32](z)
		t.labels, err = p.labels.open(c, 0, t.rows)
		return err
	}
	return Kernel{Run: func(c *Call) error { return r.run(c, open) }, Scratch: r.scratch}, nil
}

// oneLabel are the labels of a classifier that names one class only: its name if it is a string, else whether the
// score is positive.
func oneLabel(l mlLabels) mlLabels {
	if len(l.strs) > 0 {
		return mlLabels{strs: []string{l.strs[0], l.strs[0]}}
	}
	return binaryLabels(false)
}

// finish picks the label and writes the scores of one sample.
func (p *treeClassifier[T]) finish(t *treeTask[T], row int, s []T, has []uint8) {
	n := len(s)
	out := t.out[row*n:][:n]
	if n > 2 {
		best := -1
		for i, b := range p.base {
			s[i] += b
			has[i] = 1
		}
		for i, v := range s {
			if has[i] != 0 && (best < 0 || v > s[best]) {
				best = i
			}
		}
		t.labels.put(row, max(best, 0))
		mlApplyPost(p.post, s)
		writeScores(out, s)
		return
	}
	p.finishTwo(t, row, s, has, out)
}

// finishTwo is finish for one or two classes, where a single score may stand for both.
func (p *treeClassifier[T]) finishTwo(t *treeTask[T], row int, s []T, has []uint8, out []float32) {
	n, pair := len(s), pairNone
	second := n == 2 && has[1] != 0
	switch {
	case n == 2 && len(p.base) == 2 && second:
		s[1] = p.base[1] + s[0]
		s[0] = -s[1]
	case n == 2 && len(p.base) == 2:
		s[0], s[1] = s[0]+p.base[0], s[1]+p.base[1]
	case len(p.base) >= 1:
		s[0] += p.base[0]
	case n == 2:
		pair = pairNegative
	}
	single := n == 1 || len(p.base) < 2 && !second
	positive := s[0]
	if second {
		positive = s[1]
	}
	class := 0
	if p.oneClass && p.positive {
		pair = pairProb
		if positive > 0.5 {
			class = 1
		}
	} else {
		if p.oneClass {
			pair = pairMargin
		}
		if positive > 0 {
			class = 1
		}
	}
	t.labels.put(row, class)
	if !single {
		settle(s, has)
		mlApplyPost(p.post, s)
		writeScores(out, s)
		return
	}
	a, b := mlPairScores(p.post, s[0], pair)
	out[0] = float32(a)
	if n == 2 {
		out[1] = float32(b)
	}
}

// settle zeroes the scores that no leaf has a weight for: base values do not count for them, as in other runtimes.
func settle[T float32 | float64](s []T, has []uint8) {
	for i, h := range has {
		if h == 0 {
			s[i] = 0
		}
	}
}

func writeScores[D, T float32 | float64](dst []D, s []T) {
	for i, v := range s {
		dst[i] = D(v)
	}
}

func treeRegressorInfer(c *InferCtx) error {
	n := c.IntOr("n_targets", 1)
	if n < 1 {
		return fmt.Errorf("ops: n_targets is %d", n)
	}
	return mlScores(c, n)
}

func treeRegressorKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) == tensor.Float64 {
		return bindTreeRegressor[float64](k)
	}
	return bindTreeRegressor[float32](k)
}

func bindTreeRegressor[T float32 | float64](k *KernelCtx) (Kernel, error) {
	spec, err := treeSpecOf(k.Attrs, "target", k.IntOr("n_targets", 1))
	if err != nil {
		return Kernel{}, err
	}
	post, err := mlPostOf(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	base, err := attrFloats(k.Attrs, "base_values", "base_values_as_tensor")
	if err != nil {
		return Kernel{}, err
	}
	fold := foldSum
	switch s := k.Str("aggregate_function"); s {
	case "SUM", "":
	case "AVERAGE":
		fold = foldAverage
	case "MIN":
		fold = foldMin
	case "MAX":
		fold = foldMax
	default:
		return Kernel{}, fmt.Errorf("ops: aggregate_function is %q", s)
	}
	return bindTreeScores[T](spec, base, fold, post)
}

// bindTreeScores is a kernel that puts out the scores themselves.
func bindTreeScores[T float32 | float64](spec *treeSpec, base []float64, fold treeFold, post mlPost) (Kernel, error) {
	e, err := newTreeEnsemble[T](spec)
	if err != nil {
		return Kernel{}, err
	}
	n := e.targets
	if len(base) != n {
		base = nil
	}
	if n == 1 && post != postProbit {
		post = postNone // as other runtimes do it: a single score has no transform but this
	}
	r := &treeRun[T]{treeEnsemble: e, fold: fold, single: n == 1 && e.uniform()}
	for _, b := range base {
		r.base = append(r.base, T(b))
	}
	r.finish = func(t *treeTask[T], row int, s []T, has []uint8) {
		for i, b := range r.base {
			s[i] += b
		}
		if n > 1 {
			settle(s, has)
		}
		mlApplyPost(post, s)
		if t.wide != nil {
			writeScores(t.wide[row*n:][:n], s)
			return
		}
		writeScores(t.out[row*n:][:n], s)
	}
	open := func(t *treeTask[T], c *Call) error {
		y := c.Out[0]
		if y.Len() != t.rows*n {
			return fmt.Errorf("ops: output has shape %v for %d samples", []int(y.Shape()), t.rows)
		}
		if t.out = tensor.Of[float32](y); t.out == nil {
			t.wide = tensor.Of[T](y)
		}
		return nil
	}
	return Kernel{Run: func(c *Call) error { return r.run(c, open) }, Scratch: r.scratch}, nil
}

func treeEnsembleInfer(c *InferCtx) error {
	n := c.IntOr("n_targets", 1)
	if n < 1 {
		return fmt.Errorf("ops: n_targets is %d", n)
	}
	if err := mlScores(c, n); err != nil {
		return err
	}
	c.Out[0].DType = c.Type(0).DType
	return nil
}

var treeEnsembleKernel = widened(func(k *KernelCtx) (Kernel, error) {
	spec, err := treeSpec5(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	fold, post := k.IntOr("aggregate_function", int(foldSum)), k.Int("post_transform")
	if fold < 0 || fold > int(foldMax) || post < 0 || post > int(postProbit) {
		return Kernel{}, fmt.Errorf("ops: aggregate_function %d, post_transform %d", fold, post)
	}
	if k.DType(0) == tensor.Float64 {
		return bindTreeScores[float64](spec, nil, treeFold(fold), mlPost(post))
	}
	return bindTreeScores[float32](spec, nil, treeFold(fold), mlPost(post))
})
