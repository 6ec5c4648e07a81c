package nhwc

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
)

// TestSingleImages wants of each image among others the bits that it has alone, on every kernel set.
func TestSingleImages(t *testing.T) {
	const images = 8
	rng := rand.New(rand.NewPCG(4, 9))
	for _, kernels := range gemm.Kernels() {
		undo, _ := gemm.Use(kernels)
		for _, c := range [][2]int{{64, 1}, {70, 2}, {200, 23}, {1203, 48}} {
			p := problem{images, 1, c[0], c[1], [][6]int{{1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 0, 0}}}
			x, w := randoms(rng, images*c[0]), randoms(rng, c[0]*c[1])
			a := Args{X: x, Bias: randoms(rng, c[1]), Residual: randoms(rng, images*c[1]), Act: gemm.Activation{Kind: gemm.HardSwish}}
			all := run(newPlan(p.geom(), "single"), w, a, 2)
			p.batch = 1
			for i := range images {
				one := a
				one.X, one.Residual = x[i*c[0]:][:c[0]], a.Residual[i*c[1]:][:c[1]]
				if got := run(newPlan(p.geom(), "single"), w, one, 1); !slices.Equal(got, all[i*c[1]:][:c[1]]) {
					t.Errorf("%s: %v: image %d has other bits alone", kernels, c, i)
				}
			}
		}
		undo()
	}
}
