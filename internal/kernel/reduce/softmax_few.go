package reduce

import "github.com/onnxrun/onnxrun/internal/kernel/move"

const (
	// fewColumns is the most elements of a row for which softmaxFew beats a vector per row.
	fewColumns = 6
	// fewRows is the least number of rows that are worth it.
	fewRows = 64
)

// fewBuf holds rows of few elements by column.
type fewBuf [fewColumns * tile]float32

// softmaxFew computes the softmax of many rows of few elements, or its logarithm: rows become columns of a buffer, and
// vectors run across them.
func softmaxFew(j *job, lo, hi int) {
	s := scratches.Get()
	defer scratches.Put(s)
	n := j.n
	t := job{n: n, log: j.log}
	for ; lo < hi; lo += tile {
		rows := min(tile, hi-lo)
		buf := s.few[:n*rows]
		x, y := j.src[lo*n:][:n*rows], j.dst[lo*n:][:n*rows]
		dims, back := [2]int{rows, n}, [2]int{n, rows}
		move.Transpose(move.Bytes(buf), move.Bytes(x), dims[:], swapped[:], 4, 1)
		t.dst, t.src, t.inner = buf, buf, rows
		softmaxTile(&t, 0, rows, s)
		move.Transpose(move.Bytes(y), move.Bytes(buf), back[:], swapped[:], 4, 1)
	}
}

// swapped is the order of axes of a transposed matrix.
var swapped = [2]int{1, 0}
