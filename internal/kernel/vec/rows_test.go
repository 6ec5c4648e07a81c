package vec

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestRows compares the kernels of whole rows with the generic loops, over all tails, in place, between guards, with a
// row of equal numbers, one that holds NaN, one of -Inf alone and one that holds -Inf.
func TestRows(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 13))
	inf := float32(math.Inf(1))
	variants(t, func(t *testing.T, k *kernels) {
		kernels := []struct {
			name      string
			got, want normFunc
		}{
			{"softmax", ofRows(k.softmaxRows), ofRows(generic.softmaxRows)},
			{"log softmax", ofRows(k.logSoftmaxRows), ofRows(generic.logSoftmaxRows)},
			{"layer norm", k.layerNormRows, generic.layerNormRows},
			{"rms norm", k.rmsNormRows, generic.rmsNormRows},
		}
		for _, cols := range append(upTo(70), 127, 128, 129, 768, 1000) {
			const rows = 6
			scale, bias := make([]float32, cols), make([]float32, cols)
			for i := range cols {
				scale[i], bias[i] = float32(r.NormFloat64()), float32(r.NormFloat64())
			}
			for _, c := range kernels {
				for _, b := range [][]float32{bias, nil} {
					got, intact := guarded(rows*cols, cols%3)
					for i := range got {
						got[i] = float32(r.NormFloat64()*3 + 1)
					}
					Fill(got[:cols], 2)
					got[cols+cols/2] = float32(math.NaN())
					Fill(got[2*cols:3*cols], -inf)
					got[3*cols] = -inf
					want := append([]float32(nil), got...)
					c.want(want, want, scale, b, cols, 1e-5)
					c.got(got, got, scale, b, cols, 1e-5)
					if !intact() {
						t.Fatalf("%s: rows of %d: writes outside", c.name, cols)
					}
					for i, v := range got {
						if !near(v, want[i], 16, 4e-6) {
							t.Fatalf("%s: element %d of rows of %d is %v, want %v", c.name, i, cols, v, want[i])
						}
					}
				}
			}
		}
	})
}

// TestSoftmaxGrads compares the gradients of rows with the generic loops, over all tails, over dy, between guards, with NaN in a row.
func TestSoftmaxGrads(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	variants(t, func(t *testing.T, k *kernels) {
		for _, cols := range append(upTo(70), 127, 128, 129, 768, 1000) {
			const rows = 5
			for _, log := range []bool{false, true} {
				y, dy := normals(r, rows*cols, 0), normals(r, rows*cols, 0)
				generic.softmaxRows(y, y, cols)
				got, want := k.softmaxGrad, softmaxGradGo
				if log {
					generic.logSoftmaxRows(y, normals(r, rows*cols, 0), cols)
					got, want = k.logSoftmaxGrad, logSoftmaxGradGo
				}
				dy[2*cols] = float32(math.NaN())
				dx, intact := guarded(rows*cols, cols%3)
				copy(dx, dy)
				want(dy, dy, y, cols)
				got(dx, dx, y, cols)
				if nearAll(t, "gradient", dx, dy, 2e-6); !intact() {
					t.Fatalf("rows of %d: writes outside", cols)
				}
			}
		}
	})
}

// TestScaledExpRows compares scaled exponentials of rows with the loop, over all tails, over x, between guards, with what comes of logarithms
// of probabilities: 0, far below it, infinitely far, and NaN.
func TestScaledExpRows(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	variants(t, func(t *testing.T, k *kernels) {
		for _, cols := range append(upTo(70), 127, 128, 129, 768, 1000) {
			const rows = 5
			x, f := normals(r, rows*cols, 0), normals(r, rows, 0)
			for i, v := range x {
				x[i] = -3 * v * v
			}
			f[3] = 0
			x[0], x[cols], x[2*cols], x[3*cols-1], x[4*cols-1] = 0, float32(math.Inf(-1)), -42, -200, float32(math.NaN())
			y, intact := guarded(rows*cols, cols%3)
			copy(y, x)
			k.scaledExpRows(y, y, f, cols)
			scaledExpRowsGo(x, x, f, cols)
			if y[2*cols] != 0 {
				t.Fatalf("rows of %d: exp(-42) comes to %g, want 0", cols, y[2*cols])
			}
			if nearAll(t, "exponentials", y, x, 1e-6); !intact() {
				t.Fatalf("rows of %d: writes outside", cols)
			}
		}
	})
}

// ofRows gives a kernel without parameters the form of those with.
func ofRows(f func(dst, x []float32, cols int)) normFunc {
	return func(dst, x, _, _ []float32, cols int, _ float32) { f(dst, x, cols) }
}

func upTo(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i + 1
	}
	return s
}

// TestHardmaxRows compares rows of all lengths with the loop: equal elements, NaN and infinities anywhere.
func TestHardmaxRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 9))
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	variants(t, func(t *testing.T, k *kernels) {
		for cols := 1; cols < 150; cols++ {
			const rows = 7
			x, want, got := make([]float32, rows*cols), make([]float32, rows*cols), make([]float32, rows*cols+2)
			for i := range x {
				x[i] = float32(rng.IntN(40))
				if rng.IntN(30) == 0 {
					x[i] = []float32{inf, -inf, nan, 0}[rng.IntN(4)]
				}
			}
			for j := range cols {
				x[cols+j], x[2*cols+j] = nan, -inf
			}
			x[3*cols] = nan
			hardmaxRowsGo(want, x, cols)
			got[0], got[rows*cols+1] = 7, 7
			k.hardmaxRows(got[1:rows*cols+1], x, cols)
			if got[0] != 7 || got[rows*cols+1] != 7 {
				t.Fatalf("rows of %d: written outside", cols)
			}
			for i, v := range want {
				if got[i+1] != v {
					t.Fatalf("row %d of %d elements: element %d is %v, want %v", i/cols, cols, i%cols, got[i+1], v)
				}
			}
		}
	})
}
