package doctor

import (
	"time"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// Peak measures the float32 operations of one core, multiplications and additions, in 1e9 per second; 0 without vector
// kernels.
func Peak() float64 { return gemm.Peak() / 1e9 }

// streamed is the memory that Bandwidth reads: more than caches hold.
const streamed = 128 << 20

// Bandwidth measures how many bytes threads read from memory together, in 1e9 per second. It takes some tens of
// milliseconds.
func Bandwidth(threads int) float64 {
	r := &reader{x: make([]float32, streamed/4), sums: make([]float32, readChunks)}
	for i := range r.x {
		r.x[i] = 1 // so that pages are there
	}
	best := 0.0
	for range 3 {
		start := time.Now()
		par.Run(threads, readChunks, r)
		best = max(best, streamed/time.Since(start).Seconds()/1e9)
	}
	return best
}

const readChunks = 64

// reader sums up its memory in chunks.
type reader struct{ x, sums []float32 }

// Chunk implements par.Task.
func (r *reader) Chunk(i int) {
	n := len(r.x) / readChunks
	r.sums[i] = vec.Sum(r.x[i*n : (i+1)*n])
}
