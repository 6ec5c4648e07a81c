package vec

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestSoftmaxShort compares rows of every length that a variant takes with the definition in float64, in place,
// between guards, with rows that hold NaN or infinities.
func TestSoftmaxShort(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 12))
	old := active
	defer func() { active = old }()
	variants(t, func(t *testing.T, k *kernels) {
		active = k
		for cols := 1; cols <= k.lanes; cols++ {
			for _, log := range []bool{false, true} {
				const rows = 9
				got, intact := guarded(rows*cols, cols%3)
				for i := range got {
					got[i] = float32(r.NormFloat64() * 10)
				}
				got[cols] = float32(math.NaN())
				got[2*cols] = float32(math.Inf(-1))
				want := make([]float64, len(got))
				for row := range rows {
					x := got[row*cols : (row+1)*cols]
					m, sum := math.Inf(-1), 0.0
					for _, v := range x {
						m = max(m, float64(v))
					}
					for _, v := range x {
						sum += math.Exp(float64(v) - m)
					}
					for i, v := range x {
						want[row*cols+i] = math.Exp(float64(v)-m) / sum
						if log {
							want[row*cols+i] = float64(v) - m - math.Log(sum)
						}
					}
				}
				if !SoftmaxShort(got, got, cols, log) {
					t.Fatalf("rows of %d are not taken", cols)
				}
				if !intact() {
					t.Fatalf("rows of %d: writes outside", cols)
				}
				for i, v := range got {
					if !near(v, float32(want[i]), 8, 3e-6) {
						t.Fatalf("log %v, element %d of rows of %d is %v, want %v", log, i, cols, v, want[i])
					}
				}
			}
		}
		if SoftmaxShort(nil, nil, k.lanes+1, false) {
			t.Errorf("rows of %d are taken", k.lanes+1)
		}
	})
}
