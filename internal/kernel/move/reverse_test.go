package move

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestReverseColumns(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1))
	for _, block := range []int{1, 2, 3, 4, 8, 16, 20, 64, 100, 5000} {
		for _, rows := range []int{1, 2, 33} {
			cols := 1 + r.IntN(70)
			lens := make([]int64, cols)
			for i := range lens {
				lens[i] = int64(r.IntN(rows + 1))
			}
			src := noise(r, rows*cols*block)
			want := bytes.Clone(src)
			for c, n := range lens {
				for i := range int(n) {
					copy(want[(i*cols+c)*block:][:block], src[((int(n)-1-i)*cols+c)*block:])
				}
			}
			for _, threads := range []int{1, 2} {
				got := noise(r, len(src))
				if err := ReverseColumns(got, src, rows, block, lens, threads); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%d x %d blocks of %d bytes, %d threads: wrong (%v)", rows, cols, block, threads, err)
				}
			}
		}
	}
	for _, n := range []int64{-1, 3} {
		if ReverseColumns(make([]byte, 2), make([]byte, 2), 2, 1, []int64{n}, 1) == nil {
			t.Errorf("a length of %d in columns of 2 is taken", n)
		}
	}
}
