package vec

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestPlaneGrad compares the kernels of planes with the generic loops, over all tails, between guards, with NaN among the elements.
func TestPlaneGrad(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 17))
	variants(t, func(t *testing.T, k *kernels) {
		for n := range 200 {
			x, y := normals(r, n, 3), normals(r, n, 0)
			for _, nan := range []bool{false, true} {
				if nan && n > 0 {
					x[n/2] = float32(math.NaN())
				}
				a, b, c, d := k.planeSums(x, y, 3)
				e, f, g, h := planeSumsGo(x, y, 3)
				nearAll(t, "sums", []float32{a, b, c, d}, []float32{e, f, g, h}, 1e-5)
				got, intact := guarded(n, n%7)
				want := make([]float32, n)
				k.planeGrad(got, x, y, 3, 0.5, -2, 0.25)
				planeGradGo(want, x, y, 3, 0.5, -2, 0.25)
				nearAll(t, "gradient", got, want, 1e-6)
				if !intact() {
					t.Fatalf("%d elements: writes outside", n)
				}
			}
		}
	})
}
