package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// The inputs of com.microsoft Attention behind input and weights.
const (
	projectedBias       = 2
	projectedPad        = 3
	projectedPast       = 4
	projectedAdd        = 5
	projectedPastLength = 6
	projectedProduct    = 7 // queries, keys and values, where QAttention has made them
)

// projectedInfer infers com.microsoft Attention: queries, keys and values are a product of the input [batch, length, width]
// and weights [width, queries+keys+values]; past and present hold keys and values [2, batch, heads, any, size].
func projectedInfer(c *InferCtx) error {
	x, w := c.Type(0), c.Type(1)
	if err := sameElements(c, 0, 1, projectedBias, projectedPast, projectedAdd); err != nil {
		return err
	}
	n := int64(c.Int("num_heads"))
	if n < 1 {
		return fmt.Errorf("ops: num_heads is %d, want at least 1", n)
	}
	if x.Ranked && len(x.Dims) != 3 || w.Ranked && len(w.Dims) != 2 {
		return fmt.Errorf("ops: input is %v and weights are %v, want 3 and 2 axes", x, w)
	}
	if !x.Ranked || !w.Ranked {
		c.Set(0, x.DType, c.FreshDims(3)...)
		c.Set(1, x.DType, c.FreshDims(5)...)
		return nil
	}
	wide := w.Dims[1].Div(sym.Const(3))
	size := wide.Div(sym.Const(n))
	if l := c.IntList("qkv_hidden_sizes"); l != nil {
		if len(l) != 3 || l[1] < 1 || l[2] < 1 {
			return fmt.Errorf("ops: qkv_hidden_sizes is %v, want 3 sizes", l)
		}
		wide, size = sym.Const(l[2]), sym.Const(l[1]/n)
	}
	c.Set(0, x.DType, x.Dims[0], x.Dims[1], wide)
	total := x.Dims[1]
	if past := c.Type(projectedPast); c.Has(projectedPast) {
		switch {
		case past.Rank() >= 0 && past.Rank() != 5:
			return fmt.Errorf("ops: past is %v, want 5 axes", past)
		case !past.Ranked:
			total = c.Fresh()
		case c.Bool("past_present_share_buffer"):
			total = past.Dims[3]
		default:
			total = total.Add(past.Dims[3])
		}
	}
	c.Set(1, x.DType, sym.Const(2), x.Dims[0], sym.Const(n), total, size)
	return nil
}

// projected is a bound com.microsoft Attention.
type projected struct {
	multiHead
	sizes  [3]int // widths of queries, keys and values; zero: thirds of the weights
	share  bool   // past and present have room for more
	packed *gemm.Packed
}

var projectedKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	}
	p, err := projectedAttrs(k)
	if err != nil {
		return Kernel{}, err
	}
	for i, v := range k.IntList("qkv_hidden_sizes") {
		if i > 2 || v < 1 || v%int64(p.qHeads) != 0 || v > math.MaxInt32 {
			return Kernel{}, fmt.Errorf("ops: qkv_hidden_sizes is %v, want 3 multiples of %d", k.IntList("qkv_hidden_sizes"), p.qHeads)
		}
		p.sizes[i] = int(v)
	}
	if w := k.Const(1); w != nil && w.Rank() == 2 && w.Len() > 0 {
		p.packed, _ = k.Packed(1, "gemm.B trans=false", func(room *Room) any {
			s := w.Shape()
			m := matrices{rows: s[0], cols: s[1], rs: s[1], cs: 1}
			return packMatrices(room, &m, w)
		}).(*gemm.Packed)
	}
	return Kernel{Run: p.run, Scratch: p.scratch}, nil
})

// projectedAttrs reads the attributes that Attention and QAttention have in common.
func projectedAttrs(k *KernelCtx) (*projected, error) {
	if k.Bool("do_rotary") {
		return nil, Unsupported("do_rotary")
	}
	p := &projected{share: k.Bool("past_present_share_buffer")}
	p.set(k)
	return p, nil
}

// scratch returns an upper bound of what run takes: the projections, a joined past, and the mask of padding.
func (p *projected) scratch(c *Call) int {
	s, w := c.In[0].Shape(), c.In[1].Shape()
	if len(s) != 3 || len(w) != 2 {
		return 0
	}
	n, rows := s[0]*s[1]*w[1], s[1]
	if past := part(c.In, projectedPast); past != nil && past.Rank() == 5 {
		rows += past.Shape()[3]
		n += past.Len() + n
	}
	return 4 * (n + padSize(part(c.In, projectedPad), s[0], rows))
}

func (p *projected) run(c *Call) error {
	x, _ := p.calls.Get().(*multiHeadCall)
	if x == nil {
		x = new(multiHeadCall)
	}
	x.attention, x.never = &p.attention, -math.MaxFloat32
	err := p.prepare(x, c)
	if err == nil {
		x.do(c.Threads)
	}
	*x = multiHeadCall{attentionCall: attentionCall[float32]{spans: x.spans[:0]}}
	p.calls.Put(x)
	return err
}

// prepare projects the input, joins the past and sets the masks.
func (p *projected) prepare(x *multiHeadCall, c *Call) error {
	room := &attentionRoom{c.Scratch}
	if err := p.project(x, c, room); err != nil {
		return err
	}
	past, rows := 0, 0
	t := part(c.In, projectedPast)
	if t != nil {
		s := t.Shape()
		if len(s) != 5 || s[0] != 2 || s[1] != x.q.b || s[2] != x.q.h || s[4] != x.key.size || s[4] != x.value.size {
			return fmt.Errorf("ops: past has shape %v, want [2 %d %d any %d]", s, x.q.b, x.q.h, x.key.size)
		}
		past, rows = s[3], s[3]
	}
	if l := part(c.In, projectedPastLength); p.share && l != nil && l.Len() == 1 {
		past = int(tensor.Of[int32](l)[0])
	} else {
		rows = past + x.key.n
	}
	for range x.q.b {
		x.spans = append(x.spans, attentionSpan{past, past + x.key.n})
	}
	present := part(c.Out, 1)
	if present != nil && x.key.size != x.value.size {
		return fmt.Errorf("ops: present keys of size %d and values of size %d", x.key.size, x.value.size)
	}
	for i, now := range [2]heads[float32]{x.key, x.value} {
		x.cache = cacheSpec{rows: rows, spans: x.spans, keep: true}
		x.cache.past, x.cache.present = halfOf(t, i), halfOf(present, i)
		if t != nil {
			x.cache.pastRows = t.Shape()[3]
		}
		all, err := x.cache.join(now, &x.rows[1+i], room)
		if err != nil {
			return err
		}
		if all.n = past + x.key.n; i == 0 {
			x.k = all
		} else {
			x.v = all
		}
	}
	if err := x.mask.set(part(c.In, projectedAdd), x.q.b, x.q.h, x.q.n, x.k.n); err != nil {
		return err
	}
	if err := x.pad.setPad(part(c.In, projectedPad), x.q.b, x.q.n, x.k.n, past, p.filter, room); err != nil {
		return err
	}
	return x.outputs(c)
}

// halfOf returns half i of the elements of t, nil if there is none.
func halfOf(t *tensor.Tensor, i int) []float32 {
	v := tensor.Of[float32](t)
	return v[i*len(v)/2 : (i+1)*len(v)/2]
}

// project computes queries, keys and values side by side in room.
func (p *projected) project(x *multiHeadCall, c *Call, room *attentionRoom) error {
	s, w := c.In[0].Shape(), c.In[1].Shape()
	if len(s) != 3 || len(w) != 2 || s[2] != w[0] {
		return fmt.Errorf("ops: input has shape %v and weights %v, want [batch, length, width] and [width, any]", s, w)
	}
	sizes := p.sizes
	if sizes[0] == 0 {
		sizes = [3]int{w[1] / 3, w[1] / 3, w[1] / 3}
	}
	if sizes[0]+sizes[1]+sizes[2] != w[1] || sizes[0] != sizes[1] || sizes[0]%p.qHeads != 0 || sizes[2]%p.qHeads != 0 {
		return fmt.Errorf("ops: weights have shape %v for parts of %v over %d heads", w, sizes, p.qHeads)
	}
	y, err := p.product(c, room, s[0]*s[1], w)
	if err != nil {
		return err
	}
	at := 0
	for i, h := range [3]*heads[float32]{&x.q, &x.key, &x.value} {
		size := sizes[i] / p.qHeads
		*h = heads[float32]{b: s[0], h: p.qHeads, n: s[1], size: size, batch: s[1] * w[1], head: size, step: w[1]}
		h.x = y[min(at, len(y)):]
		at += sizes[i]
	}
	return nil
}

// product returns the product of the rows of the input and the weights of shape w, plus the bias.
func (p *projected) product(c *Call, room *attentionRoom, rows int, w tensor.Shape) ([]float32, error) {
	if t := part(c.In, projectedProduct); t != nil {
		return tensor.Of[float32](t), nil
	}
	y := room.floats(rows * w[1])
	args := gemm.Args{M: rows, N: w[1], K: w[0], A: tensor.Of[float32](c.In[0]), ARS: w[0], ACS: 1, Packed: p.packed,
		B: tensor.Of[float32](c.In[1]), BRS: w[1], BCS: 1, C: y, LDC: w[1], Threads: c.Threads}
	if b := part(c.In, projectedBias); b != nil {
		if args.Epilogue.ColBias = tensor.Of[float32](b); b.Len() != w[1] {
			return nil, fmt.Errorf("ops: bias has shape %v, want [%d]", b.Shape(), w[1])
		}
	}
	gemm.Run(&args)
	return y, nil
}
