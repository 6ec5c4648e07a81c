package ops

import (
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// attentionGrad is one node where that computes all that is wanted. Else it writes Attention out: with the scores s = scale*q*k', capped and masked, and their softmax p, the output
// is p*v. Query heads that share a key head are an axis of their own.
func attentionGrad(c GradCtx) error {
	a := attentionForm{grads: grads{c}}
	if a.Dy(0) == 0 && a.Dy(1) == 0 && a.Dy(2) == 0 && a.Dy(3) == 0 {
		return nil
	}
	if attrs := tiledAttention(a.grads); attrs != nil {
		a.setAttention(attrs, a.In(3))
		return nil
	}
	if err := a.prepare(); err != nil {
		return err
	}
	a.SetOutput(1, a.k)
	a.SetOutput(2, a.v)
	if a.Dy(0) == 0 && a.Dy(3) == 0 {
		return nil
	}
	scores, err := a.scores()
	if err != nil {
		return err
	}
	a.SetOutput(3, a.op("CastLike", scores[a.Attrs().Int("qk_matmul_output_mode")], a.In(0)))
	values := a.op("CastLike", a.op("Unsqueeze", a.v, a.ints(2)), a.q)
	y := a.flat(a.product(a.grouped(scores[scoresSoft]), values, false))
	if a.Of(a.In(0)).Rank() == 3 {
		y = a.like(a.with("Transpose", map[string]any{"perm": []int64{0, 2, 1, 3}}, y), a.Out(0))
	}
	a.SetOutput(0, y)
	return nil
}

// attentionForm holds the operands as [batch, heads, positions, size]: keys and values behind their past, and the
// scaled queries [batch, key heads, query heads for each, positions, size].
type attentionForm struct {
	grads
	q, k, v Ref
	qHeads  Ref // the number of query heads, as a list
	groups  Ref // the numbers of key heads and of query heads for each, as a list
	queries Ref // the number of queries, as a list
	keys    Ref // the number of keys, past ones included, as a list
}

func (a *attentionForm) prepare() error {
	for i := range 3 {
		if t := a.Of(a.In(i)); !t.Ranked || len(t.Dims) != 4 && len(t.Dims) != 3 {
			return Unsupported("no gradient of Attention of an input that is %v", t.Type)
		}
	}
	attrs := a.Attrs()
	if mode := attrs.Int("qk_matmul_output_mode"); mode < 0 || mode > scoresSoft {
		return Unsupported("qk_matmul_output_mode=%d", mode)
	}
	q := a.heads(a.In(0), "q_num_heads")
	a.k, a.v = a.heads(a.In(1), "kv_num_heads"), a.heads(a.In(2), "kv_num_heads")
	a.qHeads, a.queries = a.extent(q, 1), a.extent(q, 2)
	kvHeads := a.extent(a.k, 1)
	a.groups = a.with("Concat", map[string]any{"axis": 0}, kvHeads, a.div(a.qHeads, kvHeads))
	if attrs.HasAttr("scale") {
		q = a.scale(q, float64(attrs.Float("scale")))
	} else {
		q = a.div(q, a.op("Sqrt", a.op("CastLike", a.extent(q, 3), q)))
	}
	if past := a.In(4); past != 0 {
		a.k = a.with("Concat", map[string]any{"axis": 2}, past, a.k)
		a.v = a.with("Concat", map[string]any{"axis": 2}, a.In(5), a.v)
	}
	a.q, a.keys = a.grouped(q), a.extent(a.k, 2)
	return nil
}

// heads makes [batch, heads, positions, size] of [batch, positions, heads*size].
func (a *attentionForm) heads(x Ref, number string) Ref {
	if len(a.Of(x).Dims) == 4 {
		return x
	}
	split := a.op("Reshape", x, a.ints(0, 0, int64(a.Attrs().Int(number)), -1))
	return a.with("Transpose", map[string]any{"perm": []int64{0, 2, 1, 3}}, split)
}

// grouped splits the axis of query heads by key heads; flat joins it again.
func (a *attentionForm) grouped(x Ref) Ref {
	shape := a.with("Concat", map[string]any{"axis": 0}, a.extent(x, 0), a.groups, a.with("Shape", map[string]any{"start": 2}, x))
	return a.with("Reshape", map[string]any{"allowzero": 1}, x, shape)
}

func (a *attentionForm) flat(x Ref) Ref {
	shape := a.with("Concat", map[string]any{"axis": 0}, a.extent(x, 0), a.qHeads, a.with("Shape", map[string]any{"start": 3}, x))
	return a.with("Reshape", map[string]any{"allowzero": 1}, x, shape)
}

func (a *attentionForm) product(x, y Ref, transY bool) Ref {
	return product{alpha: 1}.emit(a.grads, x, y, false, transY)
}

// scores returns all stages of the scores.
func (a *attentionForm) scores() (stage [4]Ref, err error) {
	s := a.flat(a.product(a.q, a.op("Unsqueeze", a.k, a.ints(2)), true))
	stage[scoresScaled] = s
	if limit := float64(a.Attrs().Float("softcap")); limit > 0 {
		s = a.scale(a.op("Tanh", a.scale(s, 1/limit)), limit)
	}
	stage[scoresCapped] = s
	allowed, empty := a.visible()
	if mask := a.In(3); mask != 0 {
		empty = true
		if mask, err = a.padded(mask); err != nil {
			return stage, err
		}
		switch {
		case a.Of(mask).DType != tensor.Bool:
			s = a.add(s, a.op("CastLike", mask, s))
		case allowed != 0:
			allowed = a.op("And", mask, allowed)
		default:
			allowed = mask
		}
	}
	never := a.num(s, math.Inf(-1))
	if allowed != 0 {
		s = a.where(allowed, s, never)
	}
	stage[scoresMasked] = s
	soft := map[string]any{"axis": -1}
	if !empty {
		stage[scoresSoft] = a.with("Softmax", soft, s)
		return stage, nil
	}
	blind := a.op("Equal", a.op("ReduceMax", s, a.ints(-1)), never) // sees nothing: its row is zero
	stage[scoresSoft] = a.where(blind, a.num(s, 0), a.with("Softmax", soft, a.where(blind, a.num(s, 0), s)))
	return stage, nil
}

// padded returns a mask whose last axis has the length of the keys: what a shorter one lacks is not seen.
func (a *attentionForm) padded(mask Ref) (Ref, error) {
	t := a.Of(mask)
	if !t.Ranked || len(t.Dims) == 0 {
		return 0, Unsupported("no gradient of Attention with a mask that is %v", t.Type)
	}
	last := len(t.Dims) - 1
	if k := a.Of(a.k); k.Ranked && k.Dims[2].Equal(t.Dims[last]) {
		return mask, nil
	}
	fill := a.Const(tensor.Scalar(false))
	if t.DType != tensor.Bool {
		fill = a.num(mask, math.Inf(-1))
	}
	pads := a.with("Concat", map[string]any{"axis": 0}, a.ints(0), a.sub(a.keys, a.extent(mask, last)))
	return a.op("Pad", mask, pads, fill, a.ints(int64(last))), nil
}

// visible tells which keys each query sees, apart from the mask: 0 if all. Queries are at the positions behind the past,
// or at the end of the keys that are no padding. empty says that a query may see nothing.
func (a *attentionForm) visible() (allowed Ref, empty bool) {
	attrs := a.Attrs()
	count := func(n Ref) Ref { return a.op("Range", a.whole(0), a.op("Squeeze", n), a.whole(1)) }
	left, right, nonpad := attrs.IntOr("left_window_size", -1), attrs.IntOr("right_window_size", -1), a.In(6)
	if !attrs.Bool("is_causal") && left < 0 && right < 0 && nonpad == 0 {
		return 0, false
	}
	and := func(c Ref) {
		if allowed != 0 {
			c = a.op("And", allowed, c)
		}
		allowed = c
	}
	rows, cols := a.op("Unsqueeze", count(a.queries), a.ints(1)), count(a.keys)
	if nonpad != 0 {
		ends := a.op("Reshape", a.op("Clip", nonpad, a.whole(0), a.op("Squeeze", a.keys)), a.ints(-1, 1, 1, 1))
		rows = a.add(rows, a.sub(ends, a.queries))
		and(a.op("Less", cols, ends))
	} else if past := a.In(4); past != 0 {
		rows = a.add(rows, a.extent(past, 2))
	}
	if attrs.Bool("is_causal") {
		and(a.op("GreaterOrEqual", rows, cols))
	}
	if right >= 0 {
		and(a.op("GreaterOrEqual", a.add(rows, a.ints(int64(right))), cols))
	}
	if left >= 0 {
		and(a.op("LessOrEqual", a.sub(rows, a.ints(int64(left))), cols))
	}
	return allowed, nonpad != 0 || left >= 0
}
