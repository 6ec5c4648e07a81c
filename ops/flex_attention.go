package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// flexAttentionInfer infers FlexAttention: query [B, Hq, L, E], key [B, H, S, E], value [B, H, S, V], output [B, Hq, L, V].
// The bodies score_mod and prob_mod map [B, Hq, L, S] of the type of the softmax to the same.
func flexAttentionInfer(c *InferCtx) error {
	if err := sameElements(c, 1, 2); err != nil {
		return err
	}
	for i := range 3 {
		if t := c.Type(i); t.Ranked && len(t.Dims) != 4 {
			return fmt.Errorf("ops: input %d is %v, want 4 axes", i, t)
		}
	}
	if err := attentionInfer(c); err != nil {
		return err
	}
	scores := Unranked(flexPrecision(c.Attrs, c.Type(0).DType))
	if q, k := c.Type(0), c.Type(1); q.Ranked && k.Ranked {
		scores = TensorType(scores.DType, q.Dims[0], q.Dims[1], q.Dims[2], k.Dims[2])
	}
	for _, name := range flexBodies {
		if c.Subgraph == nil || !c.HasAttr(name) {
			continue
		}
		out, err := c.Subgraph(name, []Value{{Type: scores}})
		if err != nil {
			return err
		}
		if len(out) != 1 || out[0].DType != scores.DType {
			return fmt.Errorf("ops: %s returns %v, want one %v", name, out, scores)
		}
	}
	return nil
}

var flexBodies = [2]string{"score_mod", "prob_mod"}

// flexPrecision returns the element type of the softmax and of what the bodies see.
func flexPrecision(a Attrs, d tensor.DType) tensor.DType {
	if v := a.Int("softmax_precision"); v != 0 {
		return tensor.DType(v)
	}
	if d == tensor.Float64 {
		return d
	}
	return tensor.Float32
}

// flexAttentionKernel binds FlexAttention. Without bodies it is an Attention; with them all scores are computed at once,
// in float64 if the inputs or the softmax are of that type, else in float32.
func flexAttentionKernel(k *KernelCtx) (Kernel, error) {
	precision := flexPrecision(k.Attrs, k.DType(0))
	if !float.Has(precision) {
		return Kernel{}, Unsupported("softmax of %v", precision)
	}
	f := flexForm{precision: precision, bodies: [2]int{-1, -1}}
	for i, name := range flexBodies {
		if j, err := bodyIndex(k, name); err == nil {
			f.bodies[i] = j
		}
	}
	if f.rootScale = !k.HasAttr("scale"); !f.rootScale {
		f.scale = float64(k.Float("scale"))
	}
	double := precision == tensor.Float64 || k.DType(0) == tensor.Float64
	switch {
	case f.bodies == [2]int{-1, -1} && double == (k.DType(0) == tensor.Float64):
		return attentionKernel(k)
	case double:
		r := &flexAttention[float64]{flexForm: f}
		return Kernel{Run: r.run, Scratch: r.scratch}, nil
	}
	r := &flexAttention[float32]{flexForm: f}
	return Kernel{Run: r.run, Scratch: r.scratch}, nil
}

// flexForm is what a bound FlexAttention knows.
type flexForm struct {
	precision tensor.DType
	bodies    [2]int // of score_mod and prob_mod, -1 for none
	scale     float64
	rootScale bool // the scale is one over the root of the size of a key
}

// flexDims are the sizes of a call.
type flexDims struct{ batch, qHeads, heads, queries, keys, size, valueSize int }

func readFlexDims(c *Call) (flexDims, error) {
	q, k, v := c.In[0].Shape(), c.In[1].Shape(), c.In[2].Shape()
	if len(q) != 4 || len(k) != 4 || len(v) != 4 || q[0] != k[0] || q[3] != k[3] || !k[:3].Equal(v[:3]) || k[1] == 0 || q[1]%k[1] != 0 {
		return flexDims{}, fmt.Errorf("ops: query %v, key %v and value %v do not fit", q, k, v)
	}
	return flexDims{q[0], q[1], k[1], q[2], k[2], q[3], v[3]}, nil
}

// scores returns the number of scores.
func (d flexDims) scores() int { return d.batch * d.qHeads * d.queries * d.keys }

// factor returns what the products of queries and keys are scaled by.
func (f *flexForm) factor(size int) float64 {
	if f.rootScale {
		return 1 / math.Sqrt(float64(size))
	}
	return f.scale
}

// flexAttentionGrad writes FlexAttention out, bodies included.
func flexAttentionGrad(c GradCtx) error {
	g := grads{c}
	if g.Dy(0) == 0 {
		return nil
	}
	a := attentionForm{grads: g}
	if err := a.prepare(); err != nil {
		return err
	}
	precision := map[string]any{"to": flexPrecision(g.Attrs(), g.Of(g.In(0)).DType)}
	s := g.with("Cast", precision, a.flat(a.product(a.q, g.op("Unsqueeze", a.k, g.ints(2)), true)))
	if out := g.Body(flexBodies[0], s); len(out) == 1 {
		s = out[0]
	}
	p := g.with("Softmax", map[string]any{"axis": -1}, s)
	if out := g.Body(flexBodies[1], p); len(out) == 1 {
		p = out[0]
	}
	g.SetOutput(0, a.flat(a.product(a.grouped(g.op("CastLike", p, a.q)), g.op("Unsqueeze", a.v, g.ints(2)), false)))
	return nil
}
