package vec

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestGateGrads compares the way through the gates of a recurrent cell and back with the plain loops, for every number of units
// around the width of a vector, between guards, in place and not.
func TestGateGrads(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	random := func(n int, f func() float64) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(f())
		}
		return x
	}
	normal := func() float64 { return r.NormFloat64() * 3 }
	variants(t, func(t *testing.T, k *kernels) {
		for n := 1; n <= 3*16+1; n++ {
			stride := n + 5
			sums, add, bias, dh, dc := random(4*stride, normal), random(4*stride, normal), random(n, normal), random(n, normal), random(n, normal)
			old, gates := random(n, normal), random(4*stride, r.Float64)
			if n > 20 {
				sums[1], old[3], gates[stride+7] = float32(math.NaN()), float32(math.Inf(1)), float32(math.NaN())
			}
			run := func(k *kernels, inPlace bool) (out [][]float32, intact []func() bool) {
				fresh := func(from []float32, m int) []float32 {
					s, ok := guarded(m, n%3)
					copy(s, from)
					out, intact = append(out, s), append(intact, ok)
					return s
				}
				wide := 3*stride + n
				h, c, x := fresh(nil, n), fresh(nil, n), fresh(sums, wide)
				k.lstmKeep(h, c, old, x, add, stride, stride)
				h, x = fresh(nil, n), fresh(sums, wide)
				k.gruKeep(h, old, x, add, bias, stride, stride)
				d, x := fresh(nil, wide), gates
				if inPlace {
					d = fresh(gates, wide)
					x = d
				}
				k.lstmGrad(d, x, dh, fresh(dc, n), bias, old, stride)
				if d, x = fresh(nil, wide), gates; inPlace {
					d = fresh(gates, wide)
					x = d
				}
				k.gruGrad(d, x, fresh(dh, n), old, stride)
				return out, intact
			}
			for _, inPlace := range []bool{false, true} {
				want, _ := run(&generic, inPlace)
				got, intact := run(k, inPlace)
				for i, w := range want {
					for j := range w {
						if j%stride < n && !near(got[i][j], w[j], 8, 4e-6) {
							t.Fatalf("%d units, in place %v: element %d of result %d is %v, want %v", n, inPlace, j, i, got[i][j], w[j])
						}
						if j%stride >= n && got[i][j] != w[j] && w[j] == w[j] {
							t.Fatalf("%d units: writes between gates", n)
						}
					}
					if !intact[i]() {
						t.Fatalf("%d units: writes outside of result %d", n, i)
					}
				}
			}
		}
	})
}
