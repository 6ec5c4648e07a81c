package gemm

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPanels multiplies with the panels of a packed matrix one by one, read in place, and compares with the product of the
// whole, to the last bit.
func TestPanels(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for _, kernels := range Kernels() {
		undo, _ := Use(kernels)
		for _, s := range [][3]int{{1, 40, 33}, {5, 7, 96}, {13, 64, 40}, {49, 300, 72}, {150, 16, 8}} {
			m, k, n := s[0], s[1], s[2]
			a, b := make([]float32, m*k), make([]float32, k*n)
			for _, x := range [][]float32{a, b} {
				for i := range x {
					x[i] = rng.Float32() - 0.5
				}
			}
			p := Pack(k, n, b, n, 1)
			want, got := make([]float32, m*n), make([]float32, m*n)
			Run(&Args{M: m, N: n, K: k, A: a, ARS: k, ACS: 1, Packed: p, C: want, LDC: n})
			data, width := p.Panels()
			for at := 0; at < n; at += width {
				Run(&Args{M: m, N: min(width, n-at), K: k, A: a, ARS: k, ACS: 1, B: data[at*k:][:width*k], BRS: width, BCS: 1, C: got[at:], LDC: n})
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %dx%dx%d: panels give other bits", kernels, m, k, n)
			}
		}
		undo()
	}
}
