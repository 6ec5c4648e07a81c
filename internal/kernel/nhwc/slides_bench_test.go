package nhwc

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkGrouped reports the shortest time of convolutions of 3×3 in groups of few channels, in GFLOP/s.
func BenchmarkGrouped(b *testing.B) {
	for _, s := range []struct{ channels, width, in, stride int }{
		{104, 8, 56, 2}, {208, 8, 28, 2}, {440, 8, 14, 2}, {104, 8, 28, 1}, {208, 8, 14, 1}, {440, 8, 7, 1},
		{128, 4, 56, 1}, {256, 4, 56, 2}, {256, 8, 28, 1}, {512, 16, 14, 1}, {512, 16, 28, 2}, {1024, 32, 7, 1}, {1024, 32, 14, 2}, {48, 16, 112, 2}, {160, 16, 28, 1}, {64, 16, 56, 1}, {256, 16, 14, 1}, {64, 8, 112, 1}, {960, 16, 7, 1},
	} {
		axis := [6]int{s.in, 3, s.stride, 1, 1, 1}
		g := problem{1, s.channels / s.width, s.channels, s.channels, [][6]int{axis, axis}}.geom()
		rng := rand.New(rand.NewPCG(1, 1))
		a := Args{X: randoms(rng, g.InC*g.InSize()), Y: make([]float32, g.OutC*g.OutSize()), Threads: 1}
		w := randoms(rng, 9*g.OutC*s.width)
		for _, name := range []string{"slides", "direct", "winograd"} {
			p := newPlan(g, name)
			if p == nil {
				continue
			}
			b.Run(fmt.Sprintf("float32/%d in groups of %d/%d stride %d/%s", s.channels, s.width, s.in, s.stride, name), func(b *testing.B) {
				a.Filter, a.Scratch = p.Pack(w), make([]float32, p.Scratch())
				reportShortest(b, float64(2*len(w)*g.OutSize()), directTime(&g), func() { p.Run(&a) })
			})
		}
	}
}
