package vec

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestQuantize checks the kernels that quantise and dequantise bytes against the plain loops, bit for bit: all tails,
// halves, values far out of range, infinities and NaN, and that nothing is written behind the end.
func TestQuantize(t *testing.T) {
	t.Run("int8", quantizeTest[int8])
	t.Run("uint8", quantizeTest[uint8])
}

func quantizeTest[D int8 | uint8](t *testing.T) {
	before := active
	defer func() { active = before }()
	r := rand.New(rand.NewPCG(1, 2))
	specials := []float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 3e38, -3e38, 1e-40}
	for n := range 100 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.IntN(1200)-600) * 0.25
			if r.IntN(10) == 0 {
				x[i] = specials[r.IntN(len(specials))]
			}
		}
		for _, p := range [][2]float32{{0.5, 3}, {0.37, 0}, {1e-30, 100}, {-2, 7}, {0.7, -100}} {
			run := func() ([]D, []float32) {
				q, f := make([]D, n+1), make([]float32, n+1)
				q[n], f[n] = 77, 77
				Quantize(q[:n], x, p[0], p[1])
				Dequantize(f[:n], q[:n], p[0], p[1])
				return q, f
			}
			active = &generic
			wantQ, wantF := run()
			variants(t, func(t *testing.T, k *kernels) {
				active = k
				if q, f := run(); !slices.Equal(q, wantQ) || !slices.Equal(f, wantF) {
					t.Fatalf("%d elements, scale %v, zero %v: %v is %v and %v, want %v and %v", n, p[0], p[1], x, q, f, wantQ, wantF)
				}
			})
		}
	}
}

// TestQuantizeHalves takes numbers at, and next to, the middle between two codes: products with the inverse of the scale stand
// on the wrong side of it for some.
func TestQuantizeHalves(t *testing.T) {
	before := active
	defer func() { active = before }()
	r := rand.New(rand.NewPCG(3, 4))
	x := make([]float32, 4096)
	for range 50 {
		scale := float32(math.Exp(r.NormFloat64() * 20))
		for i := range x {
			x[i] = (float32(r.IntN(600)-300) + 0.5) * scale
			for range r.IntN(4) {
				x[i] = math.Nextafter32(x[i], float32(math.Inf(r.IntN(2)*2-1)))
			}
		}
		want, got := make([]uint8, len(x)), make([]uint8, len(x))
		active = &generic
		Quantize(want, x, scale, 128)
		variants(t, func(t *testing.T, k *kernels) {
			active = k
			Quantize(got, x, scale, 128)
			for i, v := range got {
				if v != want[i] {
					t.Fatalf("%v of scale %v is %d, want %d", x[i], scale, v, want[i])
				}
			}
		})
	}
}
