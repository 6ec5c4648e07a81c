package ops

import "github.com/onnxrun/onnxrun/tensor"

// attentionGrad computes the scores once more: with p the softmax of the scores s, dv = p'*dy, ds = p*(dp - sum(p*dp))
// for dp = dy*v', dq = ds*k and dk = ds'*q. Query heads that share a key head are an axis of their own.
func attentionGrad(c GradCtx) error {
	g := grads{c}
	dy := g.Dy(0)
	if err := attentionGradable(g); err != nil || dy == 0 {
		return err
	}
	a := attentionRule{grads: g}
	if err := a.prepare(); err != nil {
		return err
	}
	p, slope := a.scores()
	dy = a.grouped(a.heads(dy, "q_num_heads"))
	dp := a.flat(a.product(dy, a.v, false, true))
	ds := g.mul(p, g.sub(dp, g.op("ReduceSum", g.mul(p, dp), g.ints(-1))))
	g.setSum(3, func() Ref { return ds })
	if slope != 0 {
		ds = g.mul(ds, slope)
	}
	ds = a.grouped(ds)
	g.set(0, func() Ref { return a.back(g.mul(a.flat(a.product(ds, a.k, false, false)), a.scale), 0) })
	a.setKey(1, a.k, func() Ref { return a.product(ds, a.q, true, false) })
	a.setKey(2, a.v, func() Ref { return a.product(a.grouped(p), dy, true, false) })
	return nil
}

// attentionGradable refuses what has no gradient here.
func attentionGradable(g grads) error {
	for i := 1; i < 4; i++ {
		if g.Dy(i) != 0 && (i == 3 || g.Dy(0) == 0) {
			return Unsupported("no gradient of output %d of Attention", i)
		}
	}
	a := g.Attrs()
	if g.In(6) != 0 || a.IntOr("left_window_size", -1) >= 0 || a.IntOr("right_window_size", -1) >= 0 {
		return Unsupported("no gradient of Attention with padded keys or windows")
	}
	return nil
}

// attentionRule holds the operands as [batch, key heads, query heads for each, positions, size], the query scaled.
type attentionRule struct {
	grads
	q, k, v Ref
	qHeads  Ref // the number of query heads, as a list
	groups  Ref // the numbers of key heads and of query heads for each, as a list
	keys    Ref // the number of keys, past ones included, as a list
	scale   Ref
}

func (a *attentionRule) prepare() error {
	for i := range 3 {
		if t := a.Of(a.In(i)); !t.Ranked || len(t.Dims) != 4 && len(t.Dims) != 3 {
			return Unsupported("no gradient of Attention of an input that is %v", t.Type)
		}
	}
	attrs := a.Attrs()
	q, k, v := a.heads(a.In(0), "q_num_heads"), a.heads(a.In(1), "kv_num_heads"), a.heads(a.In(2), "kv_num_heads")
	a.qHeads = a.extent(q, 1)
	kvHeads := a.extent(k, 1)
	a.groups = a.with("Concat", map[string]any{"axis": 0}, kvHeads, a.div(a.qHeads, kvHeads))
	if attrs.HasAttr("scale") {
		a.scale = a.num(q, float64(attrs.Float("scale")))
	} else {
		a.scale = a.op("Reciprocal", a.op("Sqrt", a.op("CastLike", a.extent(q, 3), q)))
	}
	if past := a.In(4); past != 0 {
		k = a.with("Concat", map[string]any{"axis": 2}, past, k)
		v = a.with("Concat", map[string]any{"axis": 2}, a.In(5), v)
	}
	a.keys = a.extent(k, 2)
	a.q, a.k, a.v = a.grouped(a.mul(q, a.scale)), a.op("Unsqueeze", k, a.ints(2)), a.op("Unsqueeze", v, a.ints(2))
	return nil
}

// heads makes [batch, heads, positions, size] of [batch, positions, heads*size].
func (a *attentionRule) heads(x Ref, number string) Ref {
	if len(a.Of(x).Dims) == 4 {
		return x
	}
	split := a.op("Reshape", x, a.ints(0, 0, int64(a.Attrs().Int(number)), -1))
	return a.with("Transpose", map[string]any{"perm": []int64{0, 2, 1, 3}}, split)
}

// back undoes heads for the gradient of input i.
func (a *attentionRule) back(dx Ref, i int) Ref {
	x := a.In(i)
	if len(a.Of(x).Dims) == 3 {
		dx = a.with("Transpose", map[string]any{"perm": []int64{0, 2, 1, 3}}, dx)
	}
	return a.like(dx, x)
}

// grouped splits the axis of query heads by key heads; flat joins it again.
func (a *attentionRule) grouped(x Ref) Ref {
	shape := a.with("Concat", map[string]any{"axis": 0}, a.extent(x, 0), a.groups, a.with("Shape", map[string]any{"start": 2}, x))
	return a.with("Reshape", map[string]any{"allowzero": 1}, x, shape)
}

func (a *attentionRule) flat(x Ref) Ref {
	shape := a.with("Concat", map[string]any{"axis": 0}, a.extent(x, 0), a.qHeads, a.with("Shape", map[string]any{"start": 3}, x))
	return a.with("Reshape", map[string]any{"allowzero": 1}, x, shape)
}

func (a *attentionRule) product(x, y Ref, transX, transY bool) Ref {
	return product{alpha: 1}.emit(a.grads, x, y, transX, transY)
}

// setKey sets the gradient of key or value, without that of the past.
func (a *attentionRule) setKey(i int, wide Ref, f func() Ref) {
	past := a.In(i + 3)
	if !a.Wants(i) && !a.Wants(i+3) {
		return
	}
	d := a.op("Squeeze", a.sumTo(f(), wide), a.ints(2))
	if present := a.Dy(i); present != 0 {
		d = a.add(d, present)
	}
	if past != 0 {
		sizes := a.with("Concat", map[string]any{"axis": 0}, a.extent(past, 2), a.sub(a.keys, a.extent(past, 2)))
		parts := a.EmitAll(2, "", "Split", map[string]any{"axis": 2}, d, sizes)
		a.SetGrad(i+3, parts[0])
		d = parts[1]
	}
	a.set(i, func() Ref { return a.back(d, i) })
}

// scores returns the softmax of the scores, and the derivative of the cap on them if there is one.
func (a *attentionRule) scores() (p, slope Ref) {
	s := a.flat(a.product(a.q, a.k, false, true))
	if softcap := float64(a.Attrs().Float("softcap")); softcap > 0 {
		t := a.op("Tanh", a.grads.scale(s, 1/softcap))
		s, slope = a.grads.scale(t, softcap), a.oneMinusSquare(t)
	}
	allowed := Ref(0)
	if a.Attrs().Bool("is_causal") {
		allowed = a.causal(s)
	}
	if mask := a.In(3); mask != 0 && a.Of(mask).DType == tensor.Bool {
		if allowed != 0 {
			mask = a.op("And", mask, allowed)
		}
		allowed = mask
	} else if mask != 0 {
		s = a.add(s, mask)
	}
	if allowed == 0 {
		return a.with("Softmax", map[string]any{"axis": -1}, s), slope
	}
	p = a.with("Softmax", map[string]any{"axis": -1}, a.where(allowed, s, a.num(s, -1e30)))
	return a.keep(allowed, p), slope
}

// causal tells which keys each query sees: those up to its own position behind the past.
func (a *attentionRule) causal(s Ref) Ref {
	zero, one := a.Const(tensor.Scalar(int64(0))), a.Const(tensor.Scalar(int64(1)))
	rows := a.op("Range", zero, a.op("Squeeze", a.extent(s, 2)), one)
	if past := a.In(4); past != 0 {
		rows = a.add(rows, a.extent(past, 2))
	}
	cols := a.op("Range", zero, a.op("Squeeze", a.extent(s, 3)), one)
	return a.op("GreaterOrEqual", a.op("Unsqueeze", rows, a.ints(1)), cols)
}
