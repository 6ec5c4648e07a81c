package nhwc

import (
	"fmt"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
)

// TestGradWTurned compares the gradients of filters that turn what is far apart with plain loops on every kernel set: frames with padding and
// without, in strides, groups and several blocks and parts, and products of all pixels.
func TestGradWTurned(t *testing.T) {
	for _, kernels := range gemm.Kernels() {
		undo, _ := gemm.Use(kernels)
		for i, c := range []struct {
			p         problem
			algorithm string
		}{
			{square(2, 1, 40, 67, 11, 3, 2, 1), "products"}, {square(1, 1, 200, 24, 31, 5, 1, 2), "products"}, {square(3, 2, 80, 230, 9, 3, 3, 0), "products"},
			{problem{1, 1, 33, 100, [][6]int{{900, 4, 2, 1, 0, 0}}}, "products"}, {problem{2, 1, 36, 50, [][6]int{{4, 2, 1, 1, 1, 0}, {9, 3, 2, 2, 1, 3}, {8, 3, 2, 1, 1, 1}}}, "products"},
			{square(2, 1, 64, 100, 9, 1, 1, 0), "pointwise"}, {problem{3, 1, 129, 65, [][6]int{{300, 1, 1, 1, 0, 0}}}, "pointwise"},
		} {
			t.Run(fmt.Sprintf("%s/%v", kernels, c.p), func(t *testing.T) {
				p := NewGradW(c.p.geom())
				if gemm.TurnsColumns() && p.Algorithm() != c.algorithm {
					t.Errorf("goes by %s, want %s", p.Algorithm(), c.algorithm)
				}
				if a, ok := p.alg.(*gradProducts); ok && a.turned != gemm.TurnsColumns() {
					t.Errorf("turned is %v, want %v", a.turned, gemm.TurnsColumns())
				}
				compareGradPlan(t, p, i)
			})
		}
		undo()
	}
}
