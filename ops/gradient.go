package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// gradientInfer infers the operator Gradient of ai.onnx.preview.training. After the fed values the node has the
// values that its attributes name as inputs (see internal/graph); each output is like the value it belongs to.
func gradientInfer(c *InferCtx) error {
	fed := len(c.In) / 2
	for i := range c.Out {
		if i >= len(c.StrList("xs")) || i >= fed {
			return fmt.Errorf("ops: output %d, want at most one for each name in xs", i)
		}
		c.SetType(i, c.Type(i))
	}
	return nil
}

// grads is a GradCtx with the operators that rules are written in.
type grads struct{ GradCtx }

// op emits a node of ai.onnx without attributes.
func (g grads) op(name string, in ...Ref) Ref { return g.Emit("", name, nil, in...) }

// with emits a node of ai.onnx.
func (g grads) with(name string, attrs map[string]any, in ...Ref) Ref {
	return g.Emit("", name, attrs, in...)
}

// own emits a node of the onnxrun domain.
func (g grads) own(name string, attrs map[string]any, in ...Ref) Ref {
	return g.Emit("onnxrun", name, attrs, in...)
}

func (g grads) add(a, b Ref) Ref { return g.op("Add", a, b) }
func (g grads) sub(a, b Ref) Ref { return g.op("Sub", a, b) }
func (g grads) div(a, b Ref) Ref { return g.op("Div", a, b) }
func (g grads) neg(a Ref) Ref    { return g.op("Neg", a) }

// mul multiplies two or more values.
func (g grads) mul(a Ref, more ...Ref) Ref {
	for _, b := range more {
		a = g.op("Mul", a, b)
	}
	return a
}

// scale multiplies by a number.
func (g grads) scale(a Ref, by float64) Ref {
	switch by {
	case 1:
		return a
	case -1:
		return g.neg(a)
	}
	return g.op("Mul", a, g.num(a, by))
}

// shift adds a number.
func (g grads) shift(a Ref, by float64) Ref { return g.op("Add", a, g.num(a, by)) }

// num is a scalar of the element type of like.
func (g grads) num(like Ref, v float64) Ref {
	t, err := tensor.FromFloat64s(g.Of(like).DType, tensor.Shape{}, []float64{v})
	if err != nil { // no number type: the operator that gets it complains
		t = tensor.Scalar(v)
	}
	return g.Const(t)
}

// ints is a list of int64.
func (g grads) ints(v ...int64) Ref { return g.Const(tensor.FromSlice(v, len(v))) }

// whole is a scalar int64.
func (g grads) whole(v int64) Ref { return g.Const(tensor.Scalar(v)) }

// where chooses elements of a where cond holds, else of b.
func (g grads) where(cond, a, b Ref) Ref { return g.op("Where", cond, a, b) }

// keep returns dy where cond holds, else zero: unlike a product it keeps infinities out.
func (g grads) keep(cond, dy Ref) Ref { return g.where(cond, dy, g.num(dy, 0)) }

// above and below compare with a number.
func (g grads) above(x Ref, v float64) Ref { return g.op("Greater", x, g.num(x, v)) }
func (g grads) below(x Ref, v float64) Ref { return g.op("Less", x, g.num(x, v)) }

// zeros has the type and shape of x.
func (g grads) zeros(x Ref) Ref {
	return g.with("ConstantOfShape", map[string]any{"value": tensor.New(g.Of(x).DType, 1)}, g.shape(x))
}

// shape is the shape of a value.
func (g grads) shape(x Ref) Ref { return g.op("Shape", x) }

// like gives dx, which has as many elements, the shape of x.
func (g grads) like(dx, x Ref) Ref {
	if g.alike(dx, x) {
		return dx
	}
	return g.with("Reshape", map[string]any{"allowzero": 1}, dx, g.shape(x))
}

// sumTo sums dx over the axes along which x was repeated to get its shape.
func (g grads) sumTo(dx, x Ref) Ref {
	if g.alike(dx, x) {
		return dx
	}
	return g.own("SumTo", nil, dx, g.shape(x))
}

// alike reports whether a and b are known to be of one shape.
func (g grads) alike(a, b Ref) bool {
	s, t := g.Of(a), g.Of(b)
	if !s.Ranked || !t.Ranked || len(s.Dims) != len(t.Dims) {
		return false
	}
	for i := range s.Dims {
		if !s.Dims[i].Equal(t.Dims[i]) {
			return false
		}
	}
	return true
}

// set declares the gradient of input i, which f emits if it is wanted.
func (g grads) set(i int, f func() Ref) {
	if g.Wants(i) {
		g.SetGrad(i, f())
	}
}

// setSum is set for an input that is broadcast: what f emits is summed to its shape.
func (g grads) setSum(i int, f func() Ref) {
	g.set(i, func() Ref { return g.sumTo(f(), g.In(i)) })
}

// rank returns the rank of a value, which a rule must know.
func (g grads) rank(r Ref) (int, error) {
	t := g.Of(r)
	if !t.Ranked {
		return 0, Unsupported("gradient of a tensor of unknown rank")
	}
	return len(t.Dims), nil
}

// unaryGrad makes the rule of an operator of one input, whose gradient f emits from dy, the input and the output.
func unaryGrad(f func(g grads, dy, x, y Ref) Ref) func(GradCtx) error {
	return func(c GradCtx) error {
		g := grads{c}
		if dy := g.Dy(0); dy != 0 {
			g.set(0, func() Ref { return f(g, dy, g.In(0), g.Out(0)) })
		}
		return nil
	}
}

// binaryGrad makes the rule of an operator of two inputs that broadcast, whose gradients before summing a and b
// emit.
func binaryGrad(a, b func(g grads, dy, a, b, y Ref) Ref) func(GradCtx) error {
	return func(c GradCtx) error {
		g := grads{c}
		dy := g.Dy(0)
		if dy == 0 {
			return nil
		}
		g.setSum(0, func() Ref { return a(g, dy, g.In(0), g.In(1), g.Out(0)) })
		g.setSum(1, func() Ref { return b(g, dy, g.In(0), g.In(1), g.Out(0)) })
		return nil
	}
}

// zeroGrad is the rule of operators whose derivative is zero almost everywhere: nothing flows through.
func zeroGrad(GradCtx) error { return nil }

// passGrad is the rule of operators that hand on their first input.
var passGrad = unaryGrad(func(_ grads, dy, _, _ Ref) Ref { return dy })
