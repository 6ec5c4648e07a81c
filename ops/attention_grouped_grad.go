package ops

import "github.com/onnxrun/onnxrun/tensor"

// groupedGrad is the rule of GroupQueryAttention, but for the caches that it returns.
func groupedGrad(c GradCtx) error {
	g := grads{c}
	if g.Dy(1) != 0 || g.Dy(2) != 0 || g.Dy(3) != 0 {
		return Unsupported("no gradient of the caches and the scores of GroupQueryAttention")
	}
	if g.Dy(0) == 0 {
		return nil
	}
	attrs := g.Attrs()
	n, kvN := attrs.Int("num_heads"), attrs.Int("kv_num_heads")
	a := attended{grads: g, scale: float64(attrs.Float("scale")), softcap: float64(attrs.Float("softcap"))}
	if g.In(1) != 0 {
		a.q, a.k, a.v = g.split(g.In(0), n), g.split(g.In(1), kvN), g.split(g.In(2), kvN)
	} else {
		all := g.split(g.In(0), n+2*kvN)
		parts := g.EmitAll(3, "", "Split", map[string]any{"axis": 1}, all, g.ints(int64(n), int64(kvN), int64(kvN)))
		a.q, a.k, a.v = parts[0], parts[1], parts[2]
	}
	p := a.places()
	a.turn(p)
	a.k, a.v = a.cached(a.k, groupedPast, p), a.cached(a.v, groupedPast+1, p)
	a.allowed = a.sees(p)
	if bias := g.In(groupedBias); bias != 0 {
		a.add = append(a.add, bias)
	}
	if a.sink = g.In(groupedSink); a.sink == 0 && attrs.Int("smooth_softmax") == 1 {
		a.sink = g.op("Expand", g.num(a.q, 0), g.ints(int64(n)))
	}
	a.k, a.v = a.repeated(a.k, n/kvN), a.repeated(a.v, n/kvN)
	y, _ := a.run()
	valid := g.op("Unsqueeze", g.op("Less", p.rows, p.length), g.ints(1, 3)) // what is behind the end of its batch is zero
	g.SetOutput(0, g.join(g.keep(valid, y)))
	return nil
}

// groupedPlaces tells where queries and keys are.
type groupedPlaces struct {
	start  Ref // [batch, 1], the number of keys before the new ones
	length Ref // [batch, 1], the number of all keys
	rows   Ref // [batch, queries], the positions of the queries
	keys   Ref // [keys], those of the keys
	total  Ref // the number of keys, as a list
}

func (a *attended) places() groupedPlaces {
	wide := func(v Ref) Ref { return a.with("Cast", map[string]any{"to": tensor.Int64}, v) }
	now := a.extent(a.q, 2)
	p := groupedPlaces{total: a.op("Reshape", wide(a.In(groupedTotal)), a.ints(1))}
	lens := a.op("Reshape", wide(a.In(groupedSeqlens)), a.ints(-1, 1))
	p.length = a.op("Add", lens, a.whole(1))
	valid := a.op("Min", now, p.length)
	if t := a.In(groupedQuerySeqlen); t != 0 {
		valid = a.op("Unsqueeze", wide(t), a.ints(1))
	}
	p.start = a.sub(p.length, valid)
	p.rows = a.grads.add(p.start, a.upTo(now))
	p.keys = a.upTo(p.total)
	return p
}

// turn normalises queries and keys and rotates them by the angles of their positions, as far as the node does.
func (a *attended) turn(p groupedPlaces) {
	attrs := a.Attrs()
	for i, x := range []*Ref{&a.q, &a.k} {
		if w := a.In(groupedQueryNorm + i); w != 0 {
			eps := attrs.Float("qk_norm_epsilon")
			if name := []string{"q_norm_epsilon", "k_norm_epsilon"}[i]; attrs.HasAttr(name) {
				eps = attrs.Float(name)
			}
			*x = a.with("RMSNormalization", map[string]any{"epsilon": eps}, *x, w)
		}
	}
	if !attrs.Bool("do_rotary") {
		return
	}
	cos, sin, at := a.In(groupedCos), a.In(groupedSin), a.In(groupedPositions)
	if at == 0 { // positions behind the end are of no use, but must be rows of the tables
		last := a.sub(a.extent(cos, 0), a.ints(1))
		at = a.op("Min", p.rows, last)
	}
	rotary := map[string]any{"interleaved": attrs.Bool("rotary_interleaved")}
	if dims := a.Of(cos).Dims; len(dims) == 2 {
		if half, ok := dims[1].Const(); ok { // else all of a head is rotated
			rotary["rotary_embedding_dim"] = 2 * half
		}
	}
	for i, x := range []*Ref{&a.q, &a.k} {
		rotary["num_heads"] = attrs.Int([]string{"num_heads", "kv_num_heads"}[i])
		*x = a.Emit("com.microsoft", "RotaryEmbedding", rotary, *x, at, cos, sin)
	}
}

// cached puts new keys or values behind those of the cache in input i that count, batch by batch.
func (a *attended) cached(x Ref, i int, p groupedPlaces) Ref {
	past := a.In(i)
	if past == 0 {
		return a.op("Slice", x, a.ints(0), p.total, a.ints(2))
	}
	fresh := a.op("Min", a.op("Max", a.sub(p.keys, p.start), a.whole(0)), a.sub(a.extent(x, 2), a.ints(1)))
	from := a.where(a.op("Less", p.keys, p.start), p.keys, a.grads.add(fresh, a.extent(past, 2)))
	all := a.behind(past, x)
	shape := a.with("Concat", map[string]any{"axis": 0}, a.with("Shape", map[string]any{"end": 2}, all), p.total, a.extent(all, 3))
	return a.with("GatherElements", map[string]any{"axis": 2}, all, a.op("Expand", a.op("Unsqueeze", from, a.ints(1, 3)), shape))
}

// sees tells which keys each query sees: those of its batch, up to itself, and within the window.
func (a *attended) sees(p groupedPlaces) Ref {
	row := a.op("Unsqueeze", p.rows, a.ints(2))
	seen := a.op("Less", p.keys, a.op("Unsqueeze", p.length, a.ints(2)))
	if a.Attrs().IntOr("causal", 1) != 0 {
		seen = a.op("And", seen, a.op("LessOrEqual", p.keys, row))
	}
	if w := a.Attrs().IntOr("local_window_size", -1); w > 0 {
		seen = a.op("And", seen, a.op("Greater", p.keys, a.sub(row, a.whole(int64(w)))))
	}
	return a.op("Unsqueeze", seen, a.ints(1))
}

// repeated gives each query head of a group the keys or values of their common head.
func (a *attended) repeated(x Ref, times int) Ref {
	if times == 1 {
		return x
	}
	x = a.op("Unsqueeze", x, a.ints(2))
	group := a.with("Concat", map[string]any{"axis": 0}, a.ints(1, 1, int64(times)), a.ints(1, 1))
	x = a.op("Expand", x, group)
	return a.op("Reshape", x, a.with("Concat", map[string]any{"axis": 0}, a.extent(x, 0), a.ints(-1), a.with("Shape", map[string]any{"start": 3}, x)))
}
