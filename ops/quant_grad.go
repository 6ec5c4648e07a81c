package ops

import "github.com/onnxrun/onnxrun/tensor"

// Operators between codes are differentiated straight through: as the operators between the numbers that the codes
// stand for, followed by QuantizeLinear where they make codes. Codes that are constant, such as weights, count as
// constant numbers.

// number is what the codes in input i stand for, with the scale and the zero point in inputs s and z, which
// broadcast. Without scale (s < 0) it is the difference from the zero point.
func (g grads) number(i, s, z int, along func(v Ref) Ref) Ref {
	like := g.Const(tensor.Scalar(float32(0)))
	if s >= 0 {
		like = g.In(s)
	}
	x := g.op("CastLike", g.In(i), like)
	if zero := g.In(z); zero != 0 {
		x = g.sub(x, g.op("CastLike", along(zero), like))
	}
	if s >= 0 {
		x = g.mul(x, along(like))
	}
	return x
}

// plain is number for three inputs in a row whose scale is one number.
func (g grads) plain(i int) Ref { return g.number(i, i+1, i+2, g.single) }

// single makes a scalar of a list of one element and leaves longer ones alone.
func (g grads) single(v Ref) Ref {
	if n, ok := g.Of(v).Static(); ok && len(n) == 1 && n[0] == 1 {
		return g.op("Reshape", v, g.Const(tensor.New(tensor.Int64, 0)))
	}
	return v
}

// column turns a list with an element for each row of a matrix into a column.
func (g grads) column(v Ref) Ref {
	v = g.single(v)
	if len(g.Of(v).Dims) == 1 {
		return g.op("Unsqueeze", v, g.ints(1))
	}
	return v
}

// coded quantises y with the scale and the zero point in inputs i and i+1.
func (g grads) coded(y Ref, i int) Ref {
	zero := g.In(i + 1)
	if zero != 0 {
		zero = g.single(zero)
	}
	return g.op("QuantizeLinear", y, g.single(g.In(i)), zero)
}

// codedGrad makes the rule of an operator on the codes in inputs 0 to 2 that quantises with inputs 3 and 4.
func codedGrad(f func(g grads, x Ref) (Ref, error)) func(GradCtx) error {
	return composedGrad(func(g grads) (Ref, error) {
		y, err := f(g, g.plain(0))
		if err != nil {
			return 0, err
		}
		return g.coded(y, 3), nil
	})
}

// codedPairGrad makes the rule of a binary operator on the codes in inputs 0 to 2 and 3 to 5.
func codedPairGrad(op string) func(GradCtx) error {
	return composedGrad(func(g grads) (Ref, error) { return g.coded(g.op(op, g.plain(0), g.plain(3)), 6), nil })
}

// channelsFirst lets f work on x with its channels brought forward, if the node says that they come last.
func (g grads) channelsFirst(x Ref, f func(x Ref) Ref) (Ref, error) {
	if !g.Attrs().Bool("channels_last") {
		return f(x), nil
	}
	rank, err := g.rank(x)
	if err != nil {
		return 0, err
	}
	return g.channelsLastOf(f(g.channelsSecondOf(x, rank)), rank), nil
}

var (
	qlinearAddGrad = codedPairGrad("Add")
	qlinearMulGrad = codedPairGrad("Mul")

	qlinearSigmoidGrad = codedGrad(func(g grads, x Ref) (Ref, error) { return g.op("Sigmoid", x), nil })

	qlinearLeakyReluGrad = codedGrad(func(g grads, x Ref) (Ref, error) {
		return g.with("LeakyRelu", map[string]any{"alpha": g.Attrs().Float("alpha")}, x), nil
	})
	qlinearReduceMeanGrad = codedGrad(func(g grads, x Ref) (Ref, error) {
		axes := Ref(0)
		if list := g.Attrs().IntList("axes"); len(list) > 0 {
			axes = g.ints(list...)
		}
		return g.with("ReduceMean", map[string]any{"keepdims": g.Attrs().IntOr("keepdims", 1)}, x, axes), nil
	})
	qlinearAveragePoolGrad = codedGrad(func(g grads, x Ref) (Ref, error) {
		attrs := g.Attrs().values()
		delete(attrs, "channels_last")
		return g.channelsFirst(x, func(x Ref) Ref { return g.with("AveragePool", attrs, x) })
	})
	qlinearGlobalAveragePoolGrad = codedGrad(func(g grads, x Ref) (Ref, error) {
		return g.channelsFirst(x, func(x Ref) Ref { return g.op("GlobalAveragePool", x) })
	})
	qlinearSoftmaxGrad = codedGrad(func(g grads, x Ref) (Ref, error) {
		axis := g.Attrs().IntOr("axis", -1)
		if g.Attrs().Int("opset") >= 13 {
			return g.with("Softmax", map[string]any{"axis": axis}, x), nil
		}
		rank, err := g.rank(x)
		if err != nil {
			return 0, err
		}
		if axis, err = flatAxis(axis, rank); err != nil {
			return 0, err
		}
		return g.like(g.with("Softmax", map[string]any{"axis": 1}, g.with("Flatten", map[string]any{"axis": axis}, x)), x), nil
	})
	qlinearConcatGrad = composedGrad(func(g grads) (Ref, error) {
		var parts []Ref
		for i := 2; i+2 < g.Inputs(); i += 3 {
			parts = append(parts, g.plain(i))
		}
		return g.coded(g.with("Concat", map[string]any{"axis": g.Attrs().Int("axis")}, parts...), 0), nil
	})
	qlinearWhereGrad = composedGrad(func(g grads) (Ref, error) { return g.coded(g.where(g.In(0), g.plain(1), g.plain(4)), 7), nil })
)

// dynamicQuantizeGrad takes the range that scale and zero point come from as constant: nothing is cut off.
var dynamicQuantizeGrad = composedGrad(func(g grads) (Ref, error) { return g.div(g.In(0), g.Save(1)), nil })

// nhwcMaxPoolGrad is the rule of a pool over codes, which come out as they went in.
var nhwcMaxPoolGrad = composedGrad(func(g grads) (Ref, error) {
	rank, err := g.rank(g.In(0))
	if err != nil {
		return 0, err
	}
	x := g.op("CastLike", g.In(0), g.Dy(0))
	return g.channelsLastOf(g.with("MaxPool", g.Attrs().values(), g.channelsSecondOf(x, rank)), rank), nil
})

// Products of codes. The scales of the right-hand side may be one for each column.

var (
	matmulIntegerGrad = composedGrad(func(g grads) (Ref, error) {
		return g.op("MatMul", g.number(0, -1, 2, g.column), g.number(1, -1, 3, g.single)), nil
	})
	qlinearMatMulGrad = composedGrad(func(g grads) (Ref, error) {
		return g.coded(g.op("MatMul", g.number(0, 1, 2, g.column), g.number(3, 4, 5, g.single)), 6), nil
	})
	matmulToFloatGrad = composedGrad(func(g grads) (Ref, error) {
		return g.biased(g.op("MatMul", g.number(0, 2, 4, g.column), g.number(1, 3, 5, g.single)), 6), nil
	})
	dynamicMatMulGrad = composedGrad(func(g grads) (Ref, error) {
		return g.biased(g.op("MatMul", g.In(0), g.number(1, 2, 3, g.single)), 4), nil
	})
	qgemmGrad = composedGrad(func(g grads) (Ref, error) {
		a := g.Attrs()
		along := g.single // scales of columns of b are those of its rows where it is transposed
		if a.Bool("transB") {
			along = g.column
		}
		alpha := a.Float("alpha")
		y := product{alpha: alpha}.emit(g, g.plain(0), g.number(3, 4, 5, along), a.Bool("transA"), a.Bool("transB"))
		if bias := g.In(6); bias != 0 {
			y = g.add(y, g.scale(g.mul(g.op("CastLike", bias, g.In(1)), g.single(g.In(1)), g.single(g.In(4))), float64(alpha)))
		}
		if g.In(7) == 0 {
			return y, nil
		}
		return g.coded(y, 7), nil
	})
)

// biased adds input i, if there is one.
func (g grads) biased(y Ref, i int) Ref {
	if bias := g.In(i); bias != 0 {
		return g.add(y, bias)
	}
	return y
}

// Convolutions of codes. Scales and zero points of the filter may be one for each output channel.

var convIntegerGrad = composedGrad(func(g grads) (Ref, error) {
	rank, err := g.rank(g.In(1))
	if err != nil {
		return 0, err
	}
	x, w := g.number(0, -1, 2, g.single), g.number(1, -1, 3, g.filters(rank))
	return g.with("Conv", convGradAttrs(g.Attrs(), false), x, w), nil
})

var qlinearConvGrad = composedGrad(func(g grads) (Ref, error) {
	rank, err := g.rank(g.In(3))
	if err != nil {
		return 0, err
	}
	w, bias := g.number(3, 4, 5, g.filters(rank)), g.In(8)
	if bias != 0 {
		bias = g.mul(g.op("CastLike", bias, g.In(1)), g.mul(g.single(g.In(1)), g.single(g.In(4))))
	}
	y, err := g.channelsFirst(g.plain(0), func(x Ref) Ref { return g.with("Conv", convGradAttrs(g.Attrs(), false), x, w, bias) })
	if err != nil {
		return 0, err
	}
	return g.coded(y, 6), nil
})

// filters brings a list with an element for each filter to the rank of the filters.
func (g grads) filters(rank int) func(v Ref) Ref {
	axes := make([]int64, rank-1)
	for i := range axes {
		axes[i] = int64(i + 1)
	}
	return func(v Ref) Ref {
		v = g.single(v)
		if len(g.Of(v).Dims) == 1 {
			return g.op("Unsqueeze", v, g.ints(axes...))
		}
		return v
	}
}

// dynamicLSTMGrad is the rule of DynamicQuantizeLSTM: that of LSTM with the numbers that its weights stand for.
func dynamicLSTMGrad(c GradCtx) error {
	g := grads{c}
	along := func(v Ref) Ref { // each direction, or each column of it
		if len(g.Of(v).Dims) == 1 {
			return g.op("Unsqueeze", v, g.ints(1, 2))
		}
		return g.op("Unsqueeze", v, g.ints(1))
	}
	weight := func(i, scale int) Ref {
		return g.with("Transpose", map[string]any{"perm": []int64{0, 2, 1}}, g.number(i, scale, scale+1, along))
	}
	out := g.EmitAll(3, "", "LSTM", g.Attrs().values(), g.In(0), weight(1, 8), weight(2, 10), g.In(3), g.In(4), g.In(5), g.In(6), g.In(7))
	for i, y := range out {
		g.SetOutput(i, y)
	}
	return nil
}
