package ops

// Gradients of the operators of com.microsoft that begin with a bias.

// biasSumGrad is the rule of BiasAdd and BiasDropout: sums of the first three inputs, as far as they are there.
func biasSumGrad(c GradCtx) error {
	g := grads{c}
	if dy := g.Dy(0); dy != 0 {
		for i := range min(3, g.Inputs()) {
			g.setSum(i, func() Ref { return dy })
		}
	}
	return nil
}

var biasSoftmaxGrad = composedGrad(func(g grads) (Ref, error) {
	sum := g.add(g.In(0), g.In(1))
	rank, err := g.rank(sum)
	if err != nil {
		return 0, err
	}
	axis, err := flatAxis(g.Attrs().Int("axis"), rank)
	if err != nil {
		return 0, err
	}
	return g.like(g.with("Softmax", map[string]any{"axis": 1}, g.with("Flatten", map[string]any{"axis": axis}, sum)), g.In(0)), nil
})

var biasSplitGeluGrad = composedGrad(func(g grads) (Ref, error) {
	halves := g.EmitAll(2, "", "Split", map[string]any{"axis": -1, "num_outputs": 2}, g.add(g.In(0), g.In(1)))
	return g.mul(halves[0], g.op("Gelu", halves[1])), nil
})

// gemmGeluGrad is the rule of GemmFastGelu.
var gemmGeluGrad = composedGrad(func(g grads) (Ref, error) {
	y := g.op("MatMul", g.In(0), g.In(1))
	if bias := g.In(2); bias != 0 {
		y = g.add(y, bias)
	}
	return g.with("Gelu", map[string]any{"approximate": "tanh"}, y), nil
})
