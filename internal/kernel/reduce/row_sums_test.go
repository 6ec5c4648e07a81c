package reduce

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRowSums compares with AddRows.
func TestRowSums(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range [][3]int{{0, 5, 3}, {1, 1, 1}, {7, 3, 5}, {40, 1000, 17}, {300, 40, 64}, {20, 9, 20000}, {200, 1, 3}, {500, 256, 2}, {500, 257, 2}, {300, 70000, 1}} {
		n, axis, block := c[0], c[1], c[2]
		index, src := make([]int32, n), make([]float32, n*block)
		for i := range index {
			index[i] = int32(r.IntN(2*axis) - axis)
		}
		for i := range src {
			src[i] = float32(r.NormFloat64())
		}
		want := make([]float32, axis*block)
		if err := AddRows(want, src, index, 1, axis, block, 1); err != nil {
			t.Fatal(err)
		}
		for _, threads := range []int{1, 2, 5} {
			ids, rows := make([]int64, n), make([]float32, n*block)
			if err := RowSums(ids, rows, src, index, axis, block, make([]int64, n), make([]int64, n), threads); err != nil {
				t.Fatal(err)
			}
			got, last := make([]float32, axis*block), int64(-1)
			for i, id := range ids {
				if id < 0 {
					last = int64(axis)
					continue
				}
				if id <= last {
					t.Errorf("%v: the indices %v do not rise", c, ids)
				}
				last = id
				copy(got[int(id)*block:], rows[i*block:][:block])
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v, %d threads: other sums than AddRows", c, threads)
			}
		}
	}
	for _, v := range []int64{3, -4} {
		if RowSums(make([]int64, 1), make([]float32, 1), []float32{1}, []int64{v}, 3, 1, make([]int64, 1), make([]int64, 1), 1) == nil {
			t.Errorf("index %d into 3 rows is no error", v)
		}
	}
}
