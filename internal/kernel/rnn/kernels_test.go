package rnn

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// eachRow calls f for every set of kernels that this machine can run, and names the others.
func eachRow(t *testing.T, f func(t *testing.T, r *row)) {
	defer forced.Store(nil)
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			if cpu.Detected()&r.needs != r.needs {
				t.Skipf("rnn/%s: needs %v", r.name, r.needs)
			}
			forced.Store(r)
			f(t, r)
		})
	}
}

// TestBlockKernels compares every kernel with sums in float64, between guard words, with NaN and infinities among the
// weights.
func TestBlockKernels(t *testing.T) {
	const guard = float32(12345)
	random := rand.New(rand.NewPCG(7, 7))
	fill := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(random.NormFloat64())
		}
		return x
	}
	eachRow(t, func(t *testing.T, r *row) {
		for gates := 1; gates <= 4; gates++ {
			for w, v := range r.widths[gates] {
				for n := 1; n <= maxRows; n++ {
					for _, k := range []int{1, 2, 3, 4, 5, 7, 16, 67} {
						for _, load := range []uint64{0, 1} {
							width := v * r.lanes
							a, b := fill(n*(k+3)), fill(k*gates*width)
							b[len(b)/2], b[0], b[len(b)-1] = float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))
							gs, ldc := width+5, gates*(width+5)+7
							c := fill(n * ldc)
							old := append([]float32(nil), c...)
							want := func(i, j, u int) float64 {
								sum := float64(load) * float64(old[i*ldc+j*gs+u])
								for p := range k {
									sum += float64(a[i*(k+3)+p]) * float64(b[(p*gates+j)*width+u])
								}
								return sum
							}
							for i := range c {
								if i%ldc >= gates*gs || i%ldc%gs >= width {
									c[i] = guard
								}
							}
							r.blocks[gates][w][n-1](&blockArgs{a: unsafe.Pointer(&a[0]), ars: 4 * (k + 3), b: unsafe.Pointer(&b[0]), k: k,
								c: unsafe.Pointer(&c[0]), ldc: 4 * ldc, gs: 4 * gs, load: load})
							for at, got := range c {
								i, j, u := at/ldc, at%ldc/gs, at%ldc%gs
								if j >= gates || u >= width {
									if got != guard {
										t.Fatalf("%d gates of %d, %d rows: writes outside", gates, width, n)
									}
									continue
								}
								if x := want(i, j, u); !(math.Abs(float64(got)-x) < 1e-4) && !(math.IsNaN(x) && got != got) && float64(got) != x {
									t.Fatalf("%d gates of %d, row %d of %d, k %d, load %d: gate %d, unit %d is %v, want %v", gates, width, i, n, k, load, j, u, got, x)
								}
							}
						}
					}
				}
			}
		}
	})
}

// TestProducts compares products of several blocks and groups of rows, cut in parts, with sums in float64.
func TestProducts(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	eachRow(t, func(t *testing.T, r *row) {
		for _, units := range []int{1, 7, 16, 50, 133, 301} {
			for gates := 1; gates <= 4; gates++ {
				for _, batch := range []int{1, 4, 8} {
					w, a := make([]float32, gates*units*units), make([]float32, batch*units)
					for _, x := range [][]float32{w, a} {
						for i := range x {
							x[i] = float32(random.NormFloat64())
						}
					}
					p := newPacked(nil, gates, units, units)
					p.set(w)
					s := sums{make([]float32, batch*gates*padded(units)), gates * padded(units), padded(units)}
					next := 0
					for part := range 3 {
						lo, hi, first, last := p.part(part, 3)
						if first != next {
							t.Fatalf("part %d of %d units begins with %d, want %d", part, units, first, next)
						}
						next = last
						p.multiply(a, units, batch, lo, hi, s, part == 1)
					}
					if next != units {
						t.Fatalf("parts of %d units end at %d", units, next)
					}
					for b := range batch {
						for j := range gates {
							for u := range units {
								want := 0.0
								for k := range units {
									want += float64(a[b*units+k]) * float64(w[(j*units+u)*units+k])
								}
								if got := s.c[b*s.ldc+j*s.gs+u]; math.Abs(float64(got)-want) > 2e-4 {
									t.Fatalf("%d units, %d gates: row %d, gate %d, unit %d is %v, want %v", units, gates, b, j, u, got, want)
								}
							}
						}
					}
				}
			}
		}
	})
}
