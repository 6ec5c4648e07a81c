package move

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestSecondElements copies every second element of rows of all lengths, the last of which ends where src does, between guards.
func TestSecondElements(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 9))
	eachKernel(t, func(t *testing.T) {
		for _, width := range []int{1, 2, 3, 4, 8, 16} {
			for _, n := range []int{1, 2, 3, 7, 8, 9, 31, 32, 33, 34, 64, 65, 100, 1000, 70001} {
				src, want := noise(r, (2*n-1)*width), noise(r, n*width+64)
				got := bytes.Clone(want)
				for i := range n {
					copy(want[32+i*width:][:width], src[2*i*width:])
				}
				Strided(got[32:][:n*width], src[:len(src):len(src)], Copy{Dims: []int{n}, DstStride: []int{1}, SrcStride: []int{2}, Width: width}, 1)
				if !bytes.Equal(got, want) {
					t.Fatalf("%d elements of %d bytes", n, width)
				}
			}
		}
	})
}
