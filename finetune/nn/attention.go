package nn

import (
	"math"

	"github.com/onnxrun/onnxrun/finetune"
)

// MultiHeadAttention lets each position of a sequence [batch, sequence, width] look at the others: scaled dot-product
// attention of Heads heads of width/Heads numbers each (Vaswani et al., 2017), by the operator Attention.
//
// Weights: q.weight [width, width], k.weight and v.weight [width*KVHeads/Heads, width], Xavier-uniform as one matrix, and their
// biases, zeros; out.weight [width, width] as that of a Linear, out.bias zeros: as PyTorch's.
type MultiHeadAttention struct {
	Heads   int
	KVHeads int  // of keys and values, a divisor of Heads: grouped-query attention; 0 stands for Heads
	Causal  bool // no position looks at a later one
	NoBias  bool
}

// Apply adds self-attention.
func (l MultiHeadAttention) Apply(x *Value) *Value { return l.Attend(x, x, nil) }

// Attend adds attention of the positions of x [batch, sequence, width] to those of memory [batch, positions, any width]. The
// mask, if it is not nil, is added to the scores if it is of x's element type, and says which positions count if it is bool:
// it broadcasts to [batch, heads, sequence, positions].
func (l MultiHeadAttention) Attend(x, memory, mask *Value) *Value {
	b := x.b
	defer b.enter("MultiHeadAttention", "attn")()
	if !b.ranked(x, 3, 3) || !b.owns(memory) || !b.ranked(memory, 3, 3) || !b.positive("Heads", l.Heads) {
		return b.none()
	}
	width, ok := b.sized(x, 2)
	if !ok {
		return b.none()
	}
	groups := orDefault(l.KVHeads, l.Heads)
	if width%l.Heads != 0 || groups < 1 || l.Heads%groups != 0 {
		return b.fail("width %d, %d Heads and %d KVHeads, want each a multiple of the next", width, l.Heads, groups)
	}
	narrow := width / l.Heads * groups
	from, ok := b.sized(memory, 2)
	if !ok {
		return b.none()
	}
	packed := between(math.Sqrt(6 / float64(from+width+2*narrow)))
	project := func(name string, x *Value, out int, init finetune.Initializer) *Value {
		return Named(name, Linear{Out: out, NoBias: l.NoBias, Init: init, BiasInit: zeros}).Apply(x)
	}
	q, k, v := project("q", x, width, packed), project("k", memory, narrow, packed), project("v", memory, narrow, packed)
	y := b.Op("Attention", Attrs{"q_num_heads": l.Heads, "kv_num_heads": groups, "is_causal": l.Causal}, q, k, v, mask)
	return project("out", y, width, nil)
}
