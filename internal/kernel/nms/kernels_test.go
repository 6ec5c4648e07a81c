package nms

import (
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
