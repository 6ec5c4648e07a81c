package pool

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPlacesLast compares pools that note places, and the gradients from these, with those that look for the largest elements once
// more, bit for bit: with ties, NaN, -Inf, and windows of all kinds.
func TestPlacesLast(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 7))
	for i := range 300 {
		g, channels := randomGeom(r, 1+i%3), 1+r.IntN(70)
		for taps := 1000; g.Planes*g.InSize()*channels > 1e5 || taps >= 255; {
			g, channels = randomGeom(r, 1+i%3), 1+r.IntN(70)
			taps = 1
			for _, a := range g.Axes[:g.Rank] {
				taps *= a.Kernel
			}
		}
		x, dy := make([]float32, g.Planes*g.InSize()*channels), make([]float32, g.Planes*g.OutSize()*channels)
		for i := range x {
			switch x[i] = float32(r.IntN(5)); r.IntN(9) {
			case 0:
				x[i] = float32(math.NaN())
			case 1:
				x[i] = float32(math.Inf(-1))
			}
		}
		for i := range dy {
			dy[i] = float32(r.NormFloat64())
		}
		levels(func(level string) {
			wantY, wantX := make([]float32, len(dy)), make([]float32, len(x))
			MaxLastF32(1, &g, Pixels{X: x, Y: wantY, Channels: channels, XStep: channels, YStep: channels})
			MaxLastGrad(&g, channels, x, dy, wantX, 1)
			for _, threads := range []int{1, 3} {
				y, dx, places := slices.Repeat([]float32{77}, len(dy)), slices.Repeat([]float32{77}, len(x)), make([]uint8, len(dy))
				MaxPlacesLastF32(threads, &g, Pixels{X: x, Y: y, Channels: channels, XStep: channels, YStep: channels}, places)
				if !slices.Equal(y, wantY) {
					t.Fatalf("%s %d %+v: other results", level, channels, g)
				}
				MaxPlacesLastGrad(&g, channels, dy, places, dx, threads)
				if !slices.Equal(dx, wantX) {
					t.Fatalf("%s %d %+v: other gradients", level, channels, g)
				}
			}
		})
	}
}

func TestPlacesAllocateNothing(t *testing.T) {
	g := randomGeom(rand.New(rand.NewPCG(3, 8)), 2)
	x, y := make([]float32, g.Planes*g.InSize()*20), make([]float32, g.Planes*g.OutSize()*20)
	p, places := Pixels{X: x, Y: y, Channels: 20, XStep: 20, YStep: 20}, make([]uint8, len(y))
	n := testing.AllocsPerRun(50, func() {
		MaxPlacesLastF32(1, &g, p, places)
		MaxPlacesLastGrad(&g, 20, y, places, x, 1)
	})
	if n > 0 {
		t.Errorf("%v allocations per run, want 0", n)
	}
}
