package ops

import "github.com/onnxrun/onnxrun/tensor"

// linearAttentionGrad writes LinearAttention out as a scan over the positions, of all batches and heads at once: with the
// state s [batch, key heads, key size, value size],
//
//	s = exp(decay)*s + key' * update      update = value, or beta*(value - key*s) with s after its decay
//	output = scale * query * s
func linearAttentionGrad(c GradCtx) error {
	g := grads{c}
	if g.Dy(0) == 0 && g.Dy(1) == 0 {
		return nil
	}
	for _, i := range []int{0, 1, 2} {
		if rank, err := g.rank(g.In(i)); err != nil || rank != 3 {
			return Unsupported("no gradient of LinearAttention of an input that is %v", g.Of(g.In(i)).Type)
		}
	}
	r, err := readLinearAttention(g.Attrs(), g.In(4) != 0, g.In(5) != 0)
	if err != nil {
		return err
	}
	state := linearState(g, r)
	steps := []Ref{linearSteps(g, 0, r.heads, r.group, -1), linearSteps(g, 1, r.heads, 1, -1), linearSteps(g, 2, r.heads, 1, -1)}
	decay, beta := 0, 0
	if g.In(4) != 0 {
		decay = len(steps)
		steps = append(steps, linearSteps(g, 4, r.heads, -1, 1)) // [..., 1 or key size, 1]
	}
	if g.In(5) != 0 {
		beta = len(steps)
		steps = append(steps, linearSteps(g, 5, -1, 1, 1)) // [..., heads or 1, 1, 1]
	}
	last, out := g.Scan([]Ref{state}, steps, func(carried, x []Ref) (next, results []Ref) {
		s, k, v := carried[0], x[1], x[2]
		if decay > 0 {
			s = g.mul(g.op("Exp", x[decay]), s)
		}
		if beta > 0 {
			v = g.mul(x[beta], g.sub(v, g.op("MatMul", k, s)))
		}
		s = g.add(s, g.op("MatMul", g.with("Transpose", map[string]any{"perm": []int64{0, 1, 3, 2}}, k), v))
		return []Ref{s}, []Ref{g.op("MatMul", x[0], s)}
	})
	y := g.with("Transpose", map[string]any{"perm": []int64{1, 0, 2, 3, 4}}, out[0])
	if r.scale != 0 {
		y = g.scale(y, float64(r.scale))
	} else {
		y = g.div(y, g.op("Sqrt", g.op("CastLike", g.extent(state, 2), y)))
	}
	g.SetOutput(0, g.like(y, g.Out(0)))
	g.SetOutput(1, g.op("CastLike", last[0], g.Out(1)))
	return nil
}

// linearState is the state that the scan begins with, of the element type of the query.
func linearState(g grads, r *linearAttention) Ref {
	q, k := g.In(0), g.In(1)
	if past := g.In(3); past != 0 {
		return g.op("CastLike", past, q)
	}
	heads := g.ints(int64(r.heads))
	shape := g.with("Concat", map[string]any{"axis": 0}, g.extent(k, 0), heads, g.div(g.extent(k, 2), heads), g.div(g.extent(g.In(2), 2), heads))
	return g.with("ConstantOfShape", map[string]any{"value": tensor.New(g.Of(q).DType, 1)}, shape)
}

// linearSteps makes [steps, batch, a, b, c] of input i, [batch, steps, a*b*c]; one of the three may be -1.
func linearSteps(g grads, i, a, b, c int) Ref {
	split := g.op("Reshape", g.In(i), g.ints(0, 0, int64(a), int64(b), int64(c)))
	return g.with("Transpose", map[string]any{"perm": []int64{1, 0, 2, 3, 4}}, split)
}
