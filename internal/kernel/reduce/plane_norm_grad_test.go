package reduce

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPlaneNormGrads compares the gradients of normalised groups of planes with those that plain loops compute in float64: scales of
// channels and of groups, near zero and far from it.
func TestPlaneNormGrads(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 6))
	for _, c := range []struct{ batch, channels, plane, groups int }{{1, 1, 1, 1}, {2, 3, 7, 3}, {3, 8, 49, 2}, {2, 6, 1, 3}, {8, 64, 100, 32}, {1, 4, 30000, 1}} {
		for _, mean := range []float64{0, 100} {
			for _, shared := range []bool{false, true} {
				t.Run(fmt.Sprint(c, mean, shared), func(t *testing.T) {
					normals := func(n int, mean float64) []float32 {
						x := make([]float32, n)
						for i := range x {
							x[i] = float32(r.NormFloat64() + mean)
						}
						return x
					}
					n, scales := c.batch*c.channels*c.plane, c.channels
					if shared {
						scales = c.groups
					}
					a := PlaneNormGrad{X: normals(n, mean), DY: normals(n, 0), Batch: c.batch, Channels: c.channels, Plane: c.plane, Groups: c.groups,
						Scale: normals(scales, 1), Eps: 1e-3, Scratch: make([]float32, PlaneNormGradScratch(c.batch, c.channels))}
					checkPlaneNormGrad(t, &a)
				})
			}
		}
	}
}

func checkPlaneNormGrad(t *testing.T, a *PlaneNormGrad) {
	n, each := len(a.X), a.Channels/len(a.Scale)
	x, g, dx, hat := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	of := func(i int) int { return i / a.Plane % a.Channels / each }
	for i := range x {
		x[i], g[i] = float64(a.X[i]), float64(a.DY[i])*float64(a.Scale[of(i)])
	}
	rows := a.Batch * a.Groups
	StandardizeGrad(dx, hat, g, x, Standardization{Outer: 1, Rows: rows, Inner: n / rows, Eps: a.Eps}, 1)
	scale, shift := make([]float64, len(a.Scale)), make([]float64, len(a.Scale))
	for i, v := range a.DY {
		scale[of(i)] += float64(v) * hat[i]
		shift[of(i)] += float64(v)
	}
	near := func(what string, got []float32, want []float64, most float64) {
		t.Helper()
		for i, v := range want {
			if math.Abs(float64(got[i])-v) > most*(1+math.Abs(v)) {
				t.Fatalf("%s[%d] is %g, want %g", what, i, got[i], v)
			}
		}
	}
	var first []float32
	for threads := 1; threads <= 3; threads++ {
		a.DX, a.DScale, a.DShift = make([]float32, n), make([]float32, len(scale)), make([]float32, len(scale))
		a.Run(threads)
		sums := 1e-4 * math.Sqrt(float64(n/len(scale)))
		near("gradient", a.DX, dx, 2e-4)
		near("gradient of the scale", a.DScale, scale, sums)
		near("gradient of the shift", a.DShift, shift, sums/10)
		all := slices.Concat(a.DX, a.DScale, a.DShift)
		if first != nil && !slices.Equal(all, first) {
			t.Errorf("%d threads give other bits", threads)
		}
		first = all
	}
}
