package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// attentionInfer infers Attention: tensors are [batch, heads, length, size], or [batch, length, heads*size].
func attentionInfer(c *InferCtx) error {
	q, k, v := c.Type(0), c.Type(1), c.Type(2)
	if err := sameElements(c, 0, 1, 4); err != nil {
		return err
	}
	if c.Has(4) != c.Has(5) {
		return fmt.Errorf("ops: past key and past value go together")
	}
	if !q.Ranked || !k.Ranked || !v.Ranked {
		c.SetType(0, Unranked(q.DType))
		for i, d := range [3]tensor.DType{q.DType, v.DType, q.DType} {
			c.SetType(1+i, TensorType(d, c.FreshDims(4)...))
		}
		return nil
	}
	if len(q.Dims) != len(k.Dims) || len(q.Dims) != len(v.Dims) || len(q.Dims) != 3 && len(q.Dims) != 4 {
		return fmt.Errorf("ops: query, key and value are %v, %v and %v, want 3 or 4 axes each", q, k, v)
	}
	qd, err := attentionDims(q, c.Int("q_num_heads"))
	if err != nil {
		return err
	}
	kd, err := attentionDims(k, c.Int("kv_num_heads"))
	if err != nil {
		return err
	}
	vd, err := attentionDims(v, c.Int("kv_num_heads"))
	if err != nil {
		return err
	}
	total := kd[2]
	if past := c.Type(4); c.Has(4) {
		if past.Rank() >= 0 && past.Rank() != 4 {
			return fmt.Errorf("ops: past key is %v, want 4 axes", past)
		}
		total = c.Fresh()
		if past.Ranked {
			total = past.Dims[2].Add(kd[2])
		}
		if total.Err() != nil {
			total = c.Fresh()
		}
	}
	if len(q.Dims) == 4 {
		c.Set(0, q.DType, qd[0], qd[1], qd[2], vd[3])
	} else {
		c.Set(0, q.DType, qd[0], qd[2], qd[1].Mul(vd[3]))
	}
	c.Set(1, q.DType, kd[0], kd[1], total, kd[3])
	c.Set(2, v.DType, vd[0], vd[1], total, vd[3])
	c.Set(3, q.DType, qd[0], qd[1], qd[2], total)
	return nil
}

// attentionDims returns batch, heads, length and size.
func attentionDims(t Type, heads int) ([4]Dim, error) {
	if len(t.Dims) == 4 {
		return [4]Dim(t.Dims), nil
	}
	if heads < 1 {
		return [4]Dim{}, fmt.Errorf("ops: attention of %v over %d heads", t, heads)
	}
	h := sym.Const(int64(heads))
	if n, ok := t.Dims[2].Const(); ok && n%int64(heads) != 0 {
		return [4]Dim{}, fmt.Errorf("ops: attention of %v over %d heads, want a divisor of the last axis", t, heads)
	}
	return [4]Dim{t.Dims[0], h, t.Dims[1], t.Dims[2].Div(h)}, nil
}
