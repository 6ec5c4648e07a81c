package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// padFilter is what the attentions of com.microsoft add to the scores of padding unless an attribute says otherwise.
const padFilter = -10000

// padSize returns how many scores the mask of padding t is made into, for b batches of k keys.
func padSize(t *tensor.Tensor, b, k int) int {
	switch {
	case t == nil:
		return 0
	case t.Rank() == 1:
		return b * k
	}
	return t.Len()
}

// setPad makes m of a mask of padding in room: the number of keys of each batch [b], also followed by where they start
// [2b] or by what only other kernels read [3b+2]; or ones and zeros [b, k], [b, q, k], or [b, 1, n, n], where row past+i
// is that of query i. filter is added to the scores of what is padding.
func (m *attentionMask[T]) setPad(t *tensor.Tensor, b, q, k, past int, filter float32, room *attentionRoom) error {
	*m = attentionMask[T]{cols: k}
	if t == nil {
		return nil
	}
	s, v := t.Shape(), tensor.Of[int32](t)
	out := room.floats(padSize(t, b, k))
	if len(s) == 1 && (s[0] == b || s[0] == 2*b || s[0] == 3*b+2) {
		for i := range b {
			lo, hi := 0, int(v[i])
			if s[0] == 2*b {
				lo = int(v[b+i])
			}
			for j := range k {
				out[i*k+j] = padScore(j >= lo && j < hi, filter)
			}
		}
		m.batch = k
		return m.scores(out)
	}
	ok := len(s) > 1 && s[0] == b
	switch {
	case !ok:
	case len(s) == 2:
		ok, m.batch = s[1] == k, k
	case len(s) == 3:
		ok, m.batch, m.row = s[1] == q && s[2] == k, q*k, k
	case len(s) == 4:
		ok, m.batch, m.row = s[1] == 1 && s[2] == s[3] && s[3] >= k && past+q <= s[2], s[2]*s[3], s[3]
	}
	if !ok {
		return fmt.Errorf("ops: mask of padding has shape %v for %d batches of %d queries and %d keys", s, b, q, k)
	}
	for i, x := range v {
		out[i] = padScore(x > 0, filter)
	}
	if len(s) == 4 {
		out = out[past*s[3]:]
	}
	return m.scores(out)
}

func padScore(keep bool, filter float32) float32 {
	if keep {
		return 0
	}
	return filter
}

// scores makes m add the given scores.
func (m *attentionMask[T]) scores(x []float32) error {
	add, ok := any(x).([]T)
	if !ok {
		return Unsupported("mask of padding for %v", tensor.DTypeOf[T]())
	}
	m.add = add
	return nil
}
