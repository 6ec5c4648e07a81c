package quant

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// float32 adds integers up to exactSum without rounding, and byteSpan bounds the difference of two bytes.
const (
	exactSum = 1 << 24
	byteSpan = 255
)

// Weights are packed matrices of bytes less their zero points: the right-hand side of Multiply.
type Weights struct {
	rows   int // of a block; the last one may be shorter
	blocks []*gemm.Packed
}

// Pack packs count matrices of k rows and n columns of differences of bytes, one after the other in b. Element (i, j) of
// a matrix is at i*rs + j*cs.
func Pack(b []float32, count, k, n, rs, cs int) *Weights {
	return PackIn(nil, func() []float32 { return b }, count, k, n, rs, cs)
}

// PackIn is Pack with elements that come from room, where they may be already: if not, read returns b.
func PackIn(room *mem.Room, read func() []float32, count, k, n, rs, cs int) *Weights {
	var b []float32
	rows := room.Floats(1) // kept with the elements, of which it depends
	if !room.Filled() {
		b = read()
		rows[0] = float32(blockRows(b))
	}
	w := &Weights{rows: max(1, int(rows[0]))}
	for lo := 0; lo < k; lo += w.rows {
		p := gemm.NewPackedIn(room, count, min(w.rows, k-lo), n)
		for i := range count {
			if b != nil {
				p.Set(i, b[i*k*n+lo*rs:(i+1)*k*n], rs, cs)
			}
		}
		w.blocks = append(w.blocks, p)
	}
	return w
}

// blockRows returns over how many rows products of a byte with elements of b add up without rounding.
func blockRows(b []float32) int {
	largest := float32(1)
	for _, v := range b {
		largest = max(largest, v, -v)
	}
	return exactSum / byteSpan / int(largest)
}

// Multiply sets sums to the exact products of matrices of differences of bytes that a describes: a.A, and w or, if that
// is nil, a.B. It runs in float32, in blocks of the inner dimension that are exact there. part has the length of sums;
// each product is where a.Batch says, with rows of a.N elements.
func Multiply(a *gemm.Args, w *Weights, sums []int32, part []float32) {
	if a.K == 0 {
		clear(sums)
		return
	}
	b := *a
	b.C, b.LDC = part, a.N
	rows := exactSum / (byteSpan * byteSpan)
	if w != nil {
		rows = w.rows
	}
	for lo := 0; lo < a.K; lo += rows {
		b.K, b.A = min(rows, a.K-lo), a.A[lo*a.ACS:]
		if w != nil {
			b.Packed = w.blocks[lo/rows]
		} else {
			b.B = a.B[lo*a.BRS:]
		}
		gemm.Run(&b)
		addSums(sums, part, lo == 0, a.Threads)
	}
}

// sumTask adds the product of a block to the sums.
type sumTask struct {
	sums  []int32
	part  []float32
	first bool
	size  int
}

var sumTasks = sync.Pool{New: func() any { return new(sumTask) }}

// grain is the number of sums that are worth a chunk of their own.
const grain = 1 << 14

func addSums(sums []int32, part []float32, first bool, threads int) {
	t := sumTasks.Get().(*sumTask)
	*t = sumTask{sums: sums, part: part[:len(sums)], first: first}
	var chunks int
	chunks, t.size = par.Split(len(sums), grain)
	par.Run(threads, chunks, t)
	*t = sumTask{}
	sumTasks.Put(t)
}

// Chunk implements par.Task.
func (t *sumTask) Chunk(i int) {
	lo, hi := par.Range(i, t.size, len(t.sums))
	sums := t.sums[lo:hi]
	if t.first {
		for j, v := range t.part[lo:hi] {
			sums[j] = int32(v)
		}
		return
	}
	for j, v := range t.part[lo:hi] {
		sums[j] += int32(v)
	}
}
