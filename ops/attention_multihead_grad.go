package ops

// grad is the rule of both operators, but for caches that are larger than what they hold, and beams.
func (p multiHeadParts) grad(c GradCtx) error {
	g := grads{c}
	if g.input(p.pastLength) != 0 || g.input(p.beams) != 0 {
		return Unsupported("no gradient of attention with past_sequence_length or cache_indirection")
	}
	a := attended{grads: g}
	if err := a.multiHead(p.bias); err != nil {
		return err
	}
	a.k, a.v = g.behind(g.input(p.pastKey), a.k), g.behind(g.input(p.pastValue), a.v)
	g.SetOutput(1, a.k)
	g.SetOutput(2, a.v)
	if g.Dy(0) == 0 && g.Dy(3) == 0 {
		return nil
	}
	if err := a.masked(g.input(p.pad), g.input(p.add)); err != nil {
		return err
	}
	y, scores := a.run()
	g.SetOutput(0, g.join(y))
	g.SetOutput(3, scores)
	return nil
}

// input is In for an input that no operator with this rule need have.
func (g grads) input(i int) Ref {
	if i < 0 {
		return 0
	}
	return g.In(i)
}

// multiHead sets queries, keys and values from inputs 0 to 2, in any form, and adds the bias in input i.
func (a *attended) multiHead(i int) error {
	rank := func(i int) int {
		if a.In(i) == 0 {
			return -1
		}
		return a.Of(a.In(i)).Rank()
	}
	form, err := multiHeadForm(rank(0), rank(1), rank(2))
	if err != nil {
		return Unsupported("gradient of attention: %v", err)
	}
	n := a.Attrs().Int("num_heads")
	switch form {
	case headsPacked:
		parts := a.unpacked(a.In(0), 3, n)
		a.q, a.k, a.v = parts[0], parts[1], parts[2]
	case headsPackedKV:
		parts := a.unpacked(a.In(1), 2, n)
		a.q, a.k, a.v = a.split(a.In(0), n), parts[0], parts[1]
	case headsApart:
		a.q, a.k, a.v = a.split(a.In(0), n), a.split(a.In(1), n), a.split(a.In(2), n)
	case headsFirst:
		a.q, a.k, a.v = a.split(a.In(0), n), a.In(1), a.In(2)
	}
	bias := a.input(i)
	if bias == 0 {
		return nil
	}
	heads := a.ints(int64(n))
	wide, values := a.op("Mul", a.extent(a.q, 3), heads), a.op("Mul", a.extent(a.v, 3), heads)
	parts := a.EmitAll(3, "", "Split", map[string]any{"axis": 0}, bias, a.with("Concat", map[string]any{"axis": 0}, wide, wide, values))
	shift := func(x, bias Ref) Ref { return a.grads.add(x, a.op("Reshape", bias, a.ints(1, int64(n), 1, -1))) }
	if a.q = shift(a.q, parts[0]); form != headsFirst { // those have theirs already
		a.k, a.v = shift(a.k, parts[1]), shift(a.v, parts[2])
	}
	return nil
}

// unpacked takes heads apart that lie in [batch, length, heads, parts, size] or [batch, length, parts*heads*size].
func (a *attended) unpacked(x Ref, parts, n int) []Ref {
	if a.Of(x).Rank() == 3 {
		list := a.EmitAll(parts, "", "Split", map[string]any{"axis": 2, "num_outputs": parts}, x)
		for i, v := range list {
			list[i] = a.split(v, n)
		}
		return list
	}
	list := a.EmitAll(parts, "", "Split", map[string]any{"axis": 3, "num_outputs": parts}, x)
	for i, v := range list {
		list[i] = a.with("Transpose", map[string]any{"perm": []int64{0, 2, 1, 3}}, a.op("Squeeze", v, a.ints(3)))
	}
	return list
}

// projectedGrad is the rule of com.microsoft Attention.
func projectedGrad(c GradCtx) error {
	g := grads{c}
	attrs := g.Attrs()
	if g.In(projectedPastLength) != 0 || attrs.Bool("do_rotary") || attrs.Bool("past_present_share_buffer") {
		return Unsupported("no gradient of Attention with do_rotary or caches with room for more")
	}
	a := attended{grads: g}
	all := g.biased(g.op("MatMul", g.In(0), g.In(1)), projectedBias)
	n := attrs.Int("num_heads")
	split, sizes := map[string]any{"axis": 2}, Ref(0)
	if list := attrs.IntList("qkv_hidden_sizes"); list != nil {
		sizes = g.ints(list...)
	} else {
		split["num_outputs"] = 3
	}
	parts := g.EmitAll(3, "", "Split", split, all, sizes)
	a.q, a.k, a.v = g.split(parts[0], n), g.split(parts[1], n), g.split(parts[2], n)
	if past := g.In(projectedPast); past != 0 {
		half := g.EmitAll(2, "", "Split", map[string]any{"axis": 0, "num_outputs": 2}, past)
		a.k = g.behind(g.op("Squeeze", half[0], g.ints(0)), a.k)
		a.v = g.behind(g.op("Squeeze", half[1], g.ints(0)), a.v)
	}
	if g.Dy(1) != 0 {
		first := g.ints(0)
		g.SetOutput(1, g.with("Concat", map[string]any{"axis": 0}, g.op("Unsqueeze", a.k, first), g.op("Unsqueeze", a.v, first)))
	}
	if g.Dy(0) == 0 {
		return nil
	}
	if err := a.masked(g.In(projectedPad), g.In(projectedAdd)); err != nil {
		return err
	}
	y, _ := a.run()
	g.SetOutput(0, g.join(y))
	return nil
}

// qattentionGrad is the rule of QAttention: that of Attention between the numbers that the codes stand for.
func qattentionGrad(c GradCtx) error {
	g := grads{c}
	if g.Dy(0) == 0 && g.Dy(1) == 0 {
		return nil
	}
	x, w := g.number(0, 3, 6, g.single), g.number(1, 4, 7, g.single)
	out := g.EmitAll(2, "com.microsoft", "Attention", g.Attrs().values(), x, w, g.In(2), g.In(5), g.In(8))
	g.SetOutput(0, out[0])
	g.SetOutput(1, out[1])
	return nil
}
