package opt

import (
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// headsKept reports whether the last three axes of a value of five are those of one of four.
func headsKept(five, four *graph.Value) bool {
	for i := range 3 {
		if !five.Dims[2+i].Equal(four.Dims[1+i]) {
			return false
		}
	}
	return true
}

// reshaped returns v under another shape: a constant, or a view made before the node at.
func (r *rewriter) reshaped(at *graph.Node, v *graph.Value, shape tensor.Shape) *graph.Value {
	if v.Const != nil {
		t, err := v.Const.Reshaped(shape...)
		if err == nil {
			return &graph.Value{Name: v.Name, Value: ops.ConstValue(t)}
		}
	}
	to, t := make([]int64, len(shape)), v.Type
	t.Dims = nil
	for i, d := range shape {
		to[i] = int64(d)
		t.Dims = append(t.Dims, sym.Const(int64(d)))
	}
	c := &graph.Value{Name: v.Name + "_shape", Value: ops.ConstValue(tensor.FromSlice(to, len(to)))}
	return r.insert(at, newNode("", "Reshape", 14, ops.Attrs{onnx.NewInt("allowzero", 0)}, v, c), t)
}

// standardAttention matches Attention of ai.onnx over tensors of four axes.
func (r *rewriter) standardAttention(n *graph.Node) {
	window := max(n.Attrs.IntOr("left_window_size", -1), n.Attrs.IntOr("right_window_size", -1)) >= 0
	if window || n.Attrs.Float("softcap") != 0 || n.In[0].Rank() != 4 || n.In[1].Rank() != 4 || n.In[2].Rank() != 4 || n.In[2].DType != tensor.Float32 {
		return
	}
	for i, v := range n.In {
		if v != nil && i > 3 {
			return
		}
	}
	for i, v := range n.Out {
		if v != nil && i > 0 && len(r.users()[v]) > 0 {
			return
		}
	}
	size, ok := n.In[0].Dims[3].Const()
	if !ok || size == 0 {
		return
	}
	w := &attentionParts{q: n.In[0], k: n.In[1], v: n.In[2], scale: 1 / math.Sqrt(float64(size)), fill: math.Inf(-1), causal: n.Attrs.Bool("is_causal"), empty: true, last: n, straight: true}
	if n.Attrs.HasAttr("scale") {
		w.scale = float64(n.Attrs.Float("scale"))
	}
	if len(n.In) > 3 && n.In[3] != nil {
		m := n.In[3]
		if m.DType != tensor.Bool && m.DType != tensor.Float32 || !m.Ranked || len(m.Dims) == 0 || !m.Dims[len(m.Dims)-1].Equal(n.In[1].Dims[2]) {
			return // a mask may be shorter than the keys
		}
		w.masks = append(w.masks, m)
	}
	r.emitAttention(w)
}

// emitAttention puts one node in the place of an attention, with the transposition of its result if there is one.
func (r *rewriter) emitAttention(w *attentionParts) {
	q, fq := heads{base: w.q}, 1.0
	if w.perHead == nil {
		q, fq = r.scaledView(w.q, false)
	}
	k, fk := r.scaledView(w.k, !w.straight)
	v, fv := r.scaledView(w.v, false)
	if q.base == nil || k.base == nil || v.base == nil || fv != 1 || !headsFit(q, k, v) {
		return
	}
	if w.perHead != nil {
		q.base = r.insert(w.last, newNode("", "Mul", 14, nil, w.q, w.perHead), w.q.Type)
	}
	first := int64(1)
	last, drop := w.last, w.drop
	if t := r.only(last.Out[0]); is(t, "Transpose") && slices.Equal(t.Attrs.IntList("perm"), []int64{0, 2, 1, 3}) {
		first, last, drop = 0, t, append(drop, last)
	}
	attrs := ops.Attrs{
		onnx.NewFloat("scale", float32(w.scale*fq*fk)), onnx.NewFloat("fill", float32(w.fill)), onnx.NewInt("heads_first", first),
		onnx.NewInt("causal", flag(w.causal)), onnx.NewInt("empty_zero", flag(w.empty)), onnx.NewInt("nan_zero", flag(w.nan)),
		onnx.NewInts("q_view", q.view...), onnx.NewInts("k_view", k.view...), onnx.NewInts("v_view", v.view...),
	}
	in := []*graph.Value{q.base, k.base, v.base}
	for i := len(w.masks) - 1; i >= 0; i-- {
		in = append(in, w.masks[i])
	}
	r.replace(newNode("onnxrun", "Attention", 1, attrs, in...), last, drop...)
}

// headsFit reports whether each head of keys has one of values and serves equally many of queries.
func headsFit(q, k, v heads) bool {
	nq, nk, nv := q.count(), k.count(), v.count()
	a, okA := nq.Const()
	b, okB := nk.Const()
	return nk.Equal(nv) && (nq.Equal(nk) || okA && okB && b > 0 && a%b == 0)
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
