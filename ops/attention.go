package ops

import (
	"fmt"
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// attention is a bound Attention over float32 or float64.
type attention[T float32 | float64] struct {
	qHeads, kvHeads int
	scale           float64
	rootScale       bool // the scale is one over the root of the head size
	softcap         float64
	causal          bool
	left, right     int // sizes of the window, -1 for none
	mode            int // which scores output 3 is
	calls           sync.Pool
	workers         sync.Pool // of *attentionWorker[T]
}

var attentionKernel = widened(func(k *KernelCtx) (Kernel, error) {
	mask, hasMask := k.DType(3), k.Has(3)
	switch additive := hasMask && mask != tensor.Bool; {
	case additive && (mask != k.DType(0) || k.DType(2) != k.DType(0)):
		return throughFloat64(k, bindAttention64, 0, 1, 2, 3, 4, 5)
	case k.DType(2) != k.DType(0):
		return throughFloat64(k, bindAttention64, 0, 1, 2, 4, 5)
	}
	switch k.DType(0) {
	case tensor.Float32:
		return bindAttention[float32](k), nil
	case tensor.Float64:
		return bindAttention[float64](k), nil
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
})

func bindAttention64(k *KernelCtx) (Kernel, error) { return bindAttention[float64](k), nil }

func bindAttention[T float32 | float64](k *KernelCtx) Kernel {
	a := &attention[T]{
		qHeads: k.Int("q_num_heads"), kvHeads: k.Int("kv_num_heads"),
		scale: float64(k.Float("scale")), rootScale: !k.HasAttr("scale"), softcap: float64(k.Float("softcap")), causal: k.Bool("is_causal"),
		left: k.IntOr("left_window_size", -1), right: k.IntOr("right_window_size", -1), mode: k.Int("qk_matmul_output_mode"),
	}
	return Kernel{Run: a.run, Scratch: a.scratch}
}

// The stages of scores that output 3 may be.
const (
	scoresScaled = iota
	scoresCapped
	scoresMasked
	scoresSoft
)

// heads is a tensor of heads: vector i of head h of batch b starts at b*batch + h*head + i*row.
type heads[T any] struct {
	x                 []T
	b, h, n, size     int
	batch, head, step int
}

func viewHeads[T float32 | float64](t *tensor.Tensor, n int) (heads[T], error) {
	s, x := t.Shape(), tensor.Of[T](t)
	switch {
	case len(s) == 4:
		return heads[T]{x, s[0], s[1], s[2], s[3], s[1] * s[2] * s[3], s[2] * s[3], s[3]}, nil
	case len(s) == 3 && n > 0 && s[2]%n == 0:
		d := s[2] / n
		return heads[T]{x, s[0], n, s[1], d, s[1] * s[2], d, s[2]}, nil
	}
	return heads[T]{}, fmt.Errorf("ops: attention of %v over %d heads", s, n)
}

// attentionCall is the state of one call; its chunks are blocks of queries of one head.
type attentionCall[T float32 | float64] struct {
	*attention[T]
	q, k, v, y heads[T]
	spans      []attentionSpan // of each batch
	mask, pad  attentionMask[T]
	sinks      []float32 // for each query head, a score that takes part in the softmax of float32 without a value; nil for none
	scores     []T       // output 3
	block      int       // queries in a chunk
	scaling    T
	never      T // the score of what a query must not see
}

// attentionSpan says that query i of a batch is at position start+i among keys, of which there are length.
type attentionSpan struct{ start, length int }

// blockScores is the number of scores that a chunk holds at a time.
const blockScores = 1 << 16

// attentionPast returns the length of the past in input i.
func attentionPast(c *Call, i int) int {
	if p := input(c, i); p != nil && p.Rank() == 4 {
		return p.Shape()[2]
	}
	return 0
}

// scratch returns the room for past and present keys and values that are no outputs.
func (a *attention[T]) scratch(c *Call) int {
	n := 0
	for i := 1; i < 3; i++ {
		if p := input(c, i+3); p != nil && part(c.Out, i) == nil {
			n += p.Len() + c.In[i].Len()
		}
	}
	return 8 * n
}

func (a *attention[T]) run(c *Call) error {
	x, _ := a.calls.Get().(*attentionCall[T])
	if x == nil {
		x = &attentionCall[T]{attention: a}
	}
	x.never = T(math.Inf(-1))
	err := x.prepare(c)
	if err == nil {
		x.do(c.Threads)
	}
	*x = attentionCall[T]{attention: a, spans: x.spans[:0]}
	a.calls.Put(x)
	return err
}

// do computes the output of a prepared call.
func (x *attentionCall[T]) do(threads int) {
	if x.y.b*x.y.h*x.y.n == 0 {
		return
	}
	x.block = min(max(1, x.q.n), max(8, blockScores/max(1, x.k.n)))
	if x.scaling = T(x.scale); x.rootScale {
		x.scaling = T(1 / math.Sqrt(float64(x.q.size)))
	}
	if doTiled(x, threads) {
		return
	}
	blocks := (x.q.n + x.block - 1) / x.block
	par.Run(threads, x.q.b*x.q.h*blocks, x)
}

// prepare views the tensors, checks that they fit and joins the past.
func (x *attentionCall[T]) prepare(c *Call) (err error) {
	if x.q, err = viewHeads[T](c.In[0], x.qHeads); err != nil {
		return err
	}
	if x.k, err = viewHeads[T](c.In[1], x.kvHeads); err != nil {
		return err
	}
	if x.v, err = viewHeads[T](c.In[2], x.kvHeads); err != nil {
		return err
	}
	if x.y, err = viewHeads[T](c.Out[0], x.q.h); err != nil {
		return err
	}
	room := c.Scratch
	if x.k, room, err = joinPast(c, x.k, 1, room); err != nil {
		return err
	}
	if x.v, _, err = joinPast(c, x.v, 2, room); err != nil {
		return err
	}
	q, k, v, y := &x.q, &x.k, &x.v, &x.y
	if q.b != k.b || q.b != v.b || k.h != v.h || k.n != v.n || q.size != k.size || k.h == 0 || q.h%k.h != 0 {
		return fmt.Errorf("ops: query %v, key %v and value %v do not fit", c.In[0].Shape(), c.In[1].Shape(), c.In[2].Shape())
	}
	if y.b != q.b || y.h != q.h || y.n != q.n || y.size != v.size {
		return fmt.Errorf("ops: attention output has shape %v", c.Out[0].Shape())
	}
	if err := x.mask.set(input(c, 3), q.b, q.h, q.n, k.n); err != nil {
		return err
	}
	if err := x.span(c); err != nil {
		return err
	}
	if t := part(c.Out, 3); t != nil {
		if x.scores = tensor.Of[T](t); len(x.scores) != q.b*q.h*q.n*k.n {
			return fmt.Errorf("ops: qk_matmul_output has shape %v", t.Shape())
		}
	}
	return nil
}

// span tells where the queries are: behind the past, or at the end of the keys that are no padding.
func (x *attentionCall[T]) span(c *Call) error {
	past := attentionPast(c, 4)
	x.spans = x.spans[:0]
	for range x.q.b {
		x.spans = append(x.spans, attentionSpan{past, x.k.n})
	}
	t := input(c, 6)
	if t == nil {
		return nil
	}
	nonpad := tensor.Of[int64](t)
	if len(nonpad) != x.q.b {
		return fmt.Errorf("ops: nonpad_kv_seqlen has shape %v, want [%d]", t.Shape(), x.q.b)
	}
	for b, n := range nonpad {
		n := int(max(0, min(int64(x.k.n), n)))
		x.spans[b] = attentionSpan{n - x.q.n, n}
	}
	return nil
}

// joinPast returns key (i is 1) or value (i is 2) behind its past, in the output for it or in room.
func joinPast[T float32 | float64](c *Call, now heads[T], i int, room []byte) (heads[T], []byte, error) {
	past, present := input(c, i+3), part(c.Out, i)
	if past == nil && present == nil {
		return now, room, nil
	}
	old := heads[T]{b: now.b, h: now.h, size: now.size}
	if past != nil {
		var err error
		if old, err = viewHeads[T](past, 0); err != nil {
			return now, room, err
		}
	}
	n := old.n + now.n
	if old.b != now.b || old.h != now.h || old.size != now.size {
		return now, room, fmt.Errorf("ops: past has shape %v, want [%d %d any %d]", past.Shape(), now.b, now.h, now.size)
	}
	all := heads[T]{b: now.b, h: now.h, n: n, size: now.size, batch: now.h * n * now.size, head: n * now.size, step: now.size}
	if present != nil {
		if all.x = tensor.Of[T](present); len(all.x) != all.b*all.batch {
			return now, room, fmt.Errorf("ops: present has shape %v, want %d elements", present.Shape(), all.b*all.batch)
		}
	} else {
		all.x = scratchOf[T](room, all.b*all.batch)
		room = room[8*len(all.x):]
	}
	for b := range all.b {
		for h := range all.h {
			dst := all.x[b*all.batch+h*all.head:]
			if old.n > 0 {
				dst = dst[copy(dst, old.x[b*old.batch+h*old.head:][:old.n*old.size]):]
			}
			for j := range now.n {
				dst = dst[copy(dst, now.x[b*now.batch+h*now.head+j*now.step:][:now.size]):]
			}
		}
	}
	return all, room, nil
}
