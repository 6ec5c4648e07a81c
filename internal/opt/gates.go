package opt

import (
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
)

// gates folds the gradient of a Relu, Clip or LeakyRelu behind a normalisation into the gradient of that: the kernel
// computes the activation's input from x, and reads nothing more. What compared that input with the bounds goes at once: the activation
// is then its one reader, and merges with the normalisation.
func gates(g *graph.Graph) error {
	err := rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if n.Type != "BatchNormGrad" || n.Domain != "onnxrun" || n.Attrs.HasAttr("low") || r.gone(n) {
				continue
			}
			r.activationGate(n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return prune(g)
}

// activationGate looks for what made the gradient n.In[0] of one behind the activation.
func (r *rewriter) activationGate(n *graph.Node) {
	low, high, slope := math.Inf(-1), math.Inf(1), 0.0
	dy := n.In[0]
	for dy.From != nil && is(dy.From, "Where") && r.live(dy.From) && r.only(dy) != nil {
		w := dy.From
		cond := w.In[0].From
		if cond == nil || !r.normalised(cond.In[0], n) {
			break
		}
		bound, ok := scalar(cond.In[1])
		if !ok {
			break
		}
		switch {
		case is(cond, "Greater") && math.IsInf(low, -1):
			low = bound
		case is(cond, "Less") && math.IsInf(high, 1):
			high = bound
		default:
			return
		}
		other := w.In[2]
		if v, ok := scalar(other); !ok || v != 0 {
			mul := other.From
			if mul == nil || !is(mul, "Mul") || mul.In[0] != w.In[1] || !math.IsInf(high, 1) {
				return
			}
			if slope, ok = scalar(mul.In[1]); !ok {
				return
			}
		}
		if dy = w.In[1]; slope != 0 {
			break
		}
	}
	if dy == n.In[0] {
		return
	}
	m := *n
	m.In = append([]*graph.Value{dy}, n.In[1:]...)
	m.Attrs = append(slices.Clone(n.Attrs), onnx.NewFloat("low", float32(low)), onnx.NewFloat("high", float32(high)), onnx.NewFloat("slope", float32(slope)))
	for _, v := range m.Out {
		if v != nil {
			v.From = &m
		}
	}
	r.instead[n] = &m
}

// normalised reports whether v is what the normalisation that n is the gradient of makes, or a Relu of that.
func (r *rewriter) normalised(v *graph.Value, n *graph.Node) bool {
	if v != nil && v.From != nil && is(v.From, "Relu") {
		v = v.From.In[0]
	}
	if v == nil || v.From == nil || !is(v.From, "BatchNormalization") {
		return false
	}
	bn := v.From
	return v == bn.Out[0] && bn.In[0] == n.In[1] && bn.In[1] == n.In[4] && bn.In[2] == n.In[5]
}

// expansions lets elementwise nodes broadcast a value themselves that is expanded for them, where their other inputs have the
// shape of the result.
func expansions(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if n.Domain != "" || n.Op == nil || n.Op.Flags&ops.Elementwise == 0 || len(n.Out) != 1 || len(n.In) < 2 {
				continue
			}
			for i, v := range n.In {
				if v == nil || v.From == nil || !is(v.From, "Expand") || !r.live(v.From) || !sameShape(v, n.Out[0]) || v.From.In[0].Rank() != v.Rank() {
					continue
				}
				whole := func(o *graph.Value) bool { return o != nil && o != v && sameShape(o, n.Out[0]) }
				if slices.ContainsFunc(n.In, whole) {
					n.In[i] = v.From.In[0]
				}
			}
		}
		return nil
	})
}

// sameShape reports whether two values are known to have one shape.
func sameShape(a, b *graph.Value) bool {
	return a.Ranked && b.Ranked && slices.EqualFunc(a.Dims, b.Dims, ops.Dim.Equal)
}
