package nhwc

import (
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// rowSum adds up the windows that reach a row of outputs. A piece of the row is a stride of outputs: piece q gets the first
// stride of window q, the second of window q-1, and so on.
type rowSum struct {
	windows []int // where the row of kernel elements of window 0 begins, for each row of inputs that reaches the outputs
	sum     vec.PieceSum
	bias    []float32 // of a piece
	piece   []float32 // one that the edges cut, and room behind it
}

// pieceRoom is room for whole vectors.
const pieceRoom = 8

var rowSums = sync.Pool{New: func() any { return new(rowSum) }}

// begin prepares for rows of t.
func (s *rowSum) begin(t *transposedColumns, bias []float32) {
	n := t.w.Stride * t.g.OutC
	s.bias, s.piece = slices.Grow(s.bias[:0], n)[:n], slices.Grow(s.piece[:0], n+pieceRoom)[:n+pieceRoom]
	if repeated(bias, s.bias) == nil {
		clear(s.bias)
	}
}

// row sets the row y of outputs to the sums of the windows in x.
func (s *rowSum) row(t *transposedColumns, y, x []float32) {
	c, a := t.g.OutC, &t.w
	n, step := len(s.bias), c*t.g.Taps()
	parts := ceilDiv(a.Kernel, a.Stride)
	first := a.Lo / a.Stride                    // the piece in which the row begins
	end := ceilDiv(a.Lo+a.Out, a.Stride)        // behind the last
	lo := max(parts-1, ceilDiv(a.Lo, a.Stride)) // pieces [lo, hi) are whole, and have all their windows
	hi := max(lo, min(a.In, (a.Lo+a.Out)/a.Stride))
	if lo < hi {
		s.list(t, lo, step)
		s.sum.Run(y[lo*n-a.Lo*c:], s.bias, x, hi-lo, step)
	}
	for q := first; q < end; q++ {
		if q == lo && hi > lo {
			q = hi - 1
			continue
		}
		s.list(t, q, step)
		s.sum.Run(s.piece, s.bias, x, 1, step)
		at := q*n - a.Lo*c
		copy(y[max(at, 0):], s.piece[max(-at, 0):n])
	}
}

// list lists the parts of windows that piece q is the sum of.
func (s *rowSum) list(t *transposedColumns, q, step int) {
	a, n := &t.w, len(s.bias)
	s.sum.Sources = s.sum.Sources[:0]
	for _, w := range s.windows {
		for p := max(0, q-a.In+1); p <= q && p*a.Stride < a.Kernel; p++ {
			s.sum.Sources = append(s.sum.Sources, vec.Pieces{From: w + (q-p)*step + p*n, Cols: min(n, (a.Kernel-p*a.Stride)*t.g.OutC)})
		}
	}
}
