package reduce

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSoftmaxGrad compares with plain loops in float64, for short rows and for long ones.
func TestSoftmaxGrad(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, c := range [][2]int{{1, 1}, {5, 7}, {300, 130}, {2, 20000}} {
		for _, log := range []bool{false, true} {
			t.Run(fmt.Sprint(c, log), func(t *testing.T) {
				n, cols := c[0]*c[1], c[1]
				y, dy, want := make([]float32, n), make([]float32, n), make([]float64, n)
				for i := range y {
					y[i], dy[i] = float32(math.Log(r.Float64()+0.1)-math.Log(float64(cols))), float32(r.NormFloat64())
					if !log {
						y[i] = float32(math.Exp(float64(y[i])))
					}
				}
				for at := 0; at < n; at += cols {
					sum := 0.0
					for i := at; i < at+cols; i++ {
						if log {
							sum += float64(dy[i])
						} else {
							sum += float64(dy[i]) * float64(y[i])
						}
					}
					for i := at; i < at+cols; i++ {
						want[i] = (float64(dy[i]) - sum) * float64(y[i])
						if log {
							want[i] = float64(dy[i]) - math.Exp(float64(y[i]))*sum
						}
					}
				}
				first := make([]float32, n)
				SoftmaxGrad(first, dy, y, cols, log, 1)
				for i, v := range want {
					if math.Abs(float64(first[i])-v) > 1e-5*(1+math.Abs(v)) {
						t.Fatalf("element %d is %g, want %g", i, first[i], v)
					}
				}
				if SoftmaxGrad(dy, dy, y, cols, log, 3); !slices.Equal(dy, first) {
					t.Error("three threads, or the gradient's own place, give other bits")
				}
			})
		}
	}
}
