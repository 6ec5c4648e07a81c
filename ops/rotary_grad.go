package ops

// grad turns the gradient back: by the same angles with the other sign. Where the caches are wanted, too, it writes the
// operator out.
func (p rotaryParts) grad(domain string) func(GradCtx) error {
	return func(c GradCtx) error {
		g := grads{c}
		if g.Dy(0) != 0 && (g.Wants(p.cos) || g.Wants(p.sin)) {
			return p.written(g)
		}
		return unaryGrad(func(g grads, dy, _, _ Ref) Ref {
			in := make([]Ref, g.Inputs())
			for i := range in {
				in[i] = g.In(i)
			}
			in[0], in[p.sin] = dy, g.neg(g.In(p.sin))
			return g.Emit(domain, "RotaryEmbedding", g.Attrs().values(), in...)
		})(c)
	}
}

// written sets the output to y = (a*cos - b*sin, a*sin + b*cos) for the pairs (a, b) of the input.
func (p rotaryParts) written(g grads) error {
	x := g.In(0)
	rank, err := g.rank(x)
	if err != nil {
		return err
	}
	caches, err := g.rank(g.In(p.cos))
	if err != nil {
		return err
	}
	half := g.extent(g.In(p.cos), caches-1)
	width := g.add(half, half)
	rows := x // [batch, heads, positions, size]
	if rank == 3 {
		shape := g.ints(0, 0, int64(g.Attrs().Int("num_heads")), -1)
		if g.Attrs().Int("num_heads") == 0 { // the caches tell the size of a head
			shape = g.with("Concat", map[string]any{"axis": 0}, g.ints(0, 0, -1), width)
		}
		rows = g.with("Transpose", map[string]any{"perm": []int64{0, 2, 1, 3}}, g.op("Reshape", x, shape))
	}
	cos, sin, err := p.angles(g, g.extent(rows, 2))
	if err != nil {
		return err
	}
	turned := g.op("Slice", rows, g.ints(0), width, g.ints(3))
	pairs := g.op("Reshape", turned, g.ints(0, 0, 0, 2, -1))
	axis := 3
	if g.Attrs().Bool("interleaved") {
		pairs, axis = g.op("Reshape", turned, g.ints(0, 0, 0, -1, 2)), 4
	}
	parts := g.EmitAll(2, "", "Split", map[string]any{"axis": axis, "num_outputs": 2}, pairs)
	at := g.ints(int64(axis))
	a, b := g.op("Squeeze", parts[0], at), g.op("Squeeze", parts[1], at)
	first, second := g.sub(g.mul(a, cos), g.mul(b, sin)), g.add(g.mul(a, sin), g.mul(b, cos))
	y := g.with("Concat", map[string]any{"axis": axis}, g.op("Unsqueeze", first, at), g.op("Unsqueeze", second, at))
	y = g.with("Concat", map[string]any{"axis": 3}, g.like(y, turned), g.op("Slice", rows, width, g.ints(1<<62), g.ints(3)))
	if rank == 3 {
		y = g.like(g.with("Transpose", map[string]any{"perm": []int64{0, 2, 1, 3}}, y), x)
	}
	g.SetOutput(0, y)
	return nil
}

// angles returns the rows of the caches for all positions, with an axis of one head.
func (p rotaryParts) angles(g grads, positions Ref) (cos, sin Ref, err error) {
	cos, sin = g.In(p.cos), g.In(p.sin)
	axis := g.ints(1)
	if ids := g.In(p.positions); ids != 0 {
		rank, err := g.rank(ids)
		if err != nil {
			return 0, 0, err
		}
		if rank < 2 { // the first of positions in order
			first := g.op("Squeeze", ids)
			ids, axis = g.op("Range", first, g.add(first, g.op("Squeeze", positions)), g.whole(1)), g.ints(0)
		}
		cos, sin = g.op("Gather", cos, ids), g.op("Gather", sin, ids)
	}
	return g.op("Unsqueeze", cos, axis), g.op("Unsqueeze", sin, axis), nil
}
