package ops

// Gradients of matrix products are matrix products: for y = alpha*op(a)*op(b) with op the transpositions of the
// node, those of op(a) and op(b) are alpha*dy*op(b)' and alpha*op(a)'*dy. Where b is one matrix for a batch of
// a, the batch becomes rows, so that its gradient is one product, too.

func matmulGrad(c GradCtx) error { return productGrad(c, product{alpha: 1}) }

// fusedMatMulGrad serves FusedMatMul of both domains, with and without an activation.
var fusedMatMulGrad = fusedGrad(scaledProductGrad, func(g grads) Ref {
	in := make([]Ref, g.Inputs())
	for i := range in {
		in[i] = g.In(i)
	}
	return g.own("FusedMatMul", plainAttrs(g.Attrs()), in...)
})

func scaledProductGrad(c GradCtx, dy Ref) error {
	a := c.Attrs()
	p := product{alpha: 1, transA: a.Bool("transA"), transB: a.Bool("transB")}
	if a.HasAttr("alpha") {
		p.alpha = a.Float("alpha")
	}
	c = &otherDy{c, dy}
	if a.Bool("transBatchA") || a.Bool("transBatchB") {
		return movedBatchGrad(c, p)
	}
	g := grads{c}
	g.setSum(2, func() Ref { return dy })
	g.set(3, func() Ref { return dy })
	return productGrad(c, p)
}

func gemmGrad(c GradCtx) error {
	g := grads{c}
	l := linearAttrs(c.Attrs())
	if dy := g.Dy(0); dy != 0 {
		g.setSum(2, func() Ref { return g.scale(dy, float64(l.beta)) })
	}
	return productGrad(c, product{alpha: l.alpha, transA: l.a.trans, transB: l.b.trans})
}

// fusedGemmGrad is the rule of Gemm with an activation.
var fusedGemmGrad = fusedGrad(func(c GradCtx, dy Ref) error { return gemmGrad(&otherDy{c, dy}) }, func(g grads) Ref {
	return g.with("Gemm", plainAttrs(g.Attrs()), g.In(0), g.In(1), g.In(2))
})

// otherDy shows a rule another gradient of the first output.
type otherDy struct {
	GradCtx
	dy Ref
}

// Dy returns the gradient of output i.
func (c *otherDy) Dy(i int) Ref {
	if i == 0 {
		return c.dy
	}
	return c.GradCtx.Dy(i)
}

// product says how a node multiplies its first two inputs.
type product struct {
	alpha          float32
	transA, transB bool
}

// productGrad sets the gradients of the factors. A vector is a matrix of one row or column.
func productGrad(c GradCtx, p product) error {
	g := grads{c}
	dy, a, b := g.Dy(0), g.In(0), g.In(1)
	if dy == 0 {
		return nil
	}
	rankA, err := g.rank(a)
	if err != nil {
		return err
	}
	rankB, err := g.rank(b)
	if err != nil {
		return err
	}
	if rankB == 1 {
		b, dy, p.transB = g.op("Unsqueeze", b, g.ints(1)), g.op("Unsqueeze", dy, g.ints(-1)), false
	}
	if rankA == 1 {
		a, dy, p.transA = g.op("Unsqueeze", a, g.ints(0)), g.op("Unsqueeze", dy, g.ints(-2)), false
	}
	g.set(0, func() Ref { return g.like(g.sumTo(p.gradA(g, a, b, dy), a), g.In(0)) })
	g.set(1, func() Ref {
		if rankA > 2 && rankB <= 2 && !p.transA {
			a, dy = g.rows(a), g.rows(dy)
		}
		return g.like(g.sumTo(p.gradB(g, a, b, dy), b), g.In(1))
	})
	return nil
}

// rows makes one matrix of a batch of matrices.
func (g grads) rows(x Ref) Ref {
	dims := g.Of(x).Dims
	last := dims[len(dims)-1]
	if n, ok := last.Const(); ok && n > 0 {
		return g.op("Reshape", x, g.ints(-1, n))
	}
	return g.with("Flatten", map[string]any{"axis": len(dims) - 1}, x)
}

func (p product) gradA(g grads, a, b, dy Ref) Ref {
	if p.transA {
		return p.emit(g, b, dy, p.transB, true)
	}
	return p.emit(g, dy, b, false, !p.transB)
}

func (p product) gradB(g grads, a, b, dy Ref) Ref {
	if p.transB {
		return p.emit(g, dy, a, true, p.transA)
	}
	return p.emit(g, a, dy, !p.transA, false)
}

func (p product) emit(g grads, a, b Ref, transA, transB bool) Ref {
	return g.own("FusedMatMul", map[string]any{"alpha": p.alpha, "transA": transA, "transB": transB}, a, b)
}

// movedBatchGrad writes the batch dimensions that FusedMatMul of com.microsoft takes from the middle as a
// transposition before the product.
func movedBatchGrad(c GradCtx, p product) error {
	g := grads{c}
	m := &movedCtx{GradCtx: c}
	for i, name := range []string{"transBatchA", "transBatchB"} {
		rank, err := g.rank(g.In(i))
		if err != nil {
			return err
		}
		if m.in[i] = g.In(i); !c.Attrs().Bool(name) || rank < 3 {
			continue
		}
		perm := make([]int64, rank) // [rows, batch..., cols] to [batch..., rows, cols]
		for k := range rank - 2 {
			perm[k] = int64(k + 1)
		}
		perm[rank-2], perm[rank-1] = 0, int64(rank-1)
		back := make([]int64, rank)
		for k, p := range perm {
			back[p] = int64(k)
		}
		m.in[i], m.back[i] = g.with("Transpose", map[string]any{"perm": perm}, m.in[i]), back
	}
	return productGrad(m, p)
}

// movedCtx shows a rule transposed forms of the first two inputs.
type movedCtx struct {
	GradCtx
	in   [2]Ref
	back [2][]int64
}

// In names input i.
func (c *movedCtx) In(i int) Ref {
	if i < 2 {
		return c.in[i]
	}
	return c.GradCtx.In(i)
}

// SetGrad transposes a gradient back.
func (c *movedCtx) SetGrad(i int, dx Ref) {
	if i < 2 && c.back[i] != nil {
		dx = c.Emit("", "Transpose", map[string]any{"perm": c.back[i]}, dx)
	}
	c.GradCtx.SetGrad(i, dx)
}
