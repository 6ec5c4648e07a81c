package attention

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// block is queries [q0, q1) of head h of batch b.
type block struct {
	*run
	b, h, q0, q1 int
}

// worker is what one goroutine needs.
type worker struct {
	block
	args   gemm.Args
	keyed  scoresArgs
	summed valuesArgs
	query  []float32 // queries of the block as panels, times the scale
	result []float32 // their results likewise, before the division by the sums
	scores []float32 // a panel; in gradients [keys, width]
	dscore []float32 // their gradients
	// For each query: the largest score so far, the sum of exponentials, what the result is multiplied with.
	top, high, sum, factor []float32
	near                   near
	dims, ds, ss           [2]int // for transposing
	turned                 turnArgs
	scale                  [4]float32
	done                   [2]bool // masks that are added to the products
	spare                  [queryPad]float32
}

var workers mem.Pool[worker]

// room returns x with n elements of unknown content.
func room(x []float32, n int) []float32 {
	if cap(x) < n {
		x = make([]float32, (n+1023)&^1023)
	}
	return x[:n]
}

// columns computes the block with a column per query, a panel of them at a time. Keys come in steps, such that those of a
// step stay near for all panels.
func (w *worker) columns() {
	n := padded(w.q1 - w.q0)
	w.startBlock(n)
	w.query, w.result = room(w.query, n*w.Size), room(w.result, n*w.ValueSize)
	w.scores = room(w.scores, max(w.keys, 1)*queryPad)
	for s := w.strip(0); s.n > 0; s = w.strip(s.at + s.n) {
		w.load(s)
	}
	for k0 := 0; k0 < w.seen(w.q1); k0 += w.keys {
		w.bring(k0, min(k0+w.keys, w.seen(w.q1)))
		for s := w.strip(0); s.n > 0; s = w.strip(s.at + s.n) {
			if k1 := min(k0+w.keys, s.seen); k1 > k0 {
				w.step(s, k0, k1)
			}
		}
	}
	for s := w.strip(0); s.n > 0; s = w.strip(s.at + s.n) {
		w.store(s)
	}
}

// startBlock makes room for the block.
func (w *worker) startBlock(width int) {
	w.top, w.high, w.sum, w.factor = room(w.top, width), room(w.high, width), room(w.sum, width), room(w.factor, width)
	vec.Fill(w.top, float32(math.Inf(-1)))
	clear(w.sum)
}

// transpose copies a matrix of dims elements to dst, with the strides dst and src.
func (w *worker) transpose(dst, src []float32, dims, ds, ss [2]int) {
	w.dims, w.ds, w.ss = dims, ds, ss
	move.Strided(bytes(dst), bytes(src), move.Copy{Dims: w.dims[:], DstStride: w.ds[:], SrcStride: w.ss[:], Width: 4}, 1)
}

// kv returns the head of keys and values.
func (b *block) kv() int { return b.h / (b.H / b.KVHeads) }

// clearHidden sets results to zero where a query saw nothing, or its softmax is NaN, as far as that is wanted. Sums are those
// of the queries.
func (w *worker) clearHidden(out, sum []float32) {
	if !w.EmptyZero && !w.NaNZero {
		return
	}
	for i, v := range sum {
		if v != v && w.NaNZero || v == 0 {
			clear(out[i*w.Y.Step:][:w.ValueSize])
		}
	}
}
