package reduce

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRowNormGrads compares the gradients of normalised rows with those that plain loops compute in float64: rows of all lengths, far
// from zero or not, one number repeated among them.
func TestRowNormGrads(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct{ rows, cols int }{{1, 1}, {3, 2}, {70, 15}, {5, 33}, {40, 768}, {700, 96}, {2, 20000}} {
		for _, shift := range []float64{0, 30} {
			for _, rms := range []bool{false, true} {
				t.Run(fmt.Sprint(c.rows, "x", c.cols, " ", shift, " ", rms), func(t *testing.T) {
					n := c.rows * c.cols
					x, dy, scale := make([]float32, n), make([]float32, n), make([]float32, c.cols)
					for i := range x {
						x[i], dy[i] = float32(r.NormFloat64()+shift), float32(r.NormFloat64())
					}
					for i := range scale {
						scale[i] = float32(r.NormFloat64())
						x[i] = 2
					}
					checkRowNormGrad(t, x, dy, scale, rms)
				})
			}
		}
	}
}

func checkRowNormGrad(t *testing.T, x, dy, scale []float32, rms bool) {
	cols, rows := len(scale), len(x)/len(scale)
	const eps = 1e-3
	wide, g := make([]float64, len(x)), make([]float64, len(x))
	narrow := make([]float32, len(x))
	for i := range x {
		wide[i], narrow[i] = float64(x[i]), dy[i]*scale[i%cols]
		g[i] = float64(dy[i]) * float64(scale[i%cols])
	}
	dx, hat, sums, shifts := make([]float64, len(x)), make([]float64, len(x)), make([]float64, cols), make([]float64, cols)
	s := Standardization{Outer: 1, Rows: rows, Inner: cols, Eps: eps, RMS: rms}
	StandardizeGrad(dx, hat, g, wide, s, 1)
	for i := range x {
		sums[i%cols] += float64(dy[i]) * hat[i]
		shifts[i%cols] += float64(dy[i])
	}
	near := func(what string, got []float32, want []float64, most float64) {
		t.Helper()
		for i, v := range want {
			if math.Abs(float64(got[i])-v) > most*(1+math.Abs(v)) {
				t.Fatalf("%s[%d] is %g, want %g", what, i, got[i], v)
			}
		}
	}
	hat32, dx32 := make([]float32, len(x)), make([]float32, len(x))
	StandardizeGrad(dx32, hat32, narrow, x, s, 2)
	near("standardised", hat32, hat, 1e-4)
	near("its gradient", dx32, dx, 2e-4)
	var first []float32
	for threads := 1; threads <= 3; threads++ {
		a := RowNormGrad{X: x, DY: dy, Scale: scale, Eps: eps, RMS: rms, DX: make([]float32, len(x)), DScale: make([]float32, cols),
			Scratch: make([]float32, RowNormGradScratch(rows, cols))}
		if !rms {
			a.DShift = make([]float32, cols)
		}
		a.Run(threads)
		near("gradient", a.DX, dx, 2e-4)
		near("gradient of the scale", a.DScale, sums, 1e-4*math.Sqrt(float64(rows)))
		near("gradient of the shift", a.DShift, shifts[:len(a.DShift)], 1e-5)
		all := slices.Concat(a.DX, a.DScale, a.DShift)
		if first != nil && !slices.Equal(all, first) {
			t.Errorf("%d threads give other bits", threads)
		}
		first = all
	}
}
