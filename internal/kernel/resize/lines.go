package resize

import (
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// Lines of single elements are resampled side by side, up to maxLines at a time. It takes leastLines in all to be worth it, and
// no more than mostElems elements in two lines, so that all of them stay in a cache.
const (
	maxLines   = 2 * window.LineWidth
	leastLines = window.LineWidth / 2
	mostElems  = 1 << 13
)

// sideBySide reports whether method lines can resample the axis.
func (t *Table[T]) sideBySide() bool {
	return t.Weight != nil && unsafe.Sizeof(T(0)) == 4 && t.In+t.Out <= mostElems
}

// lines computes elements from to to of count lines of single elements: they are transposed, so that vectors hold one element of
// each line, and back.
func (t *Table[T]) lines(s *window.Scratch, x, y []float32, count, from, to int) {
	pitch := (count + window.LineWidth - 1) &^ (window.LineWidth - 1)
	n := to - from
	s.Grow(pitch * (t.In + n))
	in, out := s.Buf[:pitch*t.In], s.Buf[pitch*t.In:][:pitch*n]
	if count < pitch {
		clear(in)
	}
	turn(in, x, t.In, count, pitch, t.In)
	a := &s.Line
	*a = window.LineArgs{Index: t.Index[from*t.Taps : to*t.Taps], W: floats(t.Weight[from*t.Taps : to*t.Taps]), Taps: t.Taps, Count: n, Pitch: pitch}
	for l := 0; l < pitch; l += window.LineWidth {
		a.Src, a.Dst = in[l:], out[l:]
		window.Best().Lines(a)
	}
	turn(y[from:], out, count, n, t.Out, pitch)
}

// turn sets rows of dst, dstStep elements apart, to columns of src, whose rows are srcStep elements apart.
func turn(dst, src []float32, rows, cols, dstStep, srcStep int) {
	dims, ds, ss := [2]int{rows, cols}, [2]int{dstStep, 1}, [2]int{1, srcStep}
	move.Strided(move.Bytes(dst), move.Bytes(src), move.Copy{Dims: dims[:], DstStride: ds[:], SrcStride: ss[:], Width: 4}, 1)
}
