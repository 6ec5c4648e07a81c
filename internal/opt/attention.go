package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/tensor"
)

// attentions finds scaled dot-product attention around each Softmax, and where Attention of ai.onnx has nothing but
// queries, keys, values and a mask, and makes one node of it that reads heads where projections put them.
func attentions(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			switch {
			case r.gone(n) || len(n.In) == 0 || n.In[0] == nil || n.In[0].DType != tensor.Float32:
			case is(n, "Softmax"):
				r.softmaxAttention(n)
			case is(n, "Attention"):
				r.standardAttention(n)
			}
		}
		return nil
	})
}

// attentionParts is an attention as its nodes say it.
type attentionParts struct {
	q, k, v  *graph.Value // [batch, heads, length, size], but k [batch, heads, size, keys] unless straight is set
	scale    float64
	perHead  *graph.Value   // a factor of the scores of each head, or nil
	masks    []*graph.Value // the last to be applied first
	fill     float64        // what a boolean mask puts in place of scores
	causal   bool
	empty    bool // a query without visible keys gives 0
	nan      bool // a softmax that is NaN gives 0
	last     *graph.Node
	drop     []*graph.Node
	straight bool // k is [batch, heads, keys, size]
}

// softmaxAttention matches Softmax(scale*q*k + masks) * v, where scale may be a number for each head, which queries are multiplied with then.
func (r *rewriter) softmaxAttention(soft *graph.Node) {
	rank := soft.In[0].Rank()
	if axis := soft.Attrs.IntOr("axis", -1); rank != 4 || axis != -1 && axis != 3 {
		return
	}
	w := &attentionParts{scale: 1, last: soft}
	weights := r.unguarded(soft, w)
	product := r.only(weights)
	if !is(product, "MatMul") || product.In[0] != weights || product.In[1] == weights || product.In[1].Rank() != 4 {
		return
	}
	w.v, w.last = product.In[1], product
	w.drop = append(w.drop, soft)
	if r.only(soft.In[0]) != soft || !r.scores(soft.In[0], w, 0) {
		return
	}
	r.emitAttention(w)
}

// unguarded returns the weights behind Softmax: exports replace those that are NaN by 0.
func (r *rewriter) unguarded(soft *graph.Node, w *attentionParts) *graph.Value {
	s := soft.Out[0]
	users := r.users()[s]
	if len(users) != 2 {
		return s
	}
	for i, where := range users {
		if !is(where, "Where") || !r.live(where) || where.In[2] != s || !is(users[1-i], "IsNaN") {
			continue
		}
		zero, ok := scalar(where.In[1])
		if where.In[0] == users[1-i].Out[0] && ok && zero == 0 && r.only(where.In[0]) == where && sameType(where.Out[0], s) {
			w.nan = true
			w.drop = append(w.drop, where, users[1-i])
			return where.Out[0]
		}
	}
	return s
}

// maxMasks is the number of masks that the fused node takes.
const maxMasks = 2

// scores walks from the argument of the softmax back to the product of queries and keys.
func (r *rewriter) scores(v *graph.Value, w *attentionParts, depth int) bool {
	n := v.From
	if n == nil || n.Domain != "" || !r.live(n) || depth > 8 {
		return false
	}
	w.drop = append(w.drop, n)
	if n.Type != "MatMul" && r.only(v) == nil {
		return false
	}
	switch n.Type {
	case "MatMul":
		w.q, w.k = n.In[0], n.In[1]
		return r.only(v) != nil && w.q.Rank() == 4 && w.k.Rank() == 4
	case "Mul", "Div":
		if x, f := factor(n); x != nil {
			w.scale *= f
			return r.scores(x, w, depth+1)
		}
		for i := range 2 {
			if n.Type == "Mul" && w.perHead == nil && r.leads(n.In[i], depth) && forHeads(n.In[1-i], n.In[i]) {
				w.perHead = n.In[1-i]
				return r.scores(n.In[i], w, depth+1)
			}
		}
	case "Add":
		for i := range 2 {
			if w.unscaled() && r.leads(n.In[i], depth) && maskFits(n.In[1-i], n.In[i]) && n.In[1-i].DType == tensor.Float32 {
				return w.mask(n.In[1-i]) && r.scores(n.In[i], w, depth+1)
			}
		}
	case "Where":
		return w.unscaled() && r.masked(n, w, depth)
	case "Reshape":
		return w.unscaled() && r.windowed(n, w, depth)
	}
	return false
}

// unscaled reports whether nothing was multiplied behind the place at hand, where a mask would have been multiplied, too.
func (w *attentionParts) unscaled() bool { return w.scale == 1 && w.perHead == nil }

// forHeads reports whether f is one number for each head of scores, [heads, 1, 1] or [1, heads, 1, 1], as attention between directions has it.
func forHeads(f, scores *graph.Value) bool {
	shape, ok := f.Static()
	if !ok || f.DType != tensor.Float32 || f.Kind != tensor.KindTensor || len(shape) < 3 || len(shape) > 4 || scores.Rank() != 4 {
		return false
	}
	heads, ok := scores.Dims[1].Const()
	i := len(shape) - 3
	return ok && int64(shape[i]) == heads && shape.Len() == shape[i]
}

// factor splits a product with a constant number.
func factor(n *graph.Node) (*graph.Value, float64) {
	if len(n.In) != 2 {
		return nil, 0
	}
	if f, ok := scalar(n.In[1]); ok && n.In[0].Rank() >= n.In[1].Rank() {
		if n.Type == "Div" {
			f = 1 / f
		}
		return n.In[0], f
	}
	if f, ok := scalar(n.In[0]); ok && n.Type == "Mul" && n.In[1].Rank() >= n.In[0].Rank() {
		return n.In[1], f
	}
	return nil, 0
}

// leads reports whether a product of matrices is behind v.
func (r *rewriter) leads(v *graph.Value, depth int) bool {
	n := v.From
	if n == nil || n.Domain != "" || !r.live(n) || depth > 8 {
		return false
	}
	switch n.Type {
	case "MatMul":
		return true
	case "Add", "Mul":
		return r.leads(n.In[0], depth+1) || r.leads(n.In[1], depth+1)
	case "Div", "Reshape":
		return r.leads(n.In[0], depth+1)
	case "Where":
		return r.leads(n.In[1], depth+1) || r.leads(n.In[2], depth+1)
	}
	return false
}

func (w *attentionParts) mask(m *graph.Value) bool {
	w.masks = append(w.masks, m)
	return len(w.masks) <= maxMasks
}

// maskFits reports whether m may broadcast to scores without making them larger, but for their batch.
func maskFits(m, scores *graph.Value) bool {
	if m.Kind != tensor.KindTensor || !m.Ranked || !scores.Ranked || len(m.Dims) > len(scores.Dims) {
		return false
	}
	for i := range m.Dims {
		axis := len(scores.Dims) - 1 - i
		d, okD := m.Dims[len(m.Dims)-1-i].Const()
		s, okS := scores.Dims[axis].Const()
		if okD && d != 1 && okS && s != d && (axis > 0 || s != 1) {
			return false
		}
	}
	return true
}

// masked matches Where with a number on one side.
func (r *rewriter) masked(n *graph.Node, w *attentionParts, depth int) bool {
	for i := 1; i < 3; i++ {
		fill, ok := scalar(n.In[i])
		x := n.In[3-i]
		if !ok || !r.leads(x, depth) || !sameType(n.Out[0], x) || !maskFits(n.In[0], x) || slices.ContainsFunc(w.masks, isBool) {
			continue
		}
		keep := n.In[0]
		if i == 1 {
			keep = r.insert(w.last, newNode("", "Not", 1, nil, keep), keep.Type)
		}
		w.fill = fill
		return w.mask(keep) && r.scores(x, w, depth+1)
	}
	return false
}

func isBool(v *graph.Value) bool { return v.DType == tensor.Bool }

// windowed matches a mask that is added to scores whose batch is split in two axes: [1, windows, heads, queries, keys].
func (r *rewriter) windowed(n *graph.Node, w *attentionParts, depth int) bool {
	add := r.by(n.In[0], "Add")
	if add == nil || r.only(n.In[0]) != n {
		return false
	}
	for i := range 2 {
		split, m := r.by(add.In[i], "Reshape"), add.In[1-i]
		if split == nil || r.only(add.In[i]) != add || !sameType(split.In[0], n.Out[0]) || !sameType(add.In[i], n.In[0]) || n.In[0].Rank() != 5 || m.Rank() != 5 {
			continue
		}
		first, _ := m.Dims[0].Const()
		shape, ok := m.Static()
		if first != 1 || !ok || !maskFits(m, add.In[i]) || m.DType != tensor.Float32 || !headsKept(n.In[0], n.Out[0]) {
			return false
		}
		w.drop = append(w.drop, add, split)
		return w.mask(r.reshaped(w.last, m, shape[1:])) && r.scores(split.In[0], w, depth+1)
	}
	return false
}
