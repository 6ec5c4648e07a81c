package ops

import "github.com/onnxrun/onnxrun/tensor"

// The attentions of com.microsoft written in other operators, for their gradients: heads are
// [batch, heads, positions, size].

// attended is what one attention works on.
type attended struct {
	grads
	q, k, v Ref
	scale   float64 // of the scores; 0: one over the root of the size
	softcap float64 // 0: none
	add     []Ref   // to the scores [batch, heads, queries, keys], all of which broadcast
	allowed Ref     // which keys a query sees, if not all
	sink    Ref     // a score for each head [heads] that takes part without a value, if there is one
}

// never is the score of what a query must not see: finite, so that a query that sees nothing averages all.
const never = -1e30

// run returns the attended values and the scores that the softmax is of.
func (a *attended) run() (y, scores Ref) {
	scale := a.num(a.q, a.scale)
	if a.scale == 0 {
		scale = a.op("Reciprocal", a.op("Sqrt", a.op("CastLike", a.extent(a.q, 3), a.q)))
	}
	s := product{alpha: 1}.emit(a.grads, a.mul(a.q, scale), a.k, false, true)
	if a.softcap > 0 {
		s = a.grads.scale(a.op("Tanh", a.grads.scale(s, 1/a.softcap)), a.softcap)
	}
	for _, v := range a.add {
		s = a.grads.add(s, v)
	}
	if a.allowed != 0 {
		s = a.where(a.allowed, s, a.num(s, never))
	}
	if a.sink == 0 {
		return a.op("MatMul", a.with("Softmax", map[string]any{"axis": -1}, s), a.v), s
	}
	column := a.with("Concat", map[string]any{"axis": 0}, a.with("Shape", map[string]any{"end": 3}, s), a.ints(1))
	sink := a.op("Expand", a.op("Reshape", a.sink, a.ints(1, -1, 1, 1)), column)
	p := a.with("Softmax", map[string]any{"axis": -1}, a.with("Concat", map[string]any{"axis": -1}, s, sink))
	p = a.op("Slice", p, a.ints(0), a.ints(-1), a.ints(-1))
	return a.op("MatMul", p, a.v), s
}

// split makes heads of [batch, positions, n*size].
func (g grads) split(x Ref, n int) Ref {
	return g.with("Transpose", map[string]any{"perm": []int64{0, 2, 1, 3}}, g.op("Reshape", x, g.ints(0, 0, int64(n), -1)))
}

// join undoes split.
func (g grads) join(x Ref) Ref {
	return g.op("Reshape", g.with("Transpose", map[string]any{"perm": []int64{0, 2, 1, 3}}, x), g.ints(0, 0, -1))
}

// behind puts new keys or values behind past ones, if there are some.
func (g grads) behind(past, x Ref) Ref {
	if past == 0 {
		return x
	}
	return g.with("Concat", map[string]any{"axis": 2}, past, x)
}

// upTo is the list of the whole numbers below the only element of the list n.
func (g grads) upTo(n Ref) Ref { return g.op("Range", g.whole(0), g.op("Squeeze", n), g.whole(1)) }

// causal tells which keys each query sees where the last query is the last key.
func (g grads) causal(q, k Ref) Ref {
	rows := g.add(g.upTo(g.extent(q, 2)), g.sub(g.extent(k, 2), g.extent(q, 2)))
	return g.op("GreaterOrEqual", g.op("Unsqueeze", rows, g.ints(1)), g.upTo(g.extent(k, 2)))
}

// padding is what a mask adds to scores: for a mask of the number of keys of each batch [b], also followed by where
// they start [2b], or ones and zeros [b, keys], [b, queries, keys] or [b, 1, n, n]. See attentionMask.setPad.
func (g grads) padding(mask, q, k Ref, filter float64) (Ref, error) {
	t := g.Of(mask)
	if !t.Ranked {
		return 0, Unsupported("gradient with a mask of unknown rank")
	}
	var keep Ref
	switch len(t.Dims) {
	case 1:
		b := g.extent(q, 0)
		keys := g.with("Cast", map[string]any{"to": tensor.Int32}, g.upTo(g.extent(k, 2)))
		column := g.ints(1)
		end := g.op("Unsqueeze", g.op("Slice", mask, g.ints(0), b), column)
		last := g.sub(g.extent(mask, 0), column)
		start := g.op("Gather", mask, g.op("Min", g.add(g.upTo(b), b), last)) // where they are in the mask at all
		start = g.where(g.op("Equal", g.extent(mask, 0), g.add(b, b)), start, g.op("CastLike", g.whole(0), mask))
		keep = g.op("And", g.op("Less", keys, end), g.op("GreaterOrEqual", keys, g.op("Unsqueeze", start, column)))
		keep = g.op("Unsqueeze", keep, g.ints(1, 2))
	case 2:
		keep = g.op("Unsqueeze", g.above(mask, 0), g.ints(1, 2))
	case 3:
		keep = g.op("Unsqueeze", g.above(mask, 0), g.ints(1))
	default:
		total := g.extent(k, 2)
		from := g.with("Concat", map[string]any{"axis": 0}, g.sub(total, g.extent(q, 2)), g.ints(0))
		to := g.with("Concat", map[string]any{"axis": 0}, total, total)
		keep = g.op("Slice", g.above(mask, 0), from, to, g.ints(2, 3))
	}
	return g.where(keep, g.num(q, 0), g.num(q, filter)), nil
}

// masked sets what the attributes and the masks of MultiHeadAttention and Attention ask for.
func (a *attended) masked(pad, add Ref) error {
	attrs := a.Attrs()
	a.scale = float64(attrs.Float("scale"))
	if add != 0 {
		a.add = append(a.add, add)
	}
	if attrs.Bool("unidirectional") {
		a.allowed = a.causal(a.q, a.k)
	}
	if pad == 0 {
		return nil
	}
	filter := float64(padFilter)
	if attrs.HasAttr("mask_filter_value") {
		filter = float64(attrs.Float("mask_filter_value"))
	}
	v, err := a.padding(pad, a.q, a.k, filter)
	a.add = append(a.add, v)
	return err
}
