package reduce

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// TestAddRows wants the sums of plain loops over the places, for tables that are cut into rows and such that are cut into columns.
func TestAddRows(t *testing.T) {
	for _, c := range []struct{ outer, axis, block, n int }{{1, 1, 1, 5}, {2, 5, 3, 0}, {3, 2, 700, 90}, {1, 1000, 70, 300}, {2, 64, 600, 500}, {1, 40000, 1, 900}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			checkAddRows[float32](t, c.outer, c.axis, c.block, c.n)
			checkAddRows[float64](t, c.outer, c.axis, c.block, c.n)
		})
	}
	if err := AddRows(make([]float32, 4), make([]float32, 2), []int64{2}, 1, 2, 2, 1); err == nil {
		t.Error("an index out of range was taken")
	}
}

func checkAddRows[T vec.Float](t *testing.T, outer, axis, block, n int) {
	r := rand.New(rand.NewPCG(7, 8))
	index, src, want := make([]int64, n), make([]T, outer*n*block), make([]T, outer*axis*block)
	for i := range index {
		index[i] = int64(r.IntN(2*axis) - axis)
	}
	for i := range src {
		src[i] = T(r.NormFloat64())
	}
	for o := range outer {
		for i, v := range index {
			row := (int(v) + axis) % axis
			for k := range block {
				want[(o*axis+row)*block+k] += src[(o*n+i)*block+k]
			}
		}
	}
	for threads := 1; threads <= 3; threads++ {
		got := make([]T, len(want))
		for i := range got {
			got[i] = 9
		}
		if err := AddRows(got, src, index, outer, axis, block, threads); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%d threads: other sums, %v", threads, err)
		}
	}
}
