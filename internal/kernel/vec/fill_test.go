package vec

import "testing"

// TestFill fills slices of all lengths around those at which the loop changes, and one beyond, between guards.
func TestFill(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 15, fillHead - 1, fillHead, fillHead + 1, 2*fillHead - 1, 5*fillHead + 3} {
		x := make([]int64, n+2)
		Fill(x[1:n+1], -3)
		for i, v := range x {
			if want := map[bool]int64{true: -3}[i > 0 && i <= n]; v != want {
				t.Fatalf("element %d of %d is %d, want %d", i, n, v, want)
			}
		}
	}
}
