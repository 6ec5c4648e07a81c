package ops

import (
	"math"
	"testing"
)

// TestFloat64Functions compares the float64 kernels with the functions of package math, in place too, bit by bit.
func TestFloat64Functions(t *testing.T) {
	x := []float64{0, math.Copysign(0, -1), 0.5, -0.5, 1.5, 2.5, -2.5, 3, 0x1p52 + 0.5, -0x1p60, 5e-324, 1e308, math.Inf(1), math.Inf(-1), math.NaN()}
	for range 3 { // beyond whole vectors
		x = append(x, x...)
	}
	for name, c := range map[string]struct {
		run  func(dst, x []float64)
		want func(float64) float64
	}{
		"Ceil": {ceil64, math.Ceil}, "Floor": {floor64, math.Floor}, "Round": {round64, math.RoundToEven}, "Sqrt": {sqrt64, math.Sqrt},
		"Reciprocal": {reciprocal64, func(x float64) float64 { return 1 / x }},
	} {
		for n := range len(x) + 1 {
			got, same := make([]float64, n), append([]float64(nil), x[:n]...)
			c.run(got, x)
			c.run(same, same)
			for i, v := range x[:n] {
				want := c.want(v)
				for _, y := range []float64{got[i], same[i]} {
					if math.Float64bits(y) != math.Float64bits(want) && (y == y || want == want) {
						t.Fatalf("%s of %v, element %d of %d, is %v, want %v", name, v, i, n, y, want)
					}
				}
			}
		}
	}
}
