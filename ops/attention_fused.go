package ops

import (
	"fmt"
	"math"
	"slices"
	"sync"

	tiled "github.com/onnxrun/onnxrun/internal/kernel/attention"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// onnxrun Attention is what the optimiser puts in the place of written-out attention: softmax(scale*Q*K^T + masks)*V.
//
// Q, K and V are [batch, heads, length, size], or views of what projections make, [batch, length, anything...], described by
// the attributes q_view, k_view and v_view: heads, size, the offset of head 0 among the elements of a position, and the
// distance of heads. There may be fewer heads of K and V, each of which serves neighbouring heads of Q. Masks 3 and 4
// broadcast to [batch, heads, queries, keys], where their batch may also be a divisor of batch; a boolean one replaces
// scores by fill where it is false. Y is [batch, heads, queries, size] if heads_first is set, else [batch, queries, heads,
// size]. empty_zero and nan_zero say which softmax counts as 0: that of no visible key, or any that is NaN.

// headView says how heads lie in an input.
type headView struct {
	packed                    bool // as the other fields say, rather than [batch, heads, length, size]
	heads, size, offset, step int
}

func headViewOf(a Attrs, name string) (v headView, err error) {
	switch l := a.IntList(name); {
	case len(l) == 0:
		return v, nil
	case len(l) != 4 || min(l[0], l[1]) < 1 || min(l[2], l[3]) < 0 || max(l[0], l[1], l[2], l[3]) > math.MaxInt32:
		return v, fmt.Errorf("ops: %s is %v, want heads, size, offset and distance", name, l)
	default:
		return headView{true, int(l[0]), int(l[1]), int(l[2]), int(l[3])}, nil
	}
}

// dims returns batch, heads, length and size of an input.
func (v headView) dims(t Type) ([4]Dim, error) {
	switch {
	case !v.packed && len(t.Dims) == 4:
		return [4]Dim(t.Dims), nil
	case v.packed && len(t.Dims) > 2:
		return [4]Dim{t.Dims[0], sym.Const(int64(v.heads)), t.Dims[1], sym.Const(int64(v.size))}, nil
	}
	return [4]Dim{}, fmt.Errorf("ops: attention of %v", t)
}

// view views a tensor.
func (v headView) view(t *tensor.Tensor) (heads[float32], error) {
	s := t.Shape()
	if !v.packed {
		return viewHeads[float32](t, 0)
	}
	if len(s) < 3 {
		return heads[float32]{}, fmt.Errorf("ops: attention of %v", s)
	}
	width := s[2:].Len()
	h := heads[float32]{b: s[0], h: v.heads, n: s[1], size: v.size, batch: s[1] * width, head: v.step, step: width}
	if end := v.offset + (v.heads-1)*v.step + v.size; end > width {
		return h, fmt.Errorf("ops: heads of %v end at element %d of %d", s, end, width)
	}
	if h.x = tensor.Of[float32](t); len(h.x) > 0 {
		h.x = h.x[v.offset:]
	}
	return h, nil
}

// fusedAttentionInfer infers Attention of the onnxrun domain.
func fusedAttentionInfer(c *InferCtx) error {
	var dims [3][4]Dim
	for i, name := range [3]string{"q_view", "k_view", "v_view"} {
		v, err := headViewOf(c.Attrs, name)
		if err != nil {
			return err
		}
		if dims[i], err = v.dims(c.Type(i)); err != nil {
			return err
		}
	}
	batch := dims[0][:1]
	for i := 3; i < 5; i++ {
		if t := c.Type(i); c.Has(i) && t.Rank() == 4 {
			var err error
			if batch, err = batchDims(c, batch, t.Dims[:1]); err != nil {
				batch = dims[0][:1] // a divisor
			}
		}
	}
	if c.Bool("heads_first") {
		c.Set(0, c.Type(0).DType, batch[0], dims[0][1], dims[0][2], dims[2][3])
	} else {
		c.Set(0, c.Type(0).DType, batch[0], dims[0][2], dims[0][1], dims[2][3])
	}
	return nil
}

var tiledCalls = sync.Pool{New: func() any { return new(tiled.Args) }}

// fusedAttention is a bound Attention of the onnxrun domain.
type fusedAttention struct {
	q, k, v            headView
	scale, fill        float32
	causal, empty, nan bool
	headsFirst         bool
}

func fusedAttentionKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("Attention of %v", k.DType(0))
	}
	f, err := bindFusedAttention(k)
	return Kernel{Run: f.run, Scratch: f.scratch, Work: f.work}, err
}

func bindFusedAttention(k *KernelCtx) (*fusedAttention, error) {
	f := &fusedAttention{scale: k.Float("scale"), fill: k.Float("fill"), causal: k.Bool("causal"), empty: k.Bool("empty_zero"),
		nan: k.Bool("nan_zero"), headsFirst: k.Bool("heads_first")}
	for i, v := range [3]*headView{&f.q, &f.k, &f.v} {
		var err error
		if *v, err = headViewOf(k.Attrs, [3]string{"q_view", "k_view", "v_view"}[i]); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *fusedAttention) scratch(c *Call) int {
	a := new(tiled.Args)
	if f.prepare(a, c.In, c.Out[0], true) != nil {
		return 0 // run reports it
	}
	return 4 * a.Scratch32()
}

func (f *fusedAttention) run(c *Call) error {
	a := tiledCalls.Get().(*tiled.Args)
	err := f.prepare(a, c.In, c.Out[0], false)
	if err == nil {
		a.Scratch, a.Threads = scratchOf[float32](c.Scratch, len(c.Scratch)/4), c.Threads
		tiled.Run(a)
	}
	*a = tiled.Args{}
	tiledCalls.Put(a)
	return err
}

// prepare views the inputs and the output, or its gradient, and checks that they fit. Without elements only sizes and masks
// are set.
func (f *fusedAttention) prepare(a *tiled.Args, ins []*tensor.Tensor, out *tensor.Tensor, sizes bool) error {
	var in [3]heads[float32]
	for i, v := range [3]headView{f.q, f.k, f.v} {
		var err error
		if in[i], err = v.view(ins[i]); err != nil {
			return err
		}
	}
	q, k, v := &in[0], &in[1], &in[2]
	if out.Rank() == 0 {
		return fmt.Errorf("ops: attention output has shape %v", out.Shape())
	}
	b := out.Shape()[0]
	y := heads[float32]{x: tensor.Of[float32](out), b: b, h: q.h, n: q.n, size: v.size, batch: q.n * q.h * v.size, head: v.size, step: q.h * v.size}
	want := [...]int{b, q.n, q.h, v.size}
	if f.headsFirst {
		want[1], want[2] = q.h, q.n
		y.head, y.step = q.n*v.size, v.size
	}
	switch {
	case k.h != v.h || k.n != v.n || q.size != k.size || k.h == 0 || q.h%k.h != 0 || q.b != b && q.b != 1 || k.b != b && k.b != 1 || v.b != b && v.b != 1:
		return fmt.Errorf("ops: query %v, key %v and value %v do not fit", ins[0].Shape(), ins[1].Shape(), ins[2].Shape())
	case !slices.Equal(out.Shape(), want[:]) && (f.headsFirst || !slices.Equal(out.Shape(), []int{b, q.n, q.h * v.size})):
		return fmt.Errorf("ops: attention output has shape %v, want %v", out.Shape(), slices.Clone(want[:]))
	}
	*a = tiled.Args{
		B: b, H: q.h, KVHeads: k.h, Queries: q.n, Keys: k.n, Size: q.size, ValueSize: v.size,
		Q: q.strided(b), K: k.strided(b), V: v.strided(b), Y: y.strided(b),
		Scale: f.scale, Causal: f.causal, EmptyZero: f.empty, NaNZero: f.nan,
	}
	for i := range a.Masks {
		if err := f.mask(&a.Masks[i], a, part(ins, 3+i), sizes); err != nil {
			return err
		}
	}
	return nil
}

// strided describes the heads to the kernel, repeated if there is one batch only.
func (h *heads[T]) strided(b int) tiled.Heads {
	s := tiled.Heads{Batch: h.batch, Head: h.head, Step: h.step}
	if h.b == 1 && b > 1 {
		s.Batch = 0
	}
	s.X, _ = any(h.x).([]float32)
	return s
}

// one stands for elements that are not there yet.
var (
	oneFloat = make([]float32, 1)
	oneBool  = make([]bool, 1)
)

// mask describes a mask to the kernel.
func (f *fusedAttention) mask(m *tiled.Mask, a *tiled.Args, t *tensor.Tensor, sizes bool) error {
	if t == nil {
		return nil
	}
	s := t.Shape()
	m.Batches, m.Fill = 1, f.fill
	want, strides := [3]int{a.Keys, a.Queries, a.H}, [4]*int{&m.Col, &m.Row, &m.Head, &m.Batch}
	step := 1
	for i := range s {
		d := s[len(s)-1-i]
		if i > 3 || i < 3 && d != 1 && d != want[i] || i == 3 && (d == 0 || a.B%d != 0) {
			return fmt.Errorf("ops: attention mask has shape %v, want one that broadcasts to [%d %d %d %d]", s, a.B, a.H, a.Queries, a.Keys)
		}
		if d != 1 {
			*strides[i] = step
		}
		if i == 3 {
			m.Batches = d
		}
		step *= d
	}
	switch {
	case t.DType() == tensor.Bool && sizes:
		m.Keep = oneBool
	case t.DType() == tensor.Bool:
		m.Keep = tensor.Of[bool](t)
	case t.DType() != tensor.Float32:
		return Unsupported("attention mask of %v", t.DType())
	case sizes:
		m.Add = oneFloat
	default:
		m.Add = tensor.Of[float32](t)
	}
	return nil
}
