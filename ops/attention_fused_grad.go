package ops

import (
	"fmt"
	"math"
	"sync"

	tiled "github.com/onnxrun/onnxrun/internal/kernel/attention"
	"github.com/onnxrun/onnxrun/tensor"
)

// AttentionGrad of the onnxrun domain makes of the gradient of the result and of the inputs of Attention of that domain, whose
// attributes it has, the gradients of Q, K and V. It keeps nothing of the forward run. Views are whole: no element of Q, K and V
// is outside of the heads. dY is like the result, or [batch, queries, heads*size]. Masks have no gradients.

func attentionGradInfer(c *InferCtx) error {
	for i := range 3 {
		c.SetType(i, c.Type(1+i))
	}
	return nil
}

// whole reports whether the heads may be all that t has: where its sizes are not known, the kernel finds out.
func (v headView) whole(t Type) bool {
	if !v.packed {
		return len(t.Dims) == 4
	}
	width := int64(1)
	for _, d := range t.Dims[min(2, len(t.Dims)):] {
		n, ok := d.Const()
		if !ok {
			return v.offset == 0 && v.step == v.size
		}
		width *= n
	}
	return len(t.Dims) > 2 && v.offset == 0 && v.step == v.size && width == int64(v.heads*v.size)
}

// fusedAttentionGrad is the rule of Attention of the onnxrun domain.
func fusedAttentionGrad(c GradCtx) error {
	g := grads{c}
	attrs := map[string]any{}
	for _, a := range g.Attrs() {
		switch a.Name {
		case "q_view", "k_view", "v_view":
			attrs[a.Name] = g.Attrs().IntList(a.Name)
		case "scale", "fill":
			attrs[a.Name] = g.Attrs().Float(a.Name)
		case "causal", "empty_zero", "heads_first":
			attrs[a.Name] = g.Attrs().Int(a.Name)
		}
	}
	for i, name := range [3]string{"q_view", "k_view", "v_view"} {
		v, err := headViewOf(g.Attrs(), name)
		if err != nil {
			return err
		}
		if !v.whole(g.Of(g.In(i)).Type) {
			return Unsupported("no gradient of Attention of a part of %v", g.Of(g.In(i)).Type)
		}
	}
	if g.Attrs().Bool("nan_zero") || g.Wants(3) || g.Wants(4) {
		return Unsupported("no gradient of Attention with nan_zero, or of its masks")
	}
	g.setAttention(attrs, g.In(3), g.In(4))
	return nil
}

func (g grads) setAttention(attrs map[string]any, masks ...Ref) {
	in := append([]Ref{g.Dy(0), g.In(0), g.In(1), g.In(2)}, masks...)
	for len(in) > 4 && in[len(in)-1] == 0 {
		in = in[:len(in)-1]
	}
	for i, dx := range g.EmitAll(3, "onnxrun", "AttentionGrad", attrs, in...) {
		if g.Wants(i) {
			g.SetGrad(i, dx)
		}
	}
}

// tiledAttention returns the attributes of AttentionGrad for an Attention of ai.onnx, nil where that does not serve.
func tiledAttention(g grads) map[string]any {
	a := g.Attrs()
	past := g.In(4) != 0 || g.In(5) != 0 || g.In(6) != 0
	if past || g.Dy(0) == 0 || g.Dy(1) != 0 || g.Dy(2) != 0 || g.Dy(3) != 0 || a.Float("softcap") != 0 || max(a.IntOr("left_window_size", -1), a.IntOr("right_window_size", -1)) >= 0 {
		return nil
	}
	attrs := map[string]any{"fill": float32(math.Inf(-1)), "empty_zero": 1, "causal": a.Int("is_causal"), "heads_first": 1}
	var sizes [3]int64
	batch := g.Of(g.In(0)).Dims
	for i, number := range [3]string{"q_num_heads", "kv_num_heads", "kv_num_heads"} {
		t := g.Of(g.In(i))
		if t.DType != tensor.Float32 || !t.Ranked || len(t.Dims) != len(batch) || len(batch) != 3 && len(batch) != 4 || !t.Dims[0].Equal(batch[0]) {
			return nil
		}
		size, ok := t.Dims[len(t.Dims)-1].Const()
		if len(batch) == 3 {
			heads := int64(a.Int(number))
			if heads < 1 || size%heads != 0 {
				return nil
			}
			size /= heads
			attrs["heads_first"] = 0
			attrs[[3]string{"q_view", "k_view", "v_view"}[i]] = []int64{heads, size, 0, size}
		}
		if sizes[i] = size; !ok || size == 0 {
			return nil
		}
	}
	if attrs["scale"] = a.Float("scale"); !a.HasAttr("scale") {
		attrs["scale"] = float32(1 / math.Sqrt(float64(sizes[0])))
	}
	if g.In(3) == 0 {
		return attrs
	}
	keys := g.Of(g.In(1)).Dims[len(batch)-2]
	m := g.Of(g.In(3))
	if g.Wants(3) || m.DType != tensor.Float32 && m.DType != tensor.Bool || !m.Ranked || len(m.Dims) == 0 || len(m.Dims) > 4 || !m.Dims[len(m.Dims)-1].Equal(keys) {
		return nil // a mask may be shorter than the keys
	}
	return attrs
}

var gradCalls = sync.Pool{New: func() any { return new(tiled.Grad) }}

// attentionBackward is a bound AttentionGrad.
type attentionBackward struct{ fusedAttention }

func attentionGradKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("AttentionGrad of %v", k.DType(0))
	}
	f, err := bindFusedAttention(k)
	if err != nil {
		return Kernel{}, err
	}
	b := &attentionBackward{*f}
	return Kernel{Run: b.run, Scratch: b.scratch, Work: b.work}, nil
}

func (f *attentionBackward) scratch(c *Call) int {
	a := new(tiled.Grad)
	if f.prepare(&a.Args, c.In[1:], c.In[0], true) != nil {
		return 0 // run reports it
	}
	return 4 * a.Scratch32()
}

func (f *attentionBackward) run(c *Call) error {
	a := gradCalls.Get().(*tiled.Grad)
	err := f.prepareGrad(a, c)
	if err == nil {
		a.Scratch, a.Threads = scratchOf[float32](c.Scratch, len(c.Scratch)/4), c.Threads
		tiled.Gradient(a)
	}
	*a = tiled.Grad{}
	gradCalls.Put(a)
	return err
}

func (f *attentionBackward) prepareGrad(a *tiled.Grad, c *Call) error {
	if err := f.prepare(&a.Args, c.In[1:], c.In[0], false); err != nil {
		return err
	}
	a.DY, a.Y = a.Y, tiled.Heads{}
	for i, d := range [3]struct {
		view headView
		to   *tiled.Heads
	}{{f.q, &a.DQ}, {f.k, &a.DK}, {f.v, &a.DV}} {
		t := c.Out[i]
		h, err := d.view.view(t)
		if err != nil {
			return err
		}
		if h.b != a.B || h.b*h.h*h.n*h.size != t.Len() || !t.Shape().Equal(c.In[1+i].Shape()) {
			return fmt.Errorf("ops: gradient of attention has shape %v, want that of %d batches of %v", t.Shape(), a.B, c.In[1+i].Shape())
		}
		*d.to = h.strided(h.b)
	}
	return nil
}

// attentionGradGrad writes AttentionGrad out: with the softmax p of the scores s and dp = dy*v', their gradient is
// ds = p*(dp - sum(p*dp)), and the results are scale*ds*k, scale*ds'*q and p'*dy. Query heads that share a key head are an
// axis of their own.
func attentionGradGrad(c GradCtx) error {
	g := grads{c}
	var view [3]headView
	for i, name := range [3]string{"q_view", "k_view", "v_view"} {
		var err error
		if view[i], err = headViewOf(g.Attrs(), name); err != nil {
			return err
		}
	}
	last := headView{packed: !g.Attrs().Bool("heads_first"), heads: view[0].heads, size: view[2].size}
	if last.packed && last.heads*last.size == 0 {
		return Unsupported("no gradient of AttentionGrad with a dY that has no view")
	}
	spread := func(x Ref, v headView) Ref { // [batch, heads, length, size]
		if !v.packed {
			return x
		}
		return g.with("Transpose", map[string]any{"perm": []int64{0, 2, 1, 3}}, g.op("Reshape", x, g.ints(0, 0, int64(v.heads), int64(v.size))))
	}
	k, v := spread(g.In(2), view[1]), spread(g.In(3), view[2])
	kvHeads := g.extent(k, 1)
	grouped := func(x Ref) Ref { // [batch, heads of keys, heads for each, length, size]
		shape := g.with("Concat", map[string]any{"axis": 0}, g.extent(x, 0), kvHeads, g.ints(-1), g.with("Shape", map[string]any{"start": 2}, x))
		return g.op("Reshape", x, shape)
	}
	q, dy := spread(g.In(1), view[0]), spread(g.In(0), last)
	heads := g.extent(q, 1)
	q, dy = grouped(q), grouped(dy)
	k, v = g.op("Unsqueeze", k, g.ints(2)), g.op("Unsqueeze", v, g.ints(2))
	product := func(x, y Ref, transX, transY bool) Ref { return product{alpha: 1}.emit(g, x, y, transX, transY) }
	scale := float64(g.Attrs().Float("scale"))
	p, open := g.attentionSoftmax(g.flatHeads(g.scale(product(q, k, false, true), scale), heads))
	p = grouped(p)
	dp := product(dy, v, false, true)
	ds := g.mul(p, g.sub(dp, g.op("ReduceSum", g.mul(p, dp), g.ints(-1))))
	if open != 0 {
		ds = grouped(g.keep(open, g.flatHeads(ds, heads)))
	}
	ds = g.scale(ds, scale)
	gather := func(x Ref, v headView, like Ref) Ref {
		if v.packed {
			x = g.with("Transpose", map[string]any{"perm": []int64{0, 2, 1, 3}}, x)
		}
		return g.like(x, like)
	}
	shared := func(x Ref) Ref { return g.with("ReduceSum", map[string]any{"keepdims": 0}, x, g.ints(2)) }
	g.SetOutput(0, gather(g.flatHeads(product(ds, k, false, false), heads), view[0], g.In(1)))
	g.SetOutput(1, gather(shared(product(ds, q, true, false)), view[1], g.In(2)))
	g.SetOutput(2, gather(shared(product(p, dy, true, false)), view[2], g.In(3)))
	return nil
}

// flatHeads joins the axes of key heads and of query heads for each.
func (g grads) flatHeads(x, heads Ref) Ref {
	shape := g.with("Concat", map[string]any{"axis": 0}, g.extent(x, 0), heads, g.with("Shape", map[string]any{"start": 3}, x))
	return g.with("Reshape", map[string]any{"allowzero": 1}, x, shape)
}

// attentionSoftmax masks scores [batch, heads, queries, keys] as AttentionGrad does and returns their softmax, and where scores
// are not replaced by a number, if some may be.
func (g grads) attentionSoftmax(s Ref) (p, open Ref) {
	fill := g.num(s, float64(g.Attrs().Float("fill")))
	for i := 4; i < min(6, g.Inputs()); i++ {
		switch m := g.In(i); {
		case m == 0:
		case g.Of(m).DType != tensor.Bool:
			s = g.add(s, m)
		default:
			s = g.where(m, s, fill)
			if open != 0 {
				m = g.op("And", open, m)
			}
			open = m
		}
	}
	never := g.num(s, math.Inf(-1))
	if g.Attrs().Bool("causal") {
		count := func(axis int) Ref {
			return g.op("Range", g.whole(0), g.op("Squeeze", g.extent(s, axis)), g.whole(1))
		}
		s = g.where(g.op("GreaterOrEqual", g.op("Unsqueeze", count(2), g.ints(1)), count(3)), s, never)
	}
	soft := map[string]any{"axis": -1}
	blind := g.op("Equal", g.op("ReduceMax", s, g.ints(-1)), never) // sees nothing: its row is zero
	return g.where(blind, g.num(s, 0), g.with("Softmax", soft, g.where(blind, g.num(s, 0), s))), open
}
