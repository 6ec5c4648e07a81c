package ops

// Gradients of the scatter operators, for every reduction. Elements that are combined with others by multiplication
// get the product of those others, which is right with zeros among them, too; of equal extremes each gets an equal
// share, as in PyTorch's scatter_reduce.

func scatterElementsGrad(c GradCtx) error {
	axis := c.Attrs().Int("axis")
	return scatterRule{grads{c},
		func(g grads, v Ref) Ref { return g.with("GatherElements", map[string]any{"axis": axis}, v, g.In(1)) },
		func(g grads, x, u Ref, reduction string) Ref {
			return g.with("ScatterElements", map[string]any{"axis": axis, "reduction": reduction}, x, g.In(1), u)
		}}.set()
}

func scatterNDGrad(c GradCtx) error {
	return scatterRule{grads{c},
		func(g grads, v Ref) Ref { return g.op("GatherND", v, g.In(1)) },
		func(g grads, x, u Ref, reduction string) Ref {
			return g.with("ScatterND", map[string]any{"reduction": reduction}, x, g.In(1), u)
		}}.set()
}

// scatterRule is the rule of an operator that combines data (input 0) and updates (input 2) where indices (input 1)
// say: gather reads a value like data where the updates go, scatter is the operator itself.
type scatterRule struct {
	grads
	gather  func(g grads, v Ref) Ref
	scatter func(g grads, x, u Ref, reduction string) Ref
}

func (r scatterRule) set() error {
	dy := r.Dy(0)
	if dy == 0 {
		return nil
	}
	switch reduction := r.Attrs().Str("reduction"); reduction {
	case "", "none":
		r.grads.set(0, func() Ref { return r.scatter(r.grads, dy, r.zeros(r.In(2)), "none") })
		r.grads.set(2, func() Ref { return r.gather(r.grads, dy) })
	case "add":
		r.SetGrad(0, dy)
		r.grads.set(2, func() Ref { return r.gather(r.grads, dy) })
	case "mul":
		r.setProduct(dy)
	case "min", "max":
		r.setExtreme(dy)
	default:
		return Unsupported("no gradient of a scatter with reduction %q", reduction)
	}
	return nil
}

// setProduct divides the product of what is not zero by each factor, unless another factor is zero.
func (r scatterRule) setProduct(dy Ref) {
	x, u := r.In(0), r.In(2)
	zero, one := r.num(x, 0), r.num(x, 1)
	isZero := func(v Ref) (hit, safe, count Ref) {
		hit = r.op("Equal", v, zero)
		return hit, r.where(hit, one, v), r.where(hit, one, zero)
	}
	_, safeX, countX := isZero(x)
	_, safeU, countU := isZero(u)
	product := r.scatter(r.grads, safeX, safeU, "mul")
	zeros := r.scatter(r.grads, countX, countU, "add")
	others := func(product, zeros, safe, own Ref) Ref {
		return r.where(r.op("Greater", zeros, own), zero, r.div(product, safe))
	}
	r.grads.set(0, func() Ref { return r.mul(dy, others(product, zeros, safeX, countX)) })
	r.grads.set(2, func() Ref {
		return r.mul(r.gather(r.grads, dy), others(r.gather(r.grads, product), r.gather(r.grads, zeros), safeU, countU))
	})
}

func (r scatterRule) setExtreme(dy Ref) {
	x, u, y := r.In(0), r.In(2), r.Out(0)
	zero, one := r.num(x, 0), r.num(x, 1)
	hitX, hitU := r.op("Equal", x, y), r.op("Equal", u, r.gather(r.grads, y))
	ties := r.scatter(r.grads, r.where(hitX, one, zero), r.where(hitU, one, zero), "add")
	share := r.div(dy, ties)
	r.grads.set(0, func() Ref { return r.keep(hitX, share) })
	r.grads.set(2, func() Ref { return r.keep(hitU, r.gather(r.grads, share)) })
}
