package nms

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// variants calls f for the generic kernels and every row of the table that this machine can run, and names the
// others.
func variants(t *testing.T, f func(t *testing.T, k *kernels)) {
	t.Run("generic", func(t *testing.T) { f(t, &generic) })
	for i := range assembly {
		k := &assembly[i]
		t.Run(k.name, func(t *testing.T) {
			if cpu.Detected()&k.needs != k.needs {
				t.Skipf("nms/%s: needs %v", k.name, k.needs)
			}
			f(t, k)
		})
	}
}

func TestAbove(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	special := []float32{0, float32(math.Copysign(0, -1)), inf, -inf, nan, math.SmallestNonzeroFloat32}
	variants(t, func(t *testing.T, k *kernels) {
		for n := range 5 {
			x := make([]float32, 64*n)
			for i := range x {
				if x[i] = r.Float32() - 0.5; r.IntN(4) == 0 {
					x[i] = special[r.IntN(len(special))]
				}
			}
			for _, least := range append(special, 0.25) {
				want, got := make([]uint64, n+2), make([]uint64, n+2)
				want[0], got[0], want[n+1], got[n+1] = 7, 7, 7, 7
				aboveGo(want[1:n+1], x, least)
				k.above(got[1:n+1], x, least)
				if !slices.Equal(got, want) {
					t.Errorf("%d words, least %v: got %x, want %x", n, least, got, want)
				}
			}
		}
	})
}

// TestOverlap puts a box that overlaps at every place among others that do not, and one behind their end.
func TestOverlap(t *testing.T) {
	const stride = 70
	columns := make([]float32, 5*stride+slack)
	set := func(at int, y0, x0, y1, x1 float32) {
		for c, v := range [5]float32{y0, x0, y1, x1, (y1 - y0) * (x1 - x0)} {
			columns[c*stride+at] = v
		}
	}
	variants(t, func(t *testing.T, k *kernels) {
		for n := range 50 {
			for hit := range n + 1 {
				for at := range n {
					switch at % 4 { // above, beside, both, and too little in common
					case 0:
						set(at, 3, 0, 4, 1)
					case 1:
						set(at, 0, 3, 1, 4)
					case 2:
						set(at, 3, 3, 4, 4)
					default:
						set(at, 0.75, 0, 1.75, 1)
					}
				}
				set(n, 0, 0, 1, 1)
				set(hit, 0.25, 0, 1.25, 1)
				for _, bound := range []float32{0.3, 0.59, 0.61} {
					b := &box{0, 0, 1, 1, 1, bound}
					want := overlapGo(&columns[0], stride, n, &b.y0)
					if got := k.overlap(&columns[0], stride, n, &b.y0); got != want || bound < 0.6 && want != hit {
						t.Fatalf("%d boxes, bound %v: found %d, want %d", n, bound, got, hit)
					}
				}
			}
		}
	})
}
