package ops

import (
	"fmt"
	"math"
	"strings"

	"github.com/onnxrun/onnxrun/internal/kernel/rnn"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// linearAttentionInfer infers LinearAttention: query [B, T, Hq*dk], key [B, T, H*dk], value [B, T, H*dv], past state
// [B, H, dk, dv]; output [B, T, Hq*dv] and the present state, whose element type is that of the past, else of the query.
func linearAttentionInfer(c *InferCtx) error {
	if err := sameElements(c, 1, 2, 4, 5); err != nil {
		return err
	}
	r, err := readLinearAttention(c.Attrs, c.Has(4), c.Has(5))
	if err != nil {
		return err
	}
	q, k, v := c.Type(0), c.Type(1), c.Type(2)
	for i, t := range []Type{q, k, v} {
		if t.Ranked && len(t.Dims) != 3 {
			return fmt.Errorf("ops: input %d is %v, want 3 axes", i, t)
		}
	}
	kv := sym.Const(int64(r.heads))
	batch, steps, keySize, valueSize := c.Fresh(), c.Fresh(), c.Fresh(), c.Fresh()
	if k.Ranked {
		keySize = k.Dims[2].Div(kv)
	}
	if q.Ranked {
		batch, steps, keySize = q.Dims[0], q.Dims[1], q.Dims[2].Div(sym.Const(int64(r.heads*r.group)))
	}
	if v.Ranked {
		valueSize = v.Dims[2].Div(kv)
	}
	c.Set(0, q.DType, batch, steps, valueSize.Mul(sym.Const(int64(r.heads*r.group))))
	state := q.DType
	if c.Has(3) {
		state = c.Type(3).DType
	}
	c.Set(1, state, batch, kv, keySize, valueSize)
	return nil
}

// linearAttention is a bound LinearAttention.
type linearAttention struct {
	heads, group int     // key heads, query heads for each
	scale        float32 // 0: one over the root of the size of a key
}

// readLinearAttention reads the attributes. The update rule says which gates there are.
func readLinearAttention(a Attrs, decay, beta bool) (*linearAttention, error) {
	q, kv := a.Int("q_num_heads"), a.Int("kv_num_heads")
	if q < 1 || kv < 1 || q%kv != 0 {
		return nil, fmt.Errorf("ops: %d query heads for %d key heads, want a multiple", q, kv)
	}
	rule := a.Str("update_rule")
	switch rule {
	case "linear", "gated", "delta", "gated_delta":
	default:
		return nil, fmt.Errorf("ops: update_rule %q, want linear, gated, delta or gated_delta", rule)
	}
	if gated := strings.HasPrefix(rule, "gated"); gated != decay {
		return nil, fmt.Errorf("ops: update rule %s has a decay input: %v, want %v", rule, decay, gated)
	}
	if delta := strings.HasSuffix(rule, "delta"); delta != beta {
		return nil, fmt.Errorf("ops: update rule %s has a beta input: %v, want %v", rule, beta, delta)
	}
	return &linearAttention{heads: kv, group: q / kv, scale: a.Float("scale")}, nil
}

var linearAttentionKernel = widened(func(k *KernelCtx) (Kernel, error) {
	r, err := readLinearAttention(k.Attrs, k.Has(4), k.Has(5))
	if err != nil {
		return Kernel{}, err
	}
	return Kernel{Run: r.run, Scratch: r.scratch}, nil
})

// scratch returns the room for a state that is no output.
func (r *linearAttention) scratch(c *Call) int {
	if part(c.Out, 1) != nil {
		return 0
	}
	q, v := c.In[0].Shape(), c.In[2].Shape()
	if len(q) != 3 || len(v) != 3 {
		return 0 // run says what is wrong
	}
	return 4 * q[0] * r.heads * (q[2] / (r.heads * r.group)) * (v[2] / r.heads)
}

func (r *linearAttention) run(c *Call) error {
	q, k, v := c.In[0].Shape(), c.In[1].Shape(), c.In[2].Shape()
	queries := r.heads * r.group
	if len(q) != 3 || len(k) != 3 || len(v) != 3 || !k[:2].Equal(q[:2]) || !v[:2].Equal(q[:2]) ||
		q[2]%queries != 0 || k[2]*r.group != q[2] || v[2]%r.heads != 0 {
		return fmt.Errorf("ops: query %v, key %v and value %v do not fit %d and %d heads", q, k, v, queries, r.heads)
	}
	a := rnn.LinearAttention{
		Batch: q[0], Steps: q[1], Heads: r.heads, Group: r.group, KeySize: k[2] / r.heads, ValueSize: v[2] / r.heads,
		Query: tensor.Of[float32](c.In[0]), Key: tensor.Of[float32](c.In[1]), Value: tensor.Of[float32](c.In[2]),
		Out: tensor.Of[float32](c.Out[0]), Scale: r.scale, Threads: c.Threads,
	}
	if a.Scale == 0 {
		a.Scale = float32(1 / math.Sqrt(float64(a.KeySize)))
	}
	if err := r.gates(c, &a); err != nil {
		return err
	}
	n := a.Batch * a.Heads * a.KeySize * a.ValueSize
	if t := part(c.Out, 1); t != nil {
		a.State = tensor.Of[float32](t)
	} else {
		a.State = scratchOf[float32](c.Scratch, n)
	}
	if len(a.State) != n || len(a.Out) != a.Batch*a.Steps*queries*a.ValueSize {
		return fmt.Errorf("ops: output has shape %v, want %d heads of %d", c.Out[0].Shape(), queries, a.ValueSize)
	}
	clear(a.State)
	if past := input(c, 3); past != nil {
		if !past.Shape().Equal(tensor.Shape{a.Batch, a.Heads, a.KeySize, a.ValueSize}) {
			return fmt.Errorf("ops: past state has shape %v, want [%d %d %d %d]", past.Shape(), a.Batch, a.Heads, a.KeySize, a.ValueSize)
		}
		copy(a.State, tensor.Of[float32](past))
	}
	a.Run()
	return nil
}

// gates sets decay, for each head or each element of its keys, and beta, for each head or all.
func (r *linearAttention) gates(c *Call, a *rnn.LinearAttention) error {
	if t := input(c, 4); t != nil {
		s := t.Shape()
		if len(s) != 3 || s[0] != a.Batch || s[1] != a.Steps || s[2] != a.Heads && s[2] != a.Heads*a.KeySize {
			return fmt.Errorf("ops: decay has shape %v, want [%d %d %d] or [%[2]d %[3]d %[5]d]", s, a.Batch, a.Steps, a.Heads, a.Heads*a.KeySize)
		}
		a.Decay, a.DecaySize = tensor.Of[float32](t), s[2]/a.Heads
	}
	if t := input(c, 5); t != nil {
		s := t.Shape()
		if len(s) != 3 || s[0] != a.Batch || s[1] != a.Steps || s[2] != a.Heads && s[2] != 1 {
			return fmt.Errorf("ops: beta has shape %v, want [%d %d %d] or [%[2]d %[3]d 1]", s, a.Batch, a.Steps, a.Heads)
		}
		a.Beta, a.BetaHeads = tensor.Of[float32](t), s[2]
	}
	return nil
}
