// Package attention computes softmax(scale*Q*K^T + masks)*V and its gradients for many heads in float32, without ever
// holding all scores: blocks of keys go by, and a running maximum and sum rescale what has been added up so far (online
// softmax, Milakov and Gimelshein 2018; in tiles as in Dao et al., "FlashAttention", 2022).
//
// Queries go in panels of as many as two vectors hold: scores are a row per key and a column per query. So the maxima, sums
// and exponentials of the softmax run down columns, many queries to a vector, and kernels read keys and values where they
// lie, an element at a time, which they multiply with a row of a panel. Only queries and results, which are few per block, are
// transposed. A handful of queries goes row by row instead.
//
// The cut depends on sizes only: results are equal to the last bit for every number of threads.
//
// It may import internal/cpu, internal/par and the kernel packages gemm, vec and move.
package attention

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/par"
)

// Heads is a tensor of heads: vector i of head h of batch b starts at X[b*Batch+h*Head+i*Step] and is contiguous.
type Heads struct {
	X                 []float32
	Batch, Head, Step int
}

// at returns the elements from vector i of a head on.
func (t *Heads) at(b, h, i int) []float32 { return t.X[b*t.Batch+h*t.Head+i*t.Step:] }

// Args describes one attention.
type Args struct {
	// Q holds B*H heads of Queries vectors of Size elements, K and V hold B*KVHeads heads of Keys vectors of Size and
	// ValueSize elements; H is a multiple of KVHeads. Y gets B*H heads of Queries vectors of ValueSize elements.
	B, H, KVHeads   int
	Queries, Keys   int
	Size, ValueSize int
	Q, K, V, Y      Heads

	Scale float32
	Masks [2]Mask // applied in order

	// Causal hides the keys behind First+i from query i.
	Causal bool
	First  int

	// EmptyZero makes the result 0 for a query that sees nothing, whose scores are all -Inf; NaNZero where the softmax is
	// NaN for any reason. Both give NaN otherwise.
	EmptyZero, NaNZero bool

	// Scratch holds as many elements as Scratch32 returns.
	Scratch []float32
	Threads int

	allColumns bool // a few queries are columns, too
}

const (
	// queryBlock is the number of queries in a chunk: keys and values of a step are read from afar once for all of them. Those that
	// are copied serve more.
	queryBlock, copiedBlock = 128, 256
	// keyBlock bounds the keys of a step; see CALIBRATION.md.
	keyBlock = 512
	// fewQueries go row by row.
	fewQueries = 4
)

// Scratch32 returns how many elements Run wants in a.Scratch: only sizes and masks of a matter.
func (a *Args) Scratch32() int {
	n := 0
	for i := range a.Masks {
		n += a.Masks[i].packedLen(a)
	}
	return n
}

// run is one Run: chunks are blocks of queries of one head.
type run struct {
	Args
	grad    *Grad // what is wanted instead of Y: chunks are heads of keys; nil in Run
	few     bool
	set     *set
	chunk   int // queries in a chunk
	blocks  int // of queries: chunks of a head
	keys    int // in a step
	masks   [2]packed
	stripe  int // queries whose masks are packed together
	packing int // 1 + the mask that chunks pack, 0 while they compute
}

var runs = sync.Pool{New: func() any { return new(run) }}

// Run computes a.Y. It keeps nothing of a. Y must not overlap the inputs.
func Run(a *Args) {
	if a.B*a.H*a.Queries*a.ValueSize == 0 {
		return
	}
	r := runs.Get().(*run)
	r.Args = *a
	r.check()
	r.few, r.set, r.stripe = a.few(), selected(), queryPad
	if r.cut(queryBlock); a.collides() && !r.few {
		r.cut(copiedBlock)
	}
	if a.Keys > 0 {
		steps := (a.Keys + keyBlock - 1) / keyBlock
		r.keys = (a.Keys + steps - 1) / steps
	}
	if !r.few {
		r.packMasks()
	}
	r.packing = 0
	par.Run(a.Threads, a.B*a.H*r.blocks, r)
	*r = run{}
	runs.Put(r)
}

// few reports whether queries go row by row.
func (a *Args) few() bool { return a.Queries <= fewQueries && !a.allColumns }

// cut sets the number of queries in a chunk, but the last, which may be a little larger.
func (r *run) cut(n int) { r.chunk, r.blocks = n, max(1, (r.Queries+n-queryPad-1)/n) }

// check panics unless every access lies in its slice.
func (r *run) check() {
	if r.KVHeads <= 0 || r.H%r.KVHeads != 0 {
		panic(fmt.Sprintf("attention: %d heads of queries on %d of keys", r.H, r.KVHeads))
	}
	fits("queries", &r.Q, r.B, r.H, r.Queries, r.Size)
	fits("keys", &r.K, r.B, r.KVHeads, r.Keys, r.Size)
	fits("values", &r.V, r.B, r.KVHeads, r.Keys, r.ValueSize)
	fits("result", &r.Y, r.B, r.H, r.Queries, r.ValueSize)
	for i := range r.Masks {
		r.Masks[i].check(&r.Args)
	}
}

func fits(name string, t *Heads, b, h, n, size int) {
	if n == 0 || size == 0 {
		return
	}
	if min(t.Batch, t.Head, t.Step) < 0 || (b-1)*t.Batch+(h-1)*t.Head+(n-1)*t.Step+size > len(t.X) {
		panic(fmt.Sprintf("attention: %s [%d %d %d %d] with strides %d, %d and %d: want them inside %d elements",
			name, b, h, n, size, t.Batch, t.Head, t.Step, len(t.X)))
	}
}

// Chunk packs a part of a mask, or computes one block of queries.
func (r *run) Chunk(i int) {
	if r.packing > 0 {
		r.packChunk(i)
		return
	}
	w := workers.Get()
	switch {
	case r.grad != nil:
		w.gradients(r, i/r.KVHeads, i%r.KVHeads)
	case r.few:
		w.block = r.queries(i/r.blocks/r.H, i/r.blocks%r.H, i%r.blocks)
		w.rows()
	default:
		w.block = r.queries(i/r.blocks/r.H, i/r.blocks%r.H, i%r.blocks)
		w.columns()
	}
	w.block = block{}
	w.args, w.keyed, w.summed, w.turned = gemm.Args{}, scoresArgs{}, valuesArgs{}, turnArgs{}
	w.near.k, w.near.v = nil, nil
	workers.Put(w)
}

// queries returns block k of the queries of head h of batch b.
func (r *run) queries(b, h, k int) block {
	x := block{run: r, b: b, h: h, q0: k * r.chunk, q1: r.Queries}
	if k < r.blocks-1 {
		x.q1 = x.q0 + r.chunk
	}
	return x
}

// seen returns how many keys the last query of the block may see.
func (b *block) seen(q1 int) int {
	if !b.Causal {
		return b.Keys
	}
	return max(0, min(b.Keys, b.First+q1))
}
