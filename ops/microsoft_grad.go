package ops

import "slices"

// Gradients of operators of com.microsoft that are others of this table in another form.

// channelsSecondOf moves the last axis behind the first one; channelsLastOf undoes it.
func (g grads) channelsSecondOf(x Ref, rank int) Ref {
	perm := []int64{0, int64(rank - 1)}
	for i := 1; i < rank-1; i++ {
		perm = append(perm, int64(i))
	}
	return g.with("Transpose", map[string]any{"perm": perm}, x)
}

func (g grads) channelsLastOf(x Ref, rank int) Ref {
	perm := []int64{0}
	for i := 2; i < rank; i++ {
		perm = append(perm, int64(i))
	}
	return g.with("Transpose", map[string]any{"perm": append(perm, 1)}, x)
}

var nhwcConvGrad = composedGrad(func(g grads) (Ref, error) {
	rank, err := g.rank(g.In(0))
	if err != nil {
		return 0, err
	}
	x := g.channelsSecondOf(g.In(0), rank)
	return g.channelsLastOf(g.with("Conv", convGradAttrs(g.Attrs(), false), x, g.In(1), g.In(2)), rank), nil
})

// siluGroupNormGrad is the rule of GroupNorm and SkipGroupNorm, whose second output is the sum.
func siluGroupNormGrad(c GradCtx) error {
	g := grads{c}
	a, x := g.Attrs(), g.In(0)
	last := a.IntOr("channels_last", 1) != 0
	spread := func(v Ref) Ref { // [batch, channels] to the axes of x
		if last {
			return g.op("Unsqueeze", v, g.ints(-2, -3))
		}
		return g.op("Unsqueeze", v, g.ints(-1, -2))
	}
	if skip := g.In(3); skip != 0 {
		rank, err := g.rank(skip)
		if err != nil {
			return err
		}
		if rank == 2 {
			skip = spread(skip)
		}
		x = g.add(x, skip)
	}
	if bias := g.In(4); bias != 0 {
		x = g.add(x, spread(g.op("Unsqueeze", bias, g.ints(0))))
	}
	g.SetOutput(1, x)
	if g.Dy(0) == 0 {
		return nil
	}
	if last {
		x = g.channelsSecondOf(x, 4)
	}
	y := g.with("GroupNormalization", map[string]any{"num_groups": a.Int("groups"), "epsilon": a.Float("epsilon")},
		x, g.op("CastLike", g.In(1), x), g.op("CastLike", g.In(2), x))
	if a.Int("activation") == 1 {
		y = g.op("Swish", y)
	}
	if last {
		y = g.channelsLastOf(y, 4)
	}
	g.SetOutput(0, y)
	return nil
}

// embedNormGrad is the rule of EmbedLayerNormalization, whose third output is the sum of the embeddings.
func embedNormGrad(c GradCtx) error {
	g := grads{c}
	sum := g.op("Gather", g.In(embedTables), g.In(embedWords))
	if position := g.In(embedTables + 1); position != 0 {
		if ids := g.In(embedPositionIDs); ids != 0 {
			position = g.op("Gather", position, ids)
		} else {
			length := g.with("Shape", map[string]any{"start": 1}, g.In(embedWords))
			position = g.op("Slice", position, g.ints(0), length, g.ints(0))
		}
		sum = g.add(sum, position)
	}
	if segments, ids := g.In(embedTables+2), g.In(embedSegments); segments != 0 && ids != 0 {
		sum = g.add(sum, g.op("Gather", segments, ids))
	}
	g.SetOutput(2, sum)
	if g.Dy(0) != 0 {
		g.SetOutput(0, g.with("LayerNormalization", map[string]any{"epsilon": g.Attrs().Float("epsilon")}, sum, g.In(embedGamma), g.In(embedBeta)))
	}
	return nil
}

// cdistGrad writes the differences of all rows. A distance of zero has no direction and gets none.
func cdistGrad(c GradCtx) error {
	g := grads{c}
	dy, y := g.Dy(0), g.Out(0)
	if dy == 0 {
		return nil
	}
	if g.Attrs().Str("metric") == "euclidean" {
		dy = g.keep(g.above(y, 0), g.div(dy, y))
	} else {
		dy = g.scale(dy, 2)
	}
	difference := g.sub(g.op("Unsqueeze", g.In(0), g.ints(1)), g.op("Unsqueeze", g.In(1), g.ints(0)))
	d := g.mul(g.op("Unsqueeze", dy, g.ints(2)), difference)
	sum := func(axis int64) Ref { return g.with("ReduceSum", map[string]any{"keepdims": 0}, d, g.ints(axis)) }
	g.set(0, func() Ref { return sum(1) })
	g.set(1, func() Ref { return g.neg(sum(0)) })
	return nil
}

// unfoldGrad adds each position of the windows back with its own offset: windows are rows of dy, and place i of
// window w was at w*step+i.
func unfoldGrad(c GradCtx) error {
	g := grads{c}
	x, dy := g.In(0), g.Dy(0)
	if dy == 0 || !g.Wants(0) {
		return nil
	}
	rank, err := g.rank(x)
	if err != nil {
		return err
	}
	a := g.Attrs()
	axis, err := wrapAxis(a.IntOr("dim", -1), rank)
	if err != nil {
		return err
	}
	perm := make([]int64, rank+1) // brings the last axis behind that of the windows
	for i := range perm {
		perm[i] = int64(i)
	}
	perm = slices.Insert(perm[:rank], axis+1, int64(rank))
	dy = g.with("Transpose", map[string]any{"perm": perm}, dy)
	zero, one := g.whole(0), g.whole(1)
	count := g.op("Squeeze", g.with("Shape", map[string]any{"start": axis, "end": axis + 1}, dy))
	starts := g.op("Mul", g.op("Range", zero, count, one), g.whole(int64(a.IntOr("step", 1))))
	index := g.add(g.op("Unsqueeze", starts, g.ints(1)), g.op("Range", zero, g.whole(int64(a.Int("size"))), one))
	g.SetGrad(0, g.own("GatherGrad", map[string]any{"axis": axis}, dy, index, g.shape(x)))
	return nil
}
