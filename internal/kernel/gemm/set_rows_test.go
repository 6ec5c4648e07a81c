package gemm

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSetRows packs matrices some rows at a time: the packed form is that of all rows at once, for each order of elements.
func TestSetRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, dims := range [][2]int{{1, 1}, {5, 200}, {70, 33}, {1500, 64}, {1030, 129}, {300, 2}} {
		k, n := dims[0], dims[1]
		b := make([]float32, k*n)
		for i := range b {
			b[i] = rng.Float32()
		}
		for _, s := range [][2]int{{n, 1}, {1, k}} {
			want, got := NewPacked(2, k, n), NewPacked(2, k, n)
			for i := range got.data {
				got.data[i] = -1
			}
			for i := range 2 {
				want.Set(i, b, s[0], s[1])
				for k0 := 0; k0 < k; k0 += 37 {
					got.SetRows(i, k0, min(k0+37, k), b, s[0], s[1])
				}
			}
			if !slices.Equal(got.data, want.data) {
				t.Errorf("%dx%d, strides %v: not what all rows at once give", k, n, s)
			}
		}
	}
}
