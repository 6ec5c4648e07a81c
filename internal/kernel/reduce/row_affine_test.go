package reduce

import (
	"math"
	"math/rand"
	"testing"
)

func TestRowAffine(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for _, cols := range []int{1, 3, 64, 511, 512, 513, 2000} {
		for _, rows := range []int{0, 1, 7, 300} {
			x, scale, shift := gaussian(r, rows*cols), gaussian(r, cols), gaussian(r, cols)
			one, two := make([]float32, len(x)), make([]float32, len(x))
			RowAffine(one, x, scale, shift, 1)
			RowAffine(two, x, scale, shift, 3)
			for i, v := range x {
				want := float64(v)*float64(scale[i%cols]) + float64(shift[i%cols])
				if math.Abs(float64(one[i])-want) > 1e-5 || one[i] != two[i] {
					t.Fatalf("%dx%d: element %d is %v, with 3 threads %v, want %v", rows, cols, i, one[i], two[i], want)
				}
			}
		}
	}
}

func TestLpNormalize(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for _, factor := range []float64{0, 1e-25, 1, 1e25} {
		for p := 1; p <= 2; p++ {
			for _, cols := range []int{1, 5, 1000} {
				x := gaussian(r, 40*cols)
				for i := range x {
					x[i] *= float32(factor)
				}
				one, two := make([]float32, len(x)), make([]float32, len(x))
				LpNormalize(one, x, cols, p, 1)
				LpNormalize(two, x, cols, p, 3)
				for i, v := range x {
					sum := 0.0
					for _, v := range x[i/cols*cols:][:cols] {
						sum += math.Pow(math.Abs(float64(v)), float64(p))
					}
					want := 0.0
					if sum > 0 {
						want = float64(v) / math.Pow(sum, 1/float64(p))
					}
					if math.Abs(float64(one[i])-want) > 1e-5 || one[i] != two[i] {
						t.Fatalf("p %d, factor %v, %d columns: element %d is %v, with 3 threads %v, want %v", p, factor, cols, i, one[i], two[i], want)
					}
				}
			}
		}
	}
}

func gaussian(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}
