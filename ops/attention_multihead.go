package ops

import (
	"fmt"
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// multiHeadParts says which input of MultiHeadAttention and DecoderMaskedMultiHeadAttention plays which part, after
// query, key and value.
type multiHeadParts struct{ bias, pad, add, pastKey, pastValue, pastLength, beam, beams int }

var (
	multiHeadInputs  = multiHeadParts{bias: 3, pad: 4, add: 5, pastKey: 6, pastValue: 7, pastLength: 8, beam: -1, beams: 9}
	maskedHeadInputs = multiHeadParts{pad: 3, add: 4, pastKey: 5, pastValue: 6, pastLength: 7, beam: 8, beams: 9, bias: 10}
)

// infer infers both operators.
func (p multiHeadParts) infer(c *InferCtx) error {
	q, k, v := c.Type(0), c.Type(1), c.Type(2)
	if err := sameElements(c, 0, 1, 2, p.bias, p.add, p.pastKey, p.pastValue); err != nil {
		return err
	}
	n := int64(c.Int("num_heads"))
	if n < 1 {
		return fmt.Errorf("ops: num_heads is %d, want at least 1", n)
	}
	if !q.Ranked || c.Has(1) && !k.Ranked || c.Has(2) && !v.Ranked {
		c.Set(0, q.DType, c.FreshDims(3)...)
		for i := 1; i < 4; i++ {
			c.Set(i, q.DType, c.FreshDims(4)...)
		}
		return nil
	}
	form, err := multiHeadForm(len(q.Dims), k.Rank(), v.Rank())
	if err != nil {
		return fmt.Errorf("ops: query, key and value are %v, %v and %v: %w", q, k, v, err)
	}
	h := sym.Const(n)
	b, s := q.Dims[0], q.Dims[1]
	var size, valueSize, l Dim
	switch form {
	case headsPacked:
		size, l = q.Dims[len(q.Dims)-1], s
		if len(q.Dims) == 3 {
			size = size.Div(sym.Const(3 * n))
		}
		valueSize = size
	case headsPackedKV:
		size, l = k.Dims[4], k.Dims[1]
		valueSize = size
	case headsApart:
		size, l, valueSize = q.Dims[2].Div(h), k.Dims[1], v.Dims[2].Div(h)
	case headsFirst:
		size, l, valueSize = q.Dims[2].Div(h), k.Dims[2], v.Dims[3]
	}
	total := l
	if past := c.Type(p.pastKey); c.Has(p.pastKey) {
		switch {
		case past.Rank() >= 0 && past.Rank() != 4:
			return fmt.Errorf("ops: past key is %v, want 4 axes", past)
		case !past.Ranked:
			total = c.Fresh()
		case c.Has(p.pastLength):
			total = past.Dims[2]
		default:
			total = past.Dims[2].Add(l)
		}
	}
	c.Set(0, q.DType, b, s, valueSize.Mul(h))
	c.Set(1, q.DType, b, h, total, size)
	c.Set(2, q.DType, b, h, total, valueSize)
	if c.Has(p.pastLength) {
		total = c.Fresh()
		if past, ok := c.Exprs(p.pastLength); ok && len(past) == 1 {
			total = past[0].Add(l)
		}
	}
	c.Set(3, q.DType, b, h, s, total)
	return nil
}

// The forms that queries, keys and values come in.
const (
	headsPacked   = iota // all in input 0: [batch, length, heads, 3, size], or [batch, length, 3*heads*size]
	headsPackedKV        // keys and values in input 1: [batch, length, heads, 2, size]
	headsApart           // [batch, length, heads*size] each
	headsFirst           // keys and values [batch, heads, length, size]
)

// multiHeadForm tells the form from the ranks, which are -1 for what is absent.
func multiHeadForm(q, k, v int) (int, error) {
	switch {
	case (q == 5 || q == 3) && k < 0 && v < 0:
		return headsPacked, nil
	case q == 3 && k == 5 && v < 0:
		return headsPackedKV, nil
	case q == 3 && k == 3 && v == 3:
		return headsApart, nil
	case q == 3 && k == 4 && v == 4:
		return headsFirst, nil
	}
	return 0, fmt.Errorf("want one of [batch, length, heads, 3, size]; [batch, length, width] and [batch, length, heads, 2, size]; three of [batch, length, width]; keys and values of [batch, heads, length, size]")
}

// multiHead is a bound MultiHeadAttention or DecoderMaskedMultiHeadAttention.
type multiHead struct {
	attention[float32]
	parts  multiHeadParts
	filter float32
	calls  sync.Pool // of *multiHeadCall
}

// multiHeadCall is the state of one call.
type multiHeadCall struct {
	attentionCall[float32]
	key, value heads[float32] // the new ones
	headsFirst bool           // keys and values come as heads
	rows       [3]headRows    // of queries, keys and values
	cache      cacheSpec
}

func multiHeadOf(p multiHeadParts) func(*KernelCtx) (Kernel, error) {
	return widened(func(k *KernelCtx) (Kernel, error) {
		if k.DType(0) != tensor.Float32 {
			return Kernel{}, Unsupported("element type %v", k.DType(0))
		}
		m := &multiHead{parts: p}
		m.set(k)
		return Kernel{Run: m.run, Scratch: m.scratch}, nil
	})
}

// set reads the attributes that the attentions of com.microsoft have in common.
func (m *multiHead) set(k *KernelCtx) {
	m.qHeads, m.kvHeads = k.Int("num_heads"), k.Int("num_heads")
	m.scale = float64(k.Float("scale"))
	m.rootScale = m.scale == 0
	m.causal, m.left, m.right, m.mode = k.Bool("unidirectional"), -1, -1, scoresMasked
	if m.filter = padFilter; k.HasAttr("mask_filter_value") {
		m.filter = k.Float("mask_filter_value")
	}
}

// scratch returns an upper bound of what run takes: changed queries, joined keys and values, and the mask of padding.
func (m *multiHead) scratch(c *Call) int {
	n := 0
	for _, i := range []int{0, 1, 2, m.parts.pastKey, m.parts.pastValue} {
		if t := part(c.In, i); t != nil {
			n += t.Len()
		}
	}
	x := multiHeadCall{}
	x.attention = &m.attention
	if part(c.In, m.parts.beams) != nil {
		n *= 2
	}
	if x.view(c) == nil {
		n += padSize(part(c.In, m.parts.pad), x.q.b, x.key.n+attentionPast(c, m.parts.pastKey))
	}
	return 4 * n
}

func (m *multiHead) run(c *Call) error {
	x, _ := m.calls.Get().(*multiHeadCall)
	if x == nil {
		x = new(multiHeadCall)
	}
	x.attention, x.never = &m.attention, -math.MaxFloat32
	err := m.prepare(x, c)
	if err == nil {
		x.do(c.Threads)
	}
	*x = multiHeadCall{attentionCall: attentionCall[float32]{spans: x.spans[:0]}}
	m.calls.Put(x)
	return err
}

// view finds queries, new keys and new values in the inputs.
func (x *multiHeadCall) view(c *Call) error {
	q, k, v := c.In[0], part(c.In, 1), part(c.In, 2)
	rank := func(t *tensor.Tensor) int {
		if t == nil {
			return -1
		}
		return t.Rank()
	}
	form, err := multiHeadForm(rank(q), rank(k), rank(v))
	if err != nil {
		return err
	}
	n := x.qHeads
	x.headsFirst = form == headsFirst
	switch form {
	case headsPacked:
		x.q, x.key, x.value, err = packedHeads(q, n)
		return err
	case headsPackedKV:
		if _, x.key, x.value, err = packedHeads(k, n); err != nil {
			return err
		}
	default:
		if x.key, err = viewHeads[float32](k, n); err != nil {
			return err
		}
		if x.value, err = viewHeads[float32](v, n); err != nil {
			return err
		}
	}
	x.q, err = viewHeads[float32](q, n)
	return err
}

// packedHeads views queries, keys and values that lie in one tensor: [batch, length, heads, 3, size], without queries
// [batch, length, heads, 2, size], or [batch, length, 3*heads*size].
func packedHeads(t *tensor.Tensor, n int) (q, k, v heads[float32], err error) {
	s, x := t.Shape(), tensor.Of[float32](t)
	one := heads[float32]{b: s[0], n: s[1], h: n}
	var parts [3]int // offsets
	switch {
	case len(s) == 3 && s[2]%(3*n) == 0:
		one.size, one.step = s[2]/(3*n), s[2]
		one.head = one.size
		parts = [3]int{0, n * one.size, 2 * n * one.size}
	case len(s) == 5 && s[2] == n && (s[3] == 2 || s[3] == 3):
		one.size, one.head, one.step = s[4], s[3]*s[4], n*s[3]*s[4]
		parts = [3]int{0, (s[3] - 2) * s[4], (s[3] - 1) * s[4]}
	default:
		return q, k, v, fmt.Errorf("ops: packed heads of %v, want %d heads", s, n)
	}
	one.batch = s[1] * one.step
	if len(x) == 0 {
		return one, one, one, nil
	}
	q, k, v = one, one, one
	q.x, k.x, v.x = x[parts[0]:], x[parts[1]:], x[parts[2]:]
	return q, k, v, nil
}

// prepare views the inputs, adds biases, joins the past and sets the masks.
func (m *multiHead) prepare(x *multiHeadCall, c *Call) (err error) {
	p := m.parts
	if err := x.view(c); err != nil {
		return err
	}
	if x.key.b != x.q.b || x.value.b != x.q.b || x.key.n != x.value.n || x.key.size != x.q.size || x.key.h != x.qHeads || x.value.h != x.qHeads {
		return fmt.Errorf("ops: query %v does not fit keys [%d %d %d %d] and values [%d %d %d %d]", c.In[0].Shape(),
			x.key.b, x.key.h, x.key.n, x.key.size, x.value.b, x.value.h, x.value.n, x.value.size)
	}
	if err := x.biases(part(c.In, p.bias)); err != nil {
		return err
	}
	room := &attentionRoom{c.Scratch}
	x.q = x.rows[0].changed(x.q, room)
	past := attentionPast(c, p.pastKey)
	if t := part(c.In, p.pastLength); t != nil && t.Len() == 1 && past > 0 {
		x.cache.rows = past
		past = int(tensor.Of[int32](t)[0])
	} else {
		x.cache.rows = past + x.key.n
	}
	for range x.q.b {
		x.spans = append(x.spans, attentionSpan{past, past + x.key.n})
	}
	if x.k, err = m.join(x, c, 1, room); err != nil {
		return err
	}
	if x.v, err = m.join(x, c, 2, room); err != nil {
		return err
	}
	x.k.n, x.v.n = past+x.key.n, past+x.key.n
	if t := part(c.In, p.beams); t != nil {
		if x.k, err = pickBeams(x.k, t, past, room); err != nil {
			return err
		}
		if x.v, err = pickBeams(x.v, t, past, room); err != nil {
			return err
		}
	}
	if err := x.mask.set(part(c.In, p.add), x.q.b, x.q.h, x.q.n, x.k.n); err != nil {
		return err
	}
	if err := x.pad.setPad(part(c.In, p.pad), x.q.b, x.q.n, x.k.n, past, m.filter, room); err != nil {
		return err
	}
	return x.outputs(c)
}

// biases splits the bias of queries, keys and values.
func (x *multiHeadCall) biases(t *tensor.Tensor) error {
	if t == nil {
		return nil
	}
	b := tensor.Of[float32](t)
	wide, values := x.q.h*x.q.size, x.value.h*x.value.size
	if len(b) != 2*wide+values {
		return fmt.Errorf("ops: bias has shape %v, want [%d]", t.Shape(), 2*wide+values)
	}
	if x.rows[0].bias = b[:wide]; !x.headsFirst { // those have theirs already
		x.rows[1].bias, x.rows[2].bias = b[wide:2*wide], b[2*wide:]
	}
	return nil
}

// join brings keys (i is 1) or values (i is 2) together with their past.
func (m *multiHead) join(x *multiHeadCall, c *Call, i int, room *attentionRoom) (heads[float32], error) {
	now, past := x.key, part(c.In, m.parts.pastKey)
	if i == 2 {
		now, past = x.value, part(c.In, m.parts.pastValue)
	}
	s := &x.cache
	s.past, s.pastRows, s.present, s.spans, s.keep = nil, 0, nil, x.spans, true
	if past != nil {
		if past.Rank() != 4 {
			return now, fmt.Errorf("ops: past has shape %v, want 4 axes", past.Shape())
		}
		s.past, s.pastRows = tensor.Of[float32](past), past.Shape()[2]
	}
	if t := part(c.Out, i); t != nil {
		s.present = tensor.Of[float32](t)
	}
	return s.join(now, &x.rows[i], room)
}

// pickBeams returns heads with the past of each beam put together from those beams of its batch that t [batch, beams, any]
// names for each position.
func pickBeams(x heads[float32], t *tensor.Tensor, past int, room *attentionRoom) (heads[float32], error) {
	s, from := t.Shape(), tensor.Of[int32](t)
	if len(s) != 3 || s[0]*s[1] != x.b || s[2] < past {
		return x, fmt.Errorf("ops: cache_indirection has shape %v for %d sequences with a past of %d", s, x.b, past)
	}
	y := heads[float32]{b: x.b, h: x.h, n: x.n, size: x.size, batch: x.h * x.n * x.size, head: x.n * x.size, step: x.size}
	y.x = room.floats(x.b * y.batch)
	for b := range x.b {
		for i := range x.n {
			src := b
			if i < past {
				w := int(from[b*s[2]+i])
				if w < 0 || w >= s[1] {
					return x, fmt.Errorf("ops: cache_indirection names beam %d of %d", w, s[1])
				}
				src = b/s[1]*s[1] + w
			}
			for h := range x.h {
				copy(y.x[b*y.batch+h*y.head+i*y.step:][:y.size], x.x[src*x.batch+h*x.head+i*x.step:])
			}
		}
	}
	return y, nil
}

// outputs checks the output and notes where scores go.
func (x *multiHeadCall) outputs(c *Call) (err error) {
	if x.y, err = viewHeads[float32](c.Out[0], x.q.h); err != nil {
		return err
	}
	if x.y.b != x.q.b || x.y.n != x.q.n || x.y.size != x.v.size {
		return fmt.Errorf("ops: attention output has shape %v", c.Out[0].Shape())
	}
	if t := part(c.Out, 3); t != nil {
		if x.scores = tensor.Of[float32](t); len(x.scores) != x.q.b*x.q.h*x.q.n*x.k.n {
			return fmt.Errorf("ops: output of scores has shape %v, want [%d %d %d %d]", t.Shape(), x.q.b, x.q.h, x.q.n, x.k.n)
		}
	}
	return nil
}
