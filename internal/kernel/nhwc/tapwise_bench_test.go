package nhwc

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkSparse reports the shortest time of 3×3 convolutions whose windows the padding fills in large part, in effective GFLOP/s:
// as if it were read.
func BenchmarkSparse(b *testing.B) {
	for _, s := range [][5]int{{960, 256, 16, 12, 1}, {128, 64, 20, 12, 2}, {128, 64, 20, 6, 2}, {64, 64, 33, 12, 1}, {256, 256, 14, 6, 1}, {512, 512, 2, 1, 1}, {512, 256, 3, 1, 1}, {512, 512, 28, 12, 1}, {64, 32, 28, 18, 1}, {256, 256, 28, 8, 1}, {256, 256, 4, 1, 1}, {256, 256, 7, 1, 1}, {512, 512, 7, 1, 1}, {512, 512, 7, 1, 4}, {256, 256, 8, 1, 1}, {64, 64, 8, 1, 1}, {32, 32, 14, 2, 1}, {32, 32, 8, 1, 4}, {32, 32, 28, 12, 1}, {128, 128, 28, 4, 1}} {
		axis := [6]int{s[2], 3, 1, s[3], s[3], s[3]}
		g := problem{s[4], 1, s[0], s[1], [][6]int{axis, axis}}.geom()
		rng := rand.New(rand.NewPCG(1, 1))
		a := Args{X: randoms(rng, g.Batch*g.InC*g.InSize()), Y: make([]float32, g.Batch*g.OutC*g.OutSize()), Threads: 1}
		w := randoms(rng, 9*g.InC*g.OutC)
		flop := float64(2*len(w)) * float64(g.Batch*g.OutSize())
		for _, name := range []string{"tapwise", "winograd", "direct", "dense"} {
			p := newPlan(g, name)
			if p == nil {
				continue
			}
			b.Run(fmt.Sprintf("float32/%dx%d/%d of %d/dilation %d/seen %.2f/%s", g.InC, g.OutC, s[4], s[2], s[3], seen(&g), name), func(b *testing.B) {
				a.Filter, a.Scratch = p.Pack(w), make([]float32, p.Scratch())
				reportShortest(b, flop, directTime(&g), func() { p.Run(&a) })
			})
		}
	}
}
