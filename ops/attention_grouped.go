package ops

import (
	"fmt"
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// The inputs of GroupQueryAttention behind query, key and value.
const (
	groupedPast        = 3 // keys, then values
	groupedSeqlens     = 5
	groupedTotal       = 6
	groupedCos         = 7
	groupedSin         = 8
	groupedPositions   = 9
	groupedBias        = 10
	groupedSink        = 11
	groupedQueryNorm   = 14
	groupedKeyNorm     = 15
	groupedQuerySeqlen = 16
)

// groupedInfer infers GroupQueryAttention: queries [batch, length, heads*size] beside keys and values of fewer heads, or all
// three in one tensor. The caches have as many rows as the past or as the longest sequence, whichever is more.
func groupedInfer(c *InferCtx) error {
	q := c.Type(0)
	if err := sameElements(c, 0, 1, 2, groupedCos, groupedSin, groupedBias, groupedSink, groupedQueryNorm, groupedKeyNorm); err != nil {
		return err
	}
	n, kvN := int64(c.Int("num_heads")), int64(c.Int("kv_num_heads"))
	if n < 1 || kvN < 1 || n%kvN != 0 {
		return fmt.Errorf("ops: %d query heads for %d key heads, want a multiple", n, kvN)
	}
	if c.Has(1) != c.Has(2) || c.Has(groupedPast) != c.Has(groupedPast+1) {
		return fmt.Errorf("ops: keys and values go together")
	}
	cache := q.DType
	if c.Has(groupedPast) {
		cache = c.Type(groupedPast).DType
	}
	total := c.Fresh()
	if e, ok := c.Exprs(groupedTotal); ok && len(e) == 1 {
		total = e[0]
	}
	rows := total
	if past := c.Type(groupedPast); past.Ranked && c.Has(groupedPast) {
		if len(past.Dims) != 4 {
			return fmt.Errorf("ops: past key is %v, want 4 axes", past)
		}
		rows = total.Max(past.Dims[2])
	} else if c.Has(groupedPast) {
		rows = c.Fresh()
	}
	if rows.Err() != nil {
		rows = c.Fresh()
	}
	if !q.Ranked {
		c.Set(0, q.DType, c.FreshDims(3)...)
		for i := 1; i < 4; i++ {
			c.Set(i, []tensor.DType{cache, cache, q.DType}[i-1], c.FreshDims(4)...)
		}
		return nil
	}
	if len(q.Dims) != 3 {
		return fmt.Errorf("ops: query is %v, want 3 axes", q)
	}
	parts := n
	if !c.Has(1) {
		parts += 2 * kvN
	}
	if w, ok := q.Dims[2].Const(); ok && w%parts != 0 {
		return fmt.Errorf("ops: query is %v, want a last axis that %d heads divide", q, parts)
	}
	size := q.Dims[2].Div(sym.Const(parts))
	c.Set(0, q.DType, q.Dims[0], q.Dims[1], size.Mul(sym.Const(n)))
	c.Set(1, cache, q.Dims[0], sym.Const(kvN), rows, size)
	c.Set(2, cache, q.Dims[0], sym.Const(kvN), rows, size)
	c.Set(3, q.DType, q.Dims[0], sym.Const(n), q.Dims[1], total)
	return nil
}

// grouped is a bound GroupQueryAttention.
type grouped struct {
	attention[float32]
	rotary, interleaved, smooth bool
	epsilon                     [2]float32 // of the normalisations of queries and keys
	calls                       sync.Pool  // of *groupedCall
}

// groupedCall is the state of one call.
type groupedCall struct {
	multiHeadCall
	angles rotaryTable
}

var groupedKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	}
	if k.Has(groupedPast) && k.DType(groupedPast) != tensor.Float32 {
		return Kernel{}, Unsupported("cache of %v", k.DType(groupedPast))
	}
	if k.Bool("sliding_window_cache") {
		return Kernel{}, Unsupported("sliding_window_cache")
	}
	g := &grouped{rotary: k.Bool("do_rotary"), interleaved: k.Bool("rotary_interleaved"), smooth: k.Int("smooth_softmax") == 1}
	g.qHeads, g.kvHeads = k.Int("num_heads"), k.Int("kv_num_heads")
	g.scale, g.softcap = float64(k.Float("scale")), float64(k.Float("softcap"))
	g.rootScale = g.scale == 0
	g.causal, g.left, g.right = k.IntOr("causal", 1) != 0, -1, -1
	if w := k.IntOr("local_window_size", -1); w > 0 {
		g.left = w - 1
	}
	if g.mode = scoresMasked; k.Int("qk_output") == 2 {
		g.mode = scoresSoft
	}
	for i, name := range []string{"q_norm_epsilon", "k_norm_epsilon"} {
		if g.epsilon[i] = k.Float("qk_norm_epsilon"); k.HasAttr(name) {
			g.epsilon[i] = k.Float(name)
		}
	}
	if g.rotary && !(k.Has(groupedCos) && k.Has(groupedSin)) {
		return Kernel{}, fmt.Errorf("ops: do_rotary without cos_cache and sin_cache")
	}
	return Kernel{Run: g.run, Scratch: g.scratch}, nil
})

// scratch returns an upper bound of what run takes: changed queries, and caches that are no outputs.
func (g *grouped) scratch(c *Call) int {
	n := c.In[0].Len() + g.qHeads
	for i := 1; i < 3; i++ {
		if t := part(c.Out, i); t == nil {
			n += c.In[0].Len()
			if past := part(c.In, groupedPast+i-1); past != nil {
				n += past.Len()
			}
		}
	}
	return 4 * n
}

func (g *grouped) run(c *Call) error {
	x, _ := g.calls.Get().(*groupedCall)
	if x == nil {
		x = new(groupedCall)
	}
	x.attention, x.never = &g.attention, -math.MaxFloat32
	err := g.prepare(x, c)
	if err == nil {
		x.do(c.Threads)
		x.clearHidden()
		x.clearPadding()
	}
	spans := x.spans[:0]
	*x = groupedCall{}
	x.spans = spans
	g.calls.Put(x)
	return err
}

// clearHidden sets recorded scores that no query sees to zero.
func (x *groupedCall) clearHidden() {
	if x.scores == nil {
		return
	}
	for r := range x.q.b * x.q.h * x.q.n {
		lo, hi := x.visible(r/(x.q.h*x.q.n), r%x.q.n)
		row := x.scores[r*x.k.n : (r+1)*x.k.n]
		clear(row[:min(lo, len(row))])
		clear(row[min(hi, len(row)):])
	}
}

// clearPadding sets outputs of queries behind the end of their batch to zero.
func (x *groupedCall) clearPadding() {
	y := &x.y
	for b, p := range x.spans {
		for i := p.length - p.start; i < y.n; i++ {
			clear(y.x[b*y.batch+i*y.step:][:y.h*y.size])
		}
	}
}

// prepare views the inputs, rotates queries and keys, joins the past and sets the masks.
func (g *grouped) prepare(x *groupedCall, c *Call) (err error) {
	if err := g.view(x, c); err != nil {
		return err
	}
	total, err := x.place(c)
	if err != nil {
		return err
	}
	if err := g.changes(x, c); err != nil {
		return err
	}
	room := &attentionRoom{c.Scratch}
	x.q = x.rows[0].changed(x.q, room)
	for i, now := range [2]heads[float32]{x.key, x.value} {
		all, err := x.joinGrouped(c, i, now, total, room)
		if err != nil {
			return err
		}
		if total > all.n {
			return fmt.Errorf("ops: total_sequence_length is %d, but past and new keys are %d", total, all.n)
		}
		if all.n = total; i == 0 {
			x.k = all
		} else {
			x.v = all
		}
	}
	if err := x.mask.set(part(c.In, groupedBias), x.q.b, x.q.h, x.q.n, total); err != nil {
		return err
	}
	x.pad = attentionMask[float32]{}
	if t := part(c.In, groupedSink); t != nil {
		if x.sinks = tensor.Of[float32](t); len(x.sinks) != x.q.h {
			return fmt.Errorf("ops: head_sink has shape %v, want [%d]", t.Shape(), x.q.h)
		}
	} else if g.smooth {
		x.sinks = room.floats(x.q.h)
		clear(x.sinks)
	}
	return x.outputs(c)
}

// view finds queries, new keys and new values in the inputs.
func (g *grouped) view(x *groupedCall, c *Call) (err error) {
	q, k, v := c.In[0], part(c.In, 1), part(c.In, 2)
	if k == nil {
		s := q.Shape()
		all := g.qHeads + 2*g.kvHeads
		if len(s) != 3 || s[2]%all != 0 {
			return fmt.Errorf("ops: packed query has shape %v, want [batch, length, width] of %d heads", s, all)
		}
		one := heads[float32]{b: s[0], n: s[1], h: g.kvHeads, size: s[2] / all, batch: s[1] * s[2], step: s[2]}
		one.head = one.size
		x.q, x.key, x.value = one, one, one
		x.q.h = g.qHeads
		if data := tensor.Of[float32](q); len(data) > 0 {
			x.q.x, x.key.x, x.value.x = data, data[g.qHeads*one.size:], data[(g.qHeads+g.kvHeads)*one.size:]
		}
		return nil
	}
	if x.q, err = viewHeads[float32](q, g.qHeads); err != nil {
		return err
	}
	if x.key, err = viewHeads[float32](k, g.kvHeads); err != nil {
		return err
	}
	if x.value, err = viewHeads[float32](v, g.kvHeads); err != nil {
		return err
	}
	for _, kv := range []heads[float32]{x.key, x.value} {
		if kv.b != x.q.b || kv.n != x.q.n || kv.size != x.q.size || kv.h != g.kvHeads {
			return fmt.Errorf("ops: query %v, key %v and value %v do not fit", q.Shape(), k.Shape(), v.Shape())
		}
	}
	return nil
}

// place tells where the queries of each batch are, and returns the number of keys of the longest sequence.
func (x *groupedCall) place(c *Call) (int, error) {
	lens, totals := tensor.Of[int32](c.In[groupedSeqlens]), tensor.Of[int32](c.In[groupedTotal])
	if len(lens) != x.q.b || len(totals) != 1 {
		return 0, fmt.Errorf("ops: seqlens_k and total_sequence_length have shapes %v and %v, want [%d] and []",
			c.In[groupedSeqlens].Shape(), c.In[groupedTotal].Shape(), x.q.b)
	}
	var valid []int32
	if t := part(c.In, groupedQuerySeqlen); t != nil {
		if valid = tensor.Of[int32](t); len(valid) != x.q.b {
			return 0, fmt.Errorf("ops: query_seqlens has shape %v, want [%d]", t.Shape(), x.q.b)
		}
	}
	total := int(totals[0])
	for b, l := range lens {
		keys := int(l) + 1
		now := min(x.q.n, keys)
		if valid != nil {
			now = int(valid[b])
		}
		if keys < 0 || keys > total || now < 0 || now > min(x.q.n, keys) {
			return 0, fmt.Errorf("ops: batch %d has %d keys, %d of them new, want at most %d and %d", b, keys, now, total, x.q.n)
		}
		x.spans = append(x.spans, attentionSpan{keys - now, keys})
	}
	return total, nil
}

// changes sets what becomes of queries and keys before they meet.
func (g *grouped) changes(x *groupedCall, c *Call) error {
	for i, at := range [2]int{groupedQueryNorm, groupedKeyNorm} {
		if t := part(c.In, at); t != nil {
			x.rows[i].eps = g.epsilon[i]
			if x.rows[i].norm = tensor.Of[float32](t); len(x.rows[i].norm) != x.q.size {
				return fmt.Errorf("ops: weights of the normalisation have shape %v, want [%d]", t.Shape(), x.q.size)
			}
		}
	}
	if !g.rotary {
		return nil
	}
	x.angles = rotaryTable{interleaved: g.interleaved, spans: x.spans}
	x.rows[0].rotary, x.rows[1].rotary = &x.angles, &x.angles
	return x.angles.set(c.In[groupedCos], c.In[groupedSin], part(c.In, groupedPositions), x.q)
}

// joinGrouped brings keys (i is 0) or values (i is 1) together with their past.
func (x *groupedCall) joinGrouped(c *Call, i int, now heads[float32], total int, room *attentionRoom) (heads[float32], error) {
	x.cache = cacheSpec{rows: total, spans: x.spans}
	if past := part(c.In, groupedPast+i); past != nil {
		if past.Rank() != 4 {
			return now, fmt.Errorf("ops: past has shape %v, want 4 axes", past.Shape())
		}
		x.cache.past, x.cache.pastRows = tensor.Of[float32](past), past.Shape()[2]
		x.cache.rows = max(total, x.cache.pastRows)
	}
	for b, p := range x.spans {
		if x.cache.past == nil && p.start > 0 {
			return now, fmt.Errorf("ops: batch %d has %d keys before the new ones, but there is no past", b, p.start)
		}
	}
	r := &x.rows[1]
	if i == 1 {
		r = &x.rows[2]
	}
	if t := part(c.Out, 1+i); t != nil {
		x.cache.present = tensor.Of[float32](t)
	} else if x.cache.past != nil {
		x.cache.rows = x.cache.pastRows + x.q.n // no more than that is there
	}
	return x.cache.join(now, r, room)
}
