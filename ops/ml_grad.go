package ops

import "github.com/onnxrun/onnxrun/tensor"

// Gradients of the operators of ai.onnx.ml that are smooth in their input; their coefficients are attributes, which do
// not train. They compute in float32 whatever their input is.

// samples is input 0 as float32 [samples, features].
func (g grads) samples() (Ref, error) {
	x := g.with("Cast", map[string]any{"to": tensor.Float32}, g.In(0))
	rank, err := g.rank(x)
	if err == nil && rank == 1 {
		x = g.op("Unsqueeze", x, g.ints(0))
	}
	return x, err
}

// numbers is a constant of float32.
func (g grads) numbers(v []float32, dims ...int) Ref { return g.Const(tensor.FromSlice(v, dims...)) }

var scalerGrad = composedGrad(func(g grads) (Ref, error) {
	x := g.with("Cast", map[string]any{"to": tensor.Float32}, g.In(0))
	if offset := g.Attrs().FloatList("offset"); len(offset) > 0 {
		x = g.sub(x, g.numbers(offset, len(offset)))
	}
	if scale := g.Attrs().FloatList("scale"); len(scale) > 0 {
		x = g.mul(x, g.numbers(scale, len(scale)))
	}
	return x, nil
})

var normalizerGrad = composedGrad(func(g grads) (Ref, error) {
	x := g.with("Cast", map[string]any{"to": tensor.Float32}, g.In(0))
	norm := map[string]string{"": "ReduceMax", "MAX": "ReduceMax", "L1": "ReduceL1", "L2": "ReduceL2"}[g.Attrs().Str("norm")]
	n := g.op(norm, x, g.ints(-1))
	return g.div(x, g.where(g.op("Equal", n, g.num(n, 0)), g.num(n, 1), n)), nil
})

// imputerGrad hands on the gradient of what was not replaced.
var imputerGrad = unaryGrad(func(g grads, dy, x, y Ref) Ref { return g.keep(g.op("Equal", x, y), dy) })

var featureVectorizerGrad = composedGrad(func(g grads) (Ref, error) {
	var parts []Ref
	for i := range g.Inputs() {
		rank, err := g.rank(g.In(i))
		if err != nil {
			return 0, err
		}
		part := g.with("Cast", map[string]any{"to": tensor.Float32}, g.In(i))
		if rank == 1 {
			part = g.op("Unsqueeze", part, g.ints(0))
		}
		parts = append(parts, part)
	}
	return g.with("Concat", map[string]any{"axis": 1}, parts...), nil
})

var arrayFeatureExtractorGrad = composedGrad(func(g grads) (Ref, error) {
	x := g.In(0)
	rank, err := g.rank(x)
	if err == nil && rank == 1 {
		x = g.op("Unsqueeze", x, g.ints(0))
	}
	return g.with("Gather", map[string]any{"axis": -1}, x, g.op("Reshape", g.In(1), g.ints(-1))), err
})

// linearScores are the scores of a linear model for a number of targets, transformed as the node says.
func (g grads) linearScores(targets int) (Ref, error) {
	m, err := newLinear(g.Attrs(), targets)
	if err != nil {
		return 0, err
	}
	x, err := g.samples()
	if err != nil {
		return 0, err
	}
	s := product{alpha: 1}.emit(g, x, g.numbers(m.coef, targets, m.width), false, true)
	s = g.add(s, g.numbers(m.intercept[:targets], targets))
	switch m.post {
	case postNone:
		return s, nil
	case postLogistic:
		return g.op("Sigmoid", s), nil
	case postSoftmax:
		return g.with("Softmax", map[string]any{"axis": -1}, s), nil
	}
	return 0, Unsupported("no gradient of post_transform=%s", g.Attrs().Str("post_transform"))
}

var linearRegressorGrad = composedGrad(func(g grads) (Ref, error) { return g.linearScores(g.Attrs().IntOr("targets", 1)) })

// linearClassifierGrad is that of the scores; the labels have none.
func linearClassifierGrad(c GradCtx) error {
	g := grads{c}
	if g.Dy(1) == 0 {
		return nil
	}
	targets, columns := linearClasses(g.Attrs())
	if columns != targets {
		return Unsupported("no gradient of a single score for two classes")
	}
	s, err := g.linearScores(targets)
	if err == nil {
		g.SetOutput(1, s)
	}
	return err
}
