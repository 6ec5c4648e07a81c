package vec

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestNormGrads compares the gradients of normalised rows with the generic loops: rows of all lengths, as many as fill groups and
// some more, far from zero, with a row of equal numbers, one that holds NaN, and one whose mean is many deviations from its first element,
// between guards.
func TestNormGrads(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 17))
	variants(t, func(t *testing.T, k *kernels) {
		for _, c := range []struct {
			name      string
			got, want normGradFunc
			shift     bool
		}{{"layer norm", k.layerNormGrad, layerNormGradGo, true}, {"rms norm", k.rmsNormGrad, rmsNormGradGo, false}} {
			for _, cols := range append(upTo(70), 127, 128, 129, 768, 1000) {
				for _, rows := range []int{1, 3, 4, 11} {
					x, dy, scale := normals(r, rows*cols, 5), normals(r, rows*cols, 0), normals(r, cols, 1)
					Fill(x[:cols], 2)
					if rows > 2 {
						x[cols] = -1e4
						x[2*cols+cols/2] = float32(math.NaN())
					}
					dx, inX := guarded(rows*cols, cols%3)
					ofScale, inScale := guarded(cols, cols%5)
					ofShift, inShift := guarded(cols, cols%2)
					copy(ofScale, scale)
					copy(ofShift, scale)
					wantX, wantScale, wantShift := make([]float32, len(dx)), append([]float32(nil), scale...), append([]float32(nil), scale...)
					if !c.shift {
						wantShift = nil
					}
					c.want(wantX, x, dy, scale, wantScale, wantShift, cols, 1e-3)
					c.got(dx, x, dy, scale, ofScale, ofShift[:len(wantShift)], cols, 1e-3)
					if !inX() || !inScale() || !inShift() {
						t.Fatalf("%s, %dx%d: writes outside", c.name, rows, cols)
					}
					nearAll(t, c.name+" of x", dx, wantX, 2e-4)
					nearAll(t, c.name+" of the scale", ofScale, wantScale, 2e-4)
					nearAll(t, c.name+" of the shift", ofShift[:len(wantShift)], wantShift, 2e-5)
				}
			}
		}
	})
}

func normals(r *rand.Rand, n int, mean float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64() + mean)
	}
	return x
}

// nearAll allows a difference of most times one more than the largest number that is wanted.
func nearAll(t *testing.T, what string, got, want []float32, most float64) {
	t.Helper()
	size := 1.0
	for _, v := range want {
		if v == v {
			size = max(size, math.Abs(float64(v)))
		}
	}
	for i, v := range want {
		if !near(got[i], v, 0, most*size) {
			t.Fatalf("%s: element %d of %d is %v, want %v", what, i, len(want), got[i], v)
		}
	}
}
