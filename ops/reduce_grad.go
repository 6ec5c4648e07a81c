package ops

// Gradients of reductions: the gradient is repeated along the reduced axes and multiplied by the derivative of
// each element. Elements that share a maximum or minimum share the gradient evenly.

// reduced is what the rule of a reduction works on: dy and y have the reduced axes as axes of length 1.
type reduced struct {
	grads
	dy, x, y Ref
	axes     Ref // input of reductions over the same axes, absent for all axes
	noop     bool
}

// reduceGrad makes the rule of a reduction from the gradient that f emits, which may lack the repetition.
func reduceGrad(f func(r reduced) Ref) func(GradCtx) error {
	return func(c GradCtx) error {
		r := reduced{grads: grads{c}, dy: c.Dy(0), x: c.In(0), y: c.Out(0)}
		if r.dy == 0 || !r.Wants(0) {
			return nil
		}
		a := r.Attrs()
		if r.axes = r.In(1); r.axes == 0 && len(a.IntList("axes")) > 0 {
			r.axes = r.ints(a.IntList("axes")...)
		}
		r.noop = a.Bool("noop_with_empty_axes")
		if a.IntOr("keepdims", 1) == 0 {
			kept := r.shape(r.sum(r.x))
			all := map[string]any{"allowzero": 1}
			r.dy, r.y = r.with("Reshape", all, r.dy, kept), r.with("Reshape", all, r.y, kept)
		}
		dx := f(r)
		if !r.alike(dx, r.x) {
			dx = r.op("Expand", dx, r.shape(r.x))
		}
		r.SetGrad(0, dx)
		return nil
	}
}

// again reduces v over the axes of the node, which stay with length 1.
func (r reduced) again(op string, v Ref) Ref {
	return r.with(op, map[string]any{"keepdims": 1, "noop_with_empty_axes": r.noop}, v, r.axes)
}

func (r reduced) sum(v Ref) Ref { return r.again("ReduceSum", v) }

// marks is a number that is 1 where cond holds, else 0.
func (r reduced) marks(cond Ref) Ref { return r.where(cond, r.num(r.dy, 1), r.num(r.dy, 0)) }

var (
	reduceSumGrad       = reduceGrad(func(r reduced) Ref { return r.dy })
	reduceSumSquareGrad = reduceGrad(func(r reduced) Ref { return r.mul(r.scale(r.dy, 2), r.x) })
	reduceL1Grad        = reduceGrad(func(r reduced) Ref { return r.mul(r.dy, r.op("Sign", r.x)) })
	reduceLogSumGrad    = reduceGrad(func(r reduced) Ref { return r.div(r.dy, r.sum(r.x)) })
	reduceLogSumExpGrad = reduceGrad(func(r reduced) Ref { return r.mul(r.dy, r.op("Exp", r.sub(r.x, r.y))) })
	reduceExtremeGrad   = reduceGrad(func(r reduced) Ref {
		hit := r.op("Equal", r.x, r.y)
		return r.keep(hit, r.div(r.dy, r.sum(r.marks(hit))))
	})
	reduceMeanGrad = reduceGrad(func(r reduced) Ref {
		count := r.op("Div", r.op("Size", r.x), r.op("Max", r.op("Size", r.dy), r.ints(1)))
		return r.div(r.dy, r.op("CastLike", count, r.dy))
	})
	// reduceL2Grad takes zero as the derivative of the norm of zeros.
	reduceL2Grad = reduceGrad(func(r reduced) Ref {
		return r.mul(r.keep(r.above(r.y, 0), r.div(r.dy, r.y)), r.x)
	})
	// reduceProdGrad is the product of the other elements: where one element is zero, only its own gradient is not.
	reduceProdGrad = reduceGrad(func(r reduced) Ref {
		zero := r.op("Equal", r.x, r.num(r.x, 0))
		marks := r.marks(zero)
		others := r.sub(r.sum(marks), marks)
		nonzero := r.where(zero, r.num(r.x, 1), r.x)
		rest := r.div(r.again("ReduceProd", nonzero), nonzero)
		return r.keep(r.below(others, 0.5), r.mul(r.dy, rest))
	})
)
