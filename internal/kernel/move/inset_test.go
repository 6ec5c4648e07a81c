package move

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestInset compares with a fill of everything and a naive copy, at 1 and several threads.
func TestInset(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 21))
	for round := range 400 {
		rank := r.IntN(4)
		c := Copy{Width: []int{1, 2, 3, 4, 8}[r.IntN(5)]}
		out, in := 1, 1
		var dims, total, begin, inner, cut []int
		for range rank {
			d := r.IntN(7)
			if round%40 == 0 {
				d = 20 + r.IntN(30)
			}
			before, after, drop := r.IntN(3), r.IntN(3), r.IntN(2)
			dims, begin, total, cut = append(dims, d), append(begin, before), append(total, before+d+after), append(cut, drop)
			inner = append(inner, d+drop)
		}
		c.Dims, c.DstStride, c.SrcStride = dims, make([]int, rank), make([]int, rank)
		for i := rank - 1; i >= 0; i-- {
			c.DstStride[i], c.SrcStride[i] = out, in
			c.DstOff += begin[i] * out
			c.SrcOff += cut[i] * in
			out, in = out*total[i], in*inner[i]
		}
		src, pattern := make([]byte, in*c.Width), make([]byte, c.Width)
		for i := range src {
			src[i] = byte(r.Uint32())
		}
		for i := range pattern {
			pattern[i] = byte(200 + i)
		}
		want := bytes.Repeat(pattern, out)
		stridedNaive(want, src, c)
		for _, threads := range []int{1, 3} {
			got := make([]byte, out*c.Width)
			Inset(got, src, c, pattern, threads)
			if !bytes.Equal(got, want) {
				t.Fatalf("%+v into %v at %d threads: %v, want %v", c, total, threads, got, want)
			}
		}
	}
}
