package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// ClassLossGrad of the onnxrun domain is the gradient of NegativeLogLikelihoodLoss: from that of the loss, the labels,
// and optional weights of classes it makes one like the scores, whose shape is the last input.

func nllGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.classLoss(dy, x) })(c)
}

// softmaxLossGrad goes through the logarithm of softmax, which is the second output and may have a gradient of its
// own.
func softmaxLossGrad(c GradCtx) error {
	g := grads{c}
	if !g.Wants(0) || g.Dy(0) == 0 && g.Dy(1) == 0 {
		return nil
	}
	d := g.Dy(1)
	if d == 0 && g.Of(g.In(0)).DType == tensor.Float32 && g.Of(g.Dy(0)).DType == tensor.Float32 {
		g.SetGrad(0, g.own("SoftmaxLossGrad", g.classLossAttrs(), g.Dy(0), g.In(1), g.In(2), g.Save(1)))
		return nil
	}
	if g.Dy(0) != 0 {
		loss := g.classLoss(g.Dy(0), g.In(0))
		if d == 0 {
			d = loss
		} else {
			d = g.add(d, loss)
		}
	}
	sum := g.op("ReduceSum", d, g.ints(1))
	g.SetGrad(0, g.sub(d, g.mul(g.op("Exp", g.Save(1)), sum)))
	return nil
}

func (g grads) classLoss(dy, x Ref) Ref {
	return g.own("ClassLossGrad", g.classLossAttrs(), dy, g.In(1), g.In(2), g.shape(x))
}

func (g grads) classLossAttrs() map[string]any {
	attrs := map[string]any{"reduction": g.Attrs().Str("reduction")}
	if a := g.Attrs().Find("ignore_index"); a != nil {
		attrs["ignore_index"] = a.I
	}
	return attrs
}

func classLossGradInfer(c *InferCtx) error { return shapedInfer(c, 3) }

var classLossGradKernel = widened(func(k *KernelCtx) (Kernel, error) {
	switch k.DType(0) {
	case tensor.Float32:
		return classLossGradOf[float32](k), nil
	case tensor.Float64:
		return classLossGradOf[float64](k), nil
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
})

// classLossGrad is a bound ClassLossGrad.
type classLossGrad[T float32 | float64] struct{ classLoss[T] }

func classLossGradOf[T float32 | float64](k *KernelCtx) Kernel {
	l := &classLossGrad[T]{classLoss[T]{reduction: k.Str("reduction"), hasIgnored: k.HasAttr("ignore_index"), ignore: int64(k.Int("ignore_index"))}}
	return Kernel{Run: l.run}
}

func (l *classLossGrad[T]) run(c *Call) error {
	y, err := shapedOut(c, 3)
	if err != nil {
		return err
	}
	s := y.Shape()
	if len(s) < 2 {
		return fmt.Errorf("ops: scores have shape %v, want at least 2 axes", s)
	}
	classes, inner := s[1], s[2:].Len()
	labels, dy, dx := c.In[1], tensor.Of[T](c.In[0]), tensor.Of[T](y)
	var weights []T
	if w := c.In[2]; w != nil {
		if weights = tensor.Of[T](w); len(weights) != classes {
			return fmt.Errorf("ops: weights have shape %v, want [%d]", w.Shape(), classes)
		}
	}
	each := l.reduction == "none"
	if labels.Len() != s[0]*inner || each && len(dy) != labels.Len() || !each && len(dy) != 1 {
		return fmt.Errorf("ops: gradient %v and labels %v for scores %v", c.In[0].Shape(), labels.Shape(), s)
	}
	clear(dx)
	total, list := 0.0, labelsOf(labels)
	for i := range labels.Len() {
		_, weight, err := l.one(dx, weights, list.at(i), i, classes, inner)
		if err != nil {
			return err
		}
		total += weight
	}
	if l.reduction == "sum" || each {
		total = 1
	}
	for i := range labels.Len() {
		label := list.at(i)
		_, weight, _ := l.one(dx, weights, label, i, classes, inner)
		if weight == 0 {
			continue
		}
		d := dy[0]
		if each {
			d = dy[i]
		}
		dx[(i/inner*classes+int(label))*inner+i%inner] = T(-weight / total * float64(d))
	}
	return nil
}
