package nhwc

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
)

// best returns the shortest of many runs of f, in nanoseconds.
func best(b *testing.B, f func()) float64 {
	least := time.Hour
	for b.Loop() {
		t := time.Now()
		f()
		least = min(least, time.Since(t))
	}
	return float64(least)
}

// BenchmarkWinograd reports the shortest time of a 3×3 convolution in effective GFLOP/s: multiplications and additions
// that the definition takes. The row "direct" is the product that a direct algorithm comes down to, without its gathering.
func BenchmarkWinograd(b *testing.B) {
	for _, s := range [][3]int{{64, 64, 56}, {128, 128, 28}, {256, 256, 14}, {512, 512, 7}, {32, 32, 80}, {16, 16, 160}, {64, 64, 20}, {32, 32, 128}, {64, 64, 128}} {
		p := problem{1, 1, s[0], s[1], [][6]int{{s[2], 3, 1, 1, 1, 1}, {s[2], 3, 1, 1, 1, 1}}}
		g := p.geom()
		rng := rand.New(rand.NewPCG(1, 1))
		x, w := randoms(rng, g.InC*g.InSize()), randoms(rng, 9*g.InC*g.OutC)
		y := make([]float32, g.OutC*g.OutSize())
		flop := float64(2*9*g.InC*g.OutC) * float64(g.OutSize())
		name := fmt.Sprintf("float32/%dx%d/%d", g.InC, g.OutC, s[2])
		for _, alg := range []*tiled{newTiled(g, 4, false), newTiled(g, 4, true), newTiled(g, 2, false), newTiled(g, 2, true)} {
			plan := &Plan{g: g, name: "winograd", alg: alg}
			a := Args{X: x, Y: y, Filter: plan.Pack(w), Act: gemm.Activation{Kind: gemm.Relu}, Threads: 1}
			b.Run(fmt.Sprintf("%s/%s%d", name, map[bool]string{false: "kept", true: "fresh"}[alg.fresh], alg.m), func(b *testing.B) {
				b.ReportMetric(flop/best(b, func() { plan.Run(&a) }), "GFLOP/s")
			})
		}
		b.Run(name+"/direct", func(b *testing.B) {
			k, n := 9*g.InC, g.OutSize()
			packed := gemm.Pack(k, g.OutC, randoms(rng, k*g.OutC), g.OutC, 1)
			a := gemm.Args{M: n, N: g.OutC, K: k, A: randoms(rng, n*k), ARS: k, ACS: 1, Packed: packed, C: y, LDC: g.OutC, Threads: 1}
			b.ReportMetric(flop/best(b, func() { gemm.Run(&a) }), "GFLOP/s")
		})
	}
}
