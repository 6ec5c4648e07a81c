package nhwc

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
)

// reportShortest reports the shortest time of f in GFLOP/s, and as a multiple of the expected time in nanoseconds.
func reportShortest(b *testing.B, flop, expected float64, f func()) {
	least := time.Hour
	for b.Loop() {
		t := time.Now()
		f()
		least = min(least, time.Since(t))
	}
	b.ReportMetric(flop/float64(least), "GFLOP/s")
	b.ReportMetric(float64(least)/expected, "of-model")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkWinograd reports the shortest time of 3×3 convolutions in effective GFLOP/s: multiplications and additions that
// the definition takes; and how it compares with the cost model.
func BenchmarkWinograd(b *testing.B) {
	for _, s := range []struct{ inC, outC, in, dilation, groups, stride int }{
		{64, 64, 56, 1, 1, 1}, {128, 128, 28, 1, 1, 1}, {256, 256, 14, 1, 1, 1}, {512, 512, 7, 1, 1, 1}, {256, 256, 28, 2, 1, 1}, {16, 64, 55, 1, 1, 1},
		{48, 192, 13, 1, 1, 1}, {16, 16, 128, 1, 1, 1}, {32, 32, 64, 1, 1, 1}, {32, 32, 80, 1, 1, 1}, {64, 64, 20, 1, 1, 1}, {80, 80, 40, 1, 1, 1},
		{64, 64, 56, 1, 4, 1}, {1024, 1024, 14, 1, 32, 1}, {1024, 1024, 7, 1, 32, 1}, {448, 448, 14, 1, 28, 1}, {240, 240, 28, 1, 10, 1}, {256, 384, 13, 1, 2, 1},
		{64, 64, 112, 1, 1, 2}, {128, 128, 56, 1, 1, 2}, {256, 256, 28, 1, 1, 2}, {512, 512, 14, 1, 1, 2}, {64, 128, 56, 1, 1, 2}, {16, 32, 160, 1, 1, 2},
		{32, 64, 80, 1, 1, 2}, {64, 64, 80, 1, 1, 2}, {32, 32, 112, 1, 1, 2}, {16, 32, 112, 1, 1, 2}, {128, 256, 28, 1, 1, 2},
	} {
		axis := [6]int{s.in, 3, s.stride, s.dilation, s.dilation, s.dilation}
		g := problem{1, s.groups, s.inC, s.outC, [][6]int{axis, axis}}.geom()
		rng := rand.New(rand.NewPCG(1, 1))
		a := Args{X: randoms(rng, g.InC*g.InSize()), Y: make([]float32, g.OutC*g.OutSize()), Threads: 1}
		w := randoms(rng, 9*g.InC/g.Groups*g.OutC)
		flop := float64(2*len(w)) * float64(g.OutSize())
		row := func(name string, p *Plan, expected float64) {
			b.Run(fmt.Sprintf("float32/%dx%d/%d stride %d/%d groups/%s", g.InC, g.OutC, s.in, s.stride, g.Groups, name), func(b *testing.B) {
				a.Filter, a.Scratch = p.Pack(w), make([]float32, p.Scratch())
				reportShortest(b, flop, expected, func() { p.Run(&a) })
			})
		}
		row("dense", newPlan(g, "dense"), directTime(&g))
		if p := newPlan(g, "direct"); p != nil {
			row("direct", p, directTime(&g))
		}
		if tileTaps(&g) == 0 {
			continue
		}
		for _, size := range []winograd.Size{winograd.Two, winograd.Four, winograd.Pair} {
			if tileTaps(&g) != size.Taps {
				continue
			}
			m, t := size.Pixels, tilesOf(&g, size.Pixels)
			row(fmt.Sprintf("kept%d", m), &Plan{g: g, name: "winograd", alg: newTiled(g, size, false)}, tiledTime(&g, size, t, true))
			if g.Groups > 1 {
				continue
			}
			row(fmt.Sprintf("fresh%d", m), &Plan{g: g, name: "winograd", alg: newTiled(g, size, true)}, tiledTime(&g, size, t, false))
		}
	}
}
