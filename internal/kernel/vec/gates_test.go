package vec

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestGates compares a step of a recurrent cell with the plain loop, for every number of units around the width of a vector,
// between guards, with sums that are infinite or NaN.
func TestGates(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	variants(t, func(t *testing.T, k *kernels) {
		for n := 1; n <= 3*16+1; n++ {
			sums := func() []float32 {
				x, _ := guarded(4*n+3*5, n%3)
				for i := range x {
					x[i] = float32(r.NormFloat64() * 3)
				}
				x[n/2], x[(n+5)*2] = float32(math.Inf(1)), float32(math.Inf(-1))
				return x
			}
			x, s, old, bias := sums(), sums(), sums(), sums()
			if n > 20 {
				s[1] = float32(math.NaN())
			}
			var h, c [2][]float32
			var intact [4]func() bool
			for i := range h {
				h[i], intact[i] = guarded(n, n%3)
				c[i], intact[2+i] = guarded(n, n%3)
				copy(c[i], old[1:])
			}
			check := func(what string, got, want []float32) {
				for i, v := range got {
					if !near(v, want[i], 0, 2e-6) {
						t.Fatalf("%s, unit %d of %d is %v, want %v", what, i, n, v, want[i])
					}
				}
			}
			lstmGo(h[0], c[0], x, s, n+5, n+5)
			k.lstm(h[1], c[1], x, s, n+5, n+5)
			check("cells", c[1], c[0])
			check("lstm", h[1], h[0])
			gruGo(h[0], old, x, s, bias, n+5, n+5)
			k.gru(h[1], old[:n], x, s, bias[:n], n+5, n+5)
			check("gru", h[1], h[0])
			for _, ok := range intact {
				if !ok() {
					t.Fatalf("%d units: writes outside", n)
				}
			}
		}
	})
}
