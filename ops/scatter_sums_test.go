package ops

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/tensor"
)

// TestScatterSums compares sums of blocks, some of them at one position, with the loop over elements of any type.
func TestScatterSums(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	plain, err := scatterNumber[float32]("add")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 2, 7, 8, 9, 33, 64} {
		x, u := make([]float32, 5*n), make([]float32, 9*n)
		for _, s := range [][]float32{x, u} {
			for i := range s {
				s[i] = float32(r.NormFloat64())
			}
		}
		got, want := tensor.FromSlice(slices.Clone(x)), tensor.FromSlice(slices.Clone(x))
		to := []int{0, 4 * n, 2 * n, 2 * n, 2 * n, 0}
		scatterSums(got, tensor.FromSlice(u), to, 2*n, n)
		plain(want, tensor.FromSlice(u), to, 2*n, n)
		if !slices.Equal(tensor.Of[float32](got), tensor.Of[float32](want)) {
			t.Errorf("blocks of %d: %v, want %v", n, got, want)
		}
	}
}
