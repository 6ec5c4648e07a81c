package vec

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestArgColumns compares the kernels with the loops: equal elements, NaN and infinities anywhere, between guards.
func TestArgColumns(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	variants(t, func(t *testing.T, k *kernels) {
		for _, cols := range []int{16, 32, 80} {
			for _, rows := range []int{1, 2, 3, 17} {
				ld := cols + rng.IntN(20)
				x := make([]float32, rows*ld)
				for i := range x {
					x[i] = float32(rng.IntN(8))
					if rng.IntN(9) == 0 {
						x[i] = []float32{inf, -inf, nan}[rng.IntN(3)]
					}
				}
				for op := range argOp(numArg) {
					best, at := make([]float32, cols+2), make([]int32, cols+2)
					copy(best[1:], x[:cols])
					best2, at2 := slices.Clone(best), slices.Clone(at)
					generic.arg[op](best[1:cols+1], at[1:cols+1], x, rows, ld, 5)
					k.arg[op](best2[1:cols+1], at2[1:cols+1], x[:(rows-1)*ld+cols], rows, ld, 5)
					same := func(a, b float32) bool { return a == b || a != a && b != b }
					if !slices.Equal(at, at2) || !slices.EqualFunc(best, best2, same) {
						t.Fatalf("search %d of %d rows of %d: %v and %v, want %v and %v", op, rows, cols, at2, best2, at, best)
					}
				}
			}
		}
	})
}
