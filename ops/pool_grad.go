package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/pool"
	"github.com/onnxrun/onnxrun/tensor"
)

// Gradients of pooling. MaxPoolGrad, AveragePoolGrad and LpPoolGrad of the onnxrun domain take dy, the input and
// the output of the forward node, as far as they need them, and have its attributes.

func maxPoolGrad(c GradCtx) error { return poolRule(c, "MaxPoolGrad") }

func averagePoolGrad(c GradCtx) error { return poolRule(c, "AveragePoolGrad") }

func lpPoolGrad(c GradCtx) error { return poolRule(c, "LpPoolGrad") }

func poolRule(c GradCtx, op string) error {
	return unaryGrad(func(g grads, dy, x, y Ref) Ref {
		a := g.Attrs()
		attrs := map[string]any{"ceil_mode": a.Bool("ceil_mode")}
		if auto := a.Str("auto_pad"); auto != "" {
			attrs["auto_pad"] = auto
		}
		for _, name := range []string{"kernel_shape", "strides", "dilations", "pads"} {
			if a.HasAttr(name) {
				attrs[name] = a.IntList(name)
			}
		}
		switch op {
		case "MaxPoolGrad":
			if !float.Has(g.Of(x).DType) { // codes
				x = g.op("CastLike", x, dy)
			}
			return g.own(op, attrs, dy, x)
		case "AveragePoolGrad":
			attrs["count_include_pad"] = a.Bool("count_include_pad")
			return g.own(op, attrs, dy, g.shape(x))
		}
		attrs["p"] = float32(lpOrder(a))
		return g.own(op, attrs, dy, x, y)
	})(c)
}

// maxPoolGradInfer infers an output like the second input.
func maxPoolGradInfer(c *InferCtx) error {
	c.SetType(0, c.Type(1))
	return nil
}

func averagePoolGradInfer(c *InferCtx) error { return shapedInfer(c, 1) }

var maxPoolGradKernel = poolGradOf(func(k *KernelCtx) func(*Call, *pool.Geom) {
	if k.DType(0) == tensor.Float64 {
		return func(c *Call, g *pool.Geom) {
			pool.MaxGrad(g, tensor.Of[float64](c.In[1]), tensor.Of[float64](c.In[0]), tensor.Of[float64](c.Out[0]), c.Threads)
		}
	}
	return func(c *Call, g *pool.Geom) {
		pool.MaxGrad(g, tensor.Of[float32](c.In[1]), tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]), c.Threads)
	}
})

var averagePoolGradKernel = poolGradOf(func(k *KernelCtx) func(*Call, *pool.Geom) {
	all := k.Bool("count_include_pad")
	if k.DType(0) == tensor.Float64 {
		return func(c *Call, g *pool.Geom) {
			pool.AverageGrad(g, tensor.Of[float64](c.In[0]), tensor.Of[float64](c.Out[0]), all, c.Threads)
		}
	}
	return func(c *Call, g *pool.Geom) {
		pool.AverageGrad(g, tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]), all, c.Threads)
	}
})

var lpPoolGradKernel = poolGradOf(func(k *KernelCtx) func(*Call, *pool.Geom) {
	p := lpOrder(k.Attrs)
	if k.DType(0) == tensor.Float64 {
		return func(c *Call, g *pool.Geom) {
			pool.LpGrad(g, tensor.Of[float64](c.In[1]), tensor.Of[float64](c.In[2]), tensor.Of[float64](c.In[0]), tensor.Of[float64](c.Out[0]), p, c.Threads)
		}
	}
	return func(c *Call, g *pool.Geom) {
		pool.LpGrad(g, tensor.Of[float32](c.In[1]), tensor.Of[float32](c.In[2]), tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]), p, c.Threads)
	}
})

// poolGradOf binds a gradient; bind chooses what runs once the geometry is resolved and the output is there.
func poolGradOf(bind func(k *KernelCtx) func(*Call, *pool.Geom)) func(*KernelCtx) (Kernel, error) {
	return widened(func(k *KernelCtx) (Kernel, error) {
		a, err := windowAttrs(k.Attrs)
		if err != nil {
			return Kernel{}, err
		}
		shaped := k.DType(1) == tensor.Int64
		run := bind(k)
		return Kernel{Run: func(c *Call) error {
			shape := c.In[1].Shape()
			if shaped {
				shape = listOf(c.In[1])
			}
			dx, err := mvOut(c, 0, c.In[0].DType(), shape)
			if err != nil {
				return err
			}
			g, err := poolGeom(&a, dx.Shape())
			if err != nil {
				return err
			}
			if n := g.Planes * g.OutSize(); c.In[0].Len() != n {
				return fmt.Errorf("ops: gradient has shape %v, want %d elements", c.In[0].Shape(), n)
			}
			run(c, &g)
			return nil
		}}, nil
	})
}

// Pooling of whole planes is a reduction of all axes behind the second.

var globalAveragePoolGrad = unaryGrad(func(g grads, dy, x, _ Ref) Ref {
	count := g.op("Div", g.op("Size", x), g.op("Max", g.op("Size", dy), g.ints(1)))
	return g.op("Expand", g.div(dy, g.op("CastLike", count, dy)), g.shape(x))
})

// globalMaxPoolGrad shares the gradient among equal maxima.
func globalMaxPoolGrad(c GradCtx) error {
	g := grads{c}
	rank, err := g.rank(g.In(0))
	if err != nil {
		return err
	}
	axes := make([]int64, 0, rank)
	for i := 2; i < rank; i++ {
		axes = append(axes, int64(i))
	}
	return unaryGrad(func(g grads, dy, x, y Ref) Ref {
		hit := g.op("Equal", x, y)
		count := g.with("ReduceSum", map[string]any{"noop_with_empty_axes": 1}, g.where(hit, g.num(dy, 1), g.num(dy, 0)), g.ints(axes...))
		return g.keep(hit, g.div(dy, count))
	})(c)
}

func globalLpPoolGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, y Ref) Ref {
		p := lpOrder(g.Attrs())
		safe := g.where(g.above(y, 0), y, g.num(y, 1))
		ratio := g.div(g.op("Abs", x), safe)
		return g.mul(dy, g.op("Sign", x), g.op("Pow", ratio, g.num(x, p-1)))
	})(c)
}
