package move

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestColumns compares rows turned into columns with a transpose, element by element; behind the source lie bytes that must not be read.
func TestColumns(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(13, 14))
		for n := 1; n <= 35; n++ {
			for _, rows := range []int{1, 2, 15, 16, 17, 31, 33, 48, 112, 130} {
				src := noise(r, rows*n*4)
				got, want := make([]byte, rows*((n+15)/16*16)*4), make([]byte, len(src))
				transposeNaive(want, src, []int{rows, n}, []int{1, 0}, 4)
				Columns(got, src, rows, n)
				if !bytes.Equal(got[:len(want)], want) {
					t.Fatalf("%d rows of %d differ", rows, n)
				}
			}
		}
	})
}
