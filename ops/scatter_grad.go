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

// tensorScatterGrad clears dy where the update went, and reads it there.
func tensorScatterGrad(c GradCtx) error {
	g := grads{c}
	dy, u := g.Dy(0), g.In(1)
	if dy == 0 {
		return nil
	}
	g.set(0, func() Ref { return g.with("TensorScatter", g.Attrs().values(), dy, g.zeros(u), g.In(2)) })
	if !g.Wants(1) {
		return nil
	}
	rank, err := g.rank(u)
	if err != nil {
		return err
	}
	axis, err := mvAxis(g.Attrs().IntOr("axis", -2), rank)
	if err != nil {
		return err
	}
	at := g.op("Unsqueeze", g.upTo(g.extent(u, axis)), g.ints(0)) // [1, positions]
	if starts := g.In(2); starts != 0 {
		at = g.add(at, g.op("Unsqueeze", starts, g.ints(1)))
	}
	var axes []int64
	for i := 1; i < rank; i++ {
		if i != axis {
			axes = append(axes, int64(i))
		}
	}
	at = g.op("Unsqueeze", g.op("Mod", at, g.extent(dy, axis)), g.ints(axes...))
	g.SetGrad(1, g.with("GatherElements", map[string]any{"axis": axis}, dy, g.op("Expand", at, g.shape(u))))
	return nil
}
