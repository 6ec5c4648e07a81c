package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// causalConvInfer infers CausalConvWithState: input [B, C, L], weight [C, 1, k], bias [C], past state [B, C, k-1]; the
// output has the shape of the input, the present state that of the past.
func causalConvInfer(c *InferCtx) error {
	if err := sameElements(c, 1, 2, 3); err != nil {
		return err
	}
	x, w := c.Type(0), c.Type(1)
	for i, t := range []Type{x, w} {
		if t.Ranked && len(t.Dims) != 3 {
			return fmt.Errorf("ops: input %d is %v, want 3 axes", i, t)
		}
	}
	c.SetType(0, x)
	dims := c.FreshDims(3)
	if x.Ranked {
		copy(dims, x.Dims[:2])
	}
	if w.Ranked {
		dims[2] = w.Dims[2].Sub(sym.Const(1))
	}
	c.Set(1, x.DType, dims...)
	return nil
}

// causalConvKernel binds CausalConvWithState.
var causalConvKernel = widened(func(k *KernelCtx) (Kernel, error) {
	silu := false
	switch act := k.Str("activation"); act {
	case "silu", "swish":
		silu = true
	case "none", "":
	default:
		return Kernel{}, fmt.Errorf("ops: activation %q, want silu, swish or none", act)
	}
	return Kernel{Run: func(c *Call) error { return causalConv(c, silu) }}, nil
})

func causalConv(c *Call, silu bool) error {
	x, w := c.In[0].Shape(), c.In[1].Shape()
	if len(x) != 3 || len(w) != 3 || w[0] != x[1] || w[1] != 1 || w[2] < 1 {
		return fmt.Errorf("ops: input %v with weight %v, want [batch channels length] and [channels 1 taps]", x, w)
	}
	a := conv.Causal{
		Planes: x[0] * x[1], Channels: x[1], Length: x[2], Taps: w[2], Silu: silu, Threads: c.Threads,
		X: tensor.Of[float32](c.In[0]), W: tensor.Of[float32](c.In[1]), Y: tensor.Of[float32](c.Out[0]),
	}
	state := tensor.Shape{x[0], x[1], w[2] - 1}
	var err error
	if a.Bias, err = convBias[float32](c, x[1]); err != nil {
		return err
	}
	if past := input(c, 3); past != nil {
		if a.Past = tensor.Of[float32](past); !past.Shape().Equal(state) {
			return fmt.Errorf("ops: past state has shape %v, want %v", past.Shape(), state)
		}
	}
	if t := part(c.Out, 1); t != nil {
		if a.Present = tensor.Of[float32](t); !t.Shape().Equal(state) {
			return fmt.Errorf("ops: present state has shape %v, want %v", t.Shape(), state)
		}
	}
	if len(a.Y) != len(a.X) {
		return fmt.Errorf("ops: output has shape %v, want %v", c.Out[0].Shape(), x)
	}
	a.Run()
	return nil
}

// causalConvGrad writes CausalConvWithState out: a convolution of the input behind its past, of which the end is the
// present state.
func causalConvGrad(c GradCtx) error {
	g := grads{c}
	if g.Dy(0) == 0 && g.Dy(1) == 0 {
		return nil
	}
	x, w := g.In(0), g.In(1)
	past := g.In(3)
	if past == 0 {
		shape := g.with("Concat", map[string]any{"axis": 0}, g.with("Shape", map[string]any{"end": 2}, x), g.sub(g.extent(w, 2), g.ints(1)))
		past = g.with("ConstantOfShape", map[string]any{"value": tensor.New(g.Of(x).DType, 1)}, shape)
	}
	all := g.with("Concat", map[string]any{"axis": 2}, past, x)
	g.SetOutput(1, g.op("Slice", all, g.extent(x, 2), g.ints(1<<62), g.ints(2)))
	y := causalProducts(g, all, w, g.In(2))
	if act := g.Attrs().Str("activation"); act == "silu" || act == "swish" {
		y = g.mul(y, g.op("Sigmoid", y))
	}
	g.SetOutput(0, y)
	return nil
}

// causalProducts is the convolution of all positions, by Conv if the number of channels is known, else as products of
// the taps with the positions that they see.
func causalProducts(g grads, all, w, bias Ref) Ref {
	if dims := g.Of(w).Dims; len(dims) == 3 {
		if n, ok := dims[0].Const(); ok && n > 0 {
			return g.with("Conv", map[string]any{"group": n}, all, w, bias)
		}
	}
	count := func(n Ref) Ref { return g.op("Range", g.whole(0), g.op("Squeeze", n), g.whole(1)) }
	seen := g.add(g.op("Unsqueeze", count(g.extent(g.In(0), 2)), g.ints(1)), count(g.extent(w, 2)))
	windows := g.with("Gather", map[string]any{"axis": 2}, all, seen)
	y := g.op("Squeeze", g.op("MatMul", windows, g.with("Transpose", map[string]any{"perm": []int64{0, 2, 1}}, w)), g.ints(3))
	if bias != 0 {
		y = g.add(y, g.op("Unsqueeze", bias, g.ints(1)))
	}
	return y
}

// plainGrad wraps the Grad function of an operator for nodes of com.microsoft that plainForm takes.
func plainGrad(grad func(GradCtx) error, plain map[string]int) func(GradCtx) error {
	return func(c GradCtx) error {
		for _, a := range c.Attrs() {
			if v, ok := plain[a.Name]; ok && int(a.I) != v {
				return Unsupported("%s=%d", a.Name, a.I)
			}
		}
		return grad(c)
	}
}
