package move

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTake compares elements of all widths, by both kinds of indices, from rows and from columns, with a loop; negative indices
// and ones out of range stand anywhere.
func TestTake(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		takenOf[uint8, int32](t)
		takenOf[uint16, int32](t)
		takenOf[uint32, int32](t)
		takenOf[uint64, int32](t)
		takenOf[uint8, int64](t)
		takenOf[uint16, int64](t)
		takenOf[uint32, int64](t)
		takenOf[uint64, int64](t)
	})
}

func takenOf[T Word, I Index](t *testing.T) {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 6))
	for _, count := range []int{0, 1, 3, 4, 5, 8, 67, 200, 301} {
		for round := range 12 {
			n, stride := 1+r.IntN(9), r.IntN(2)*(count+r.IntN(3))
			src, index := make([]T, max(n, (n-1)*stride+count)), make([]I, count)
			if stride == 0 {
				src = src[:n]
			}
			for i := range src {
				src[i] = T(r.Uint64())
			}
			bad := -1
			for i := range index {
				if index[i] = I(r.IntN(n)); round%3 == 1 && r.IntN(20) == 0 {
					index[i] -= I(n)
				}
				if round == 5 && bad < 0 && r.IntN(20) == 0 {
					index[i], bad = I(n-3*n*r.IntN(2)), i
				}
			}
			got := slices.Repeat([]T{7}, count+2)
			want := slices.Clone(got)
			for i, k := range index {
				if i == bad {
					break
				}
				at := (int(k) + n) % n
				if stride > 0 {
					at = at*stride + i
				}
				want[i+1] = src[at]
			}
			if at := Take(got[1:count+1:count+1], src, index, n, stride); at != bad {
				t.Fatalf("%d of %d, stride %d: stopped at %d, want %d", count, n, stride, at, bad)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%d of %d, stride %d: got %v, want %v", count, n, stride, got, want)
			}
		}
	}
}
