package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/tensor"
)

// StandardizeGrad of the onnxrun domain is the core of the gradients of all normalisations. From g, the gradient
// with respect to the standardized x before scale and bias, and x it makes the gradient with respect to x, and the
// standardized x. What is standardized together are the axes from axis on, or with channels=1 all but axis 1.

func standardizeGradInfer(c *InferCtx) error {
	x := c.Type(1)
	if x.Ranked && len(x.Dims) > 0 {
		if _, err := flatAxis(c.Int("axis"), len(x.Dims)); err != nil {
			return err
		}
	}
	c.SetType(0, x)
	c.SetType(1, x)
	return nil
}

var standardizeGradKernel = widened(func(k *KernelCtx) (Kernel, error) {
	axis, channels := k.Int("axis"), k.Bool("channels")
	s := reduce.Standardization{Eps: float64(k.Float("epsilon")), RMS: k.Bool("rms")}
	switch k.DType(0) {
	case tensor.Float32:
		return Kernel{Run: func(c *Call) error { return standardizeGrad[float32](c, s, axis, channels) }}, nil
	case tensor.Float64:
		return Kernel{Run: func(c *Call) error { return standardizeGrad[float64](c, s, axis, channels) }}, nil
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
})

func standardizeGrad[T float32 | float64](c *Call, s reduce.Standardization, axis int, channels bool) error {
	shape := c.In[1].Shape()
	if !c.In[0].Shape().Equal(shape) {
		return fmt.Errorf("ops: gradient has shape %v, want %v", c.In[0].Shape(), shape)
	}
	if channels {
		s.Outer, s.Rows, s.Inner = 1, 1, shape.Len()
		if len(shape) > 1 {
			s.Outer, s.Rows, s.Inner = shape[0], shape[1], shape[2:].Len()
		}
	} else {
		axis, err := flatAxis(axis, len(shape))
		if err != nil {
			return err
		}
		s.Outer, s.Rows, s.Inner = 1, shape[:axis].Len(), shape[axis:].Len()
	}
	reduce.StandardizeGrad(tensor.Of[T](c.Out[0]), tensor.Of[T](c.Out[1]), tensor.Of[T](c.In[0]), tensor.Of[T](c.In[1]), s, c.Threads)
	return nil
}

// layerNormGrad makes the rule of a normalisation of rows from the parts that its inputs and outputs play.
func layerNormGrad(l layerNorm) func(GradCtx) error {
	return func(c GradCtx) error {
		g := grads{c}
		dy, x, at := g.Dy(0), g.In(0), func(i int) Ref {
			if i < 0 {
				return 0
			}
			return g.In(i)
		}
		for _, i := range []int{l.skip, l.skipBias} {
			if v := at(i); v != 0 {
				x = g.add(x, v)
			}
		}
		if err := l.statistics(g, x); err != nil {
			return err
		}
		var dx Ref
		if out, ok := l.fused(g, dy, x); dy != 0 && ok {
			dx = out[0]
			g.setSumAt(l.scale, func() Ref { return out[1] })
			g.setSumAt(l.bias, func() Ref { return out[2] })
		} else if dy != 0 {
			scaled := dy
			if v := at(l.scale); v != 0 {
				scaled = g.mul(dy, v)
			}
			out := g.EmitAll(2, "onnxrun", "StandardizeGrad",
				map[string]any{"axis": g.Attrs().IntOr("axis", -1), "epsilon": g.Attrs().Float("epsilon"), "rms": l.rms}, scaled, x)
			dx = out[0]
			g.setSumAt(l.scale, func() Ref { return g.mul(dy, out[1]) })
			g.setSumAt(l.bias, func() Ref { return dy })
		}
		if l.sum > 0 && g.Dy(l.sum) != 0 {
			if dx == 0 {
				dx = g.Dy(l.sum)
			} else {
				dx = g.add(dx, g.Dy(l.sum))
			}
		}
		if dx != 0 {
			g.SetGrad(0, dx)
			g.setSumAt(l.skip, func() Ref { return dx })
			g.setSumAt(l.skipBias, func() Ref { return dx })
		}
		return nil
	}
}

// statistics writes the mean and the inverse deviation of the rows of x, where they have gradients.
func (l *layerNorm) statistics(g grads, x Ref) error {
	wanted := func(i int) bool { return i > 0 && g.Dy(i) != 0 }
	if !wanted(l.mean) && !wanted(l.inv) {
		return nil
	}
	if l.rms && wanted(l.mean) {
		return Unsupported("no gradient of output %d, a mean that takes no part", l.mean)
	}
	rank, err := g.rank(x)
	if err != nil {
		return err
	}
	axis, err := wrapAxis(g.Attrs().IntOr("axis", -1), rank)
	if err != nil {
		return err
	}
	var axes []int64
	for i := axis; i < rank; i++ {
		axes = append(axes, int64(i))
	}
	list := g.ints(axes...)
	if !l.rms {
		mean := g.op("ReduceMean", x, list)
		g.SetOutput(l.mean, g.op("CastLike", mean, g.Out(l.mean)))
		x = g.sub(x, mean)
	}
	if wanted(l.inv) {
		variance := g.shift(g.op("ReduceMean", g.mul(x, x), list), float64(g.Attrs().Float("epsilon")))
		g.SetOutput(l.inv, g.op("CastLike", g.op("Reciprocal", g.op("Sqrt", variance)), g.Out(l.inv)))
	}
	return nil
}

// setSumAt is setSum for a part that may be missing.
func (g grads) setSumAt(i int, f func() Ref) {
	if i >= 0 {
		g.setSum(i, f)
	}
}

// batchNormGrad is the rule with the statistics of the batch in training, else with those that are inputs.
func batchNormGrad(c GradCtx) error {
	g := grads{c}
	a, dy, x := g.Attrs(), g.Dy(0), g.In(0)
	rank, err := g.rank(x)
	if err != nil {
		return err
	}
	if err := runningStatistics(g, rank); err != nil || dy == 0 {
		return err
	}
	spatial, training := a.IntOr("spatial", 1) != 0, a.Bool("training_mode") || !a.HasAttr("training_mode") && g.Out(1) != 0
	if training && spatial && g.Of(x).DType == tensor.Float32 && g.Of(g.In(1)).DType == tensor.Float32 && g.Of(g.In(3)).DType == tensor.Float32 && rank > 1 {
		trainedBatchNorm(g)
		return nil
	}
	param := func(i int) Ref { return g.In(i) }
	if spatial && rank > 2 {
		axes := make([]int64, rank-2) // [C] to [C, 1, ...]
		for i := range axes {
			axes[i] = int64(i + 1)
		}
		list := g.ints(axes...)
		param = func(i int) Ref { return g.op("Unsqueeze", g.In(i), list) }
	}
	set := func(i int, f func() Ref) { g.set(i, func() Ref { return g.like(g.sumTo(f(), param(i)), g.In(i)) }) }
	scaled := g.mul(dy, param(1))
	set(2, func() Ref { return dy })
	if training {
		if !spatial {
			return Unsupported("no gradient of training with spatial=0")
		}
		out := g.EmitAll(2, "onnxrun", "StandardizeGrad", map[string]any{"channels": 1, "epsilon": a.Float("epsilon")}, scaled, x)
		g.SetGrad(0, out[0])
		set(1, func() Ref { return g.mul(dy, out[1]) })
		return nil
	}
	inv := g.op("Reciprocal", g.op("Sqrt", g.shift(param(4), float64(a.Float("epsilon")))))
	xhat := g.mul(g.sub(x, param(3)), inv)
	dx := g.mul(scaled, inv)
	g.SetGrad(0, dx)
	set(1, func() Ref { return g.mul(dy, xhat) })
	set(3, func() Ref { return g.neg(dx) })
	set(4, func() Ref { return g.scale(g.mul(dx, xhat, inv), -0.5) })
	return nil
}

// runningStatistics writes the running mean and variance that training moves towards those of the batch, where they
// have gradients.
func runningStatistics(g grads, rank int) error {
	for i := 1; i < g.Outputs(); i++ {
		if g.Dy(i) != 0 && (i > 2 || !g.Attrs().Bool("training_mode")) {
			return Unsupported("no gradient of output %d, a statistic", i)
		}
	}
	if g.Dy(1) == 0 && g.Dy(2) == 0 {
		return nil
	}
	axes := []int64{0}
	for i := 2; i < rank; i++ {
		axes = append(axes, int64(i))
	}
	x, list, momentum := g.In(0), g.ints(axes...), float64(g.Attrs().Float("momentum"))
	move := func(i int, batch Ref) {
		now := g.op("CastLike", g.op("Reshape", batch, g.ints(-1)), g.In(2+i))
		g.SetOutput(i, g.add(g.scale(g.In(2+i), momentum), g.scale(now, 1-momentum)))
	}
	mean := g.op("ReduceMean", x, list)
	move(1, mean)
	if g.Dy(2) != 0 {
		centred := g.sub(x, mean)
		move(2, g.op("ReduceMean", g.mul(centred, centred), list))
	}
	return nil
}

// lpNormGrad is (dy - y*sum(dy*y))/norm for p=2, with the sign of x in the place of the second y for p=1.
func lpNormGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, y Ref) Ref {
		axes, norm, direction := g.ints(int64(g.Attrs().IntOr("axis", -1))), "ReduceL2", y
		if g.Attrs().IntOr("p", 2) == 1 {
			norm, direction = "ReduceL1", g.op("Sign", x)
		}
		n := g.op(norm, x, axes)
		along := g.op("ReduceSum", g.mul(dy, y), axes)
		return g.keep(g.above(n, 0), g.div(g.sub(dy, g.mul(direction, along)), n))
	})(c)
}

// lrnGrad writes the sums over neighbouring channels as averages, and those of the transpose with the window
// mirrored.
func lrnGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		a := g.Attrs()
		size := a.Int("size")
		alpha, beta := float64(a.Float("alpha")), float64(a.Float("beta"))
		near := func(v Ref, before int) Ref { // [N, C, ...] seen as [N, 1, C, all else]
			flat := g.op("Unsqueeze", g.op("Reshape", v, g.ints(0, 0, -1)), g.ints(1))
			return g.like(g.with("AveragePool", map[string]any{"kernel_shape": []int64{int64(size), 1}, "count_include_pad": 1,
				"pads": []int64{int64(before), 0, int64(size - 1 - before), 0}}, flat), v)
		}
		base := g.shift(g.scale(near(g.mul(x, x), (size-1)/2), alpha), float64(a.Float("bias")))
		factor := g.op("Pow", base, g.num(x, -beta))
		spread := near(g.div(g.mul(dy, x, factor), base), size-1-(size-1)/2)
		return g.sub(g.mul(dy, factor), g.mul(g.scale(x, 2*alpha*beta), spread))
	})(c)
}

// mvnGrad is (dy - mean(dy) - y*mean(dy*y)) over the deviation.
func mvnGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, y Ref) Ref {
		axes := g.ints(g.Attrs().IntList("axes")...)
		mean := func(v Ref) Ref { return g.op("ReduceMean", v, axes) }
		centred := g.sub(x, mean(x))
		deviation := g.shift(g.op("Sqrt", mean(g.mul(centred, centred))), 1e-9)
		return g.div(g.sub(g.sub(dy, mean(dy)), g.mul(y, mean(g.mul(dy, y)))), deviation)
	})(c)
}
