package vec

import "testing"

// TestSumRows compares sums of whole numbers, which are exact, with the loop: short rows, tails, rows longer than a call, integers
// that wrap.
func TestSumRows(t *testing.T) {
	variants(t, func(t *testing.T, k *kernels) {
		active = k
		sumRowsOf[int32](t, 1<<30)
		sumRowsOf[uint32](t, 1<<31)
		sumRowsOf[int64](t, 1<<62)
		sumRowsOf[uint64](t, 1<<63)
		sumRowsOf[float64](t, 1<<20)
	})
}

func sumRowsOf[T Number](t *testing.T, large T) {
	t.Helper()
	for _, n := range []int{1, 15, 16, 17, 31, 32, 33, 48, 100, 1024, 1027, 70001} {
		const rows = 3
		x, got, want := make([]T, rows*n), make([]T, rows+2), make([]T, rows+2)
		for i := range x {
			if x[i] = T(i % 17); i%5 == 3 {
				x[i] += large
			}
		}
		if !SumRows(got[1:rows+1:rows+1], x, n) {
			continue
		}
		for i, v := range x {
			want[1+i/n] += v
		}
		sameElements(t, "sum", elementOf[T](), got, want)
	}
}
