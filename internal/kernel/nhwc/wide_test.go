package nhwc

import (
	"math"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
)

// amid puts pixels of so many channels from channel 1 on among pixels that have more, the rest of which are fill.
func amid(x []float32, channels, more int, fill float32) []float32 {
	row := channels + more
	y := slices.Repeat([]float32{fill}, len(x)/channels*row)
	for i := range len(x) / channels {
		copy(y[i*row+1:], x[i*channels:][:channels])
	}
	return y
}

// runWide runs the plan among pixels that have more channels, those of the residual as many as those of the output or others,
// and sees that nothing else is written to. What is not read is NaN.
func runWide(t *testing.T, p *Plan, w []float32, a Args, other int) []float32 {
	t.Helper()
	g, nan, kept := &p.g, float32(math.NaN()), float32(99)
	a.X, a.XStep = amid(a.X, g.InC, 6, nan)[1:], g.InC+6
	y := slices.Repeat([]float32{kept}, g.Batch*g.OutSize()*(g.OutC+4))
	a.Y, a.YStep = y[1:], g.OutC+4
	if a.Residual != nil {
		a.Residual, a.ResidualStep = amid(a.Residual, g.OutC, 4+other, nan)[1:], g.OutC+4+other
	}
	a.Filter, a.Threads = new(Filter), 2
	p.PackInto(a.Filter, w, make([]float32, p.FilterLen()), 1)
	a.Scratch = slices.Repeat([]float32{nan}, p.Scratch())
	p.Run(&a)
	got := make([]float32, 0, g.Batch*g.OutSize()*g.OutC)
	for len(y) > 0 {
		if y[0] != kept || slices.ContainsFunc(y[1+g.OutC:][:3], func(v float32) bool { return v != kept }) {
			t.Fatalf("%+v: wrote to other channels", *g)
		}
		got = append(got, y[1:][:g.OutC]...)
		y = y[g.OutC+4:]
	}
	return got
}

// wideAllocations counts the allocations of a run among wide pixels.
func wideAllocations(g conv.Geom, name string) float64 {
	p := newPlan(g, name)
	a := Args{X: make([]float32, g.Batch*g.InSize()*(g.InC+8)), XStep: g.InC + 8, Y: make([]float32, g.Batch*g.OutSize()*(g.OutC+8)), YStep: g.OutC + 8,
		Residual: make([]float32, g.Batch*g.OutSize()*g.OutC), Filter: new(Filter), Scratch: make([]float32, p.Scratch()), Threads: 1}
	p.PackInto(a.Filter, make([]float32, g.OutC*g.InC/g.Groups*g.Taps()), make([]float32, p.FilterLen()), 1)
	return allocations(20, func() { p.Run(&a) })
}

// allocations is testing.AllocsPerRun without collections of garbage, after each of which every pool takes memory for its list again.
func allocations(runs int, f func()) float64 {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	return testing.AllocsPerRun(runs, f)
}

func TestWideAllocatesNothing(t *testing.T) {
	for name, p := range map[string]problem{
		"winograd":  {1, 1, 64, 64, [][6]int{{16, 3, 1, 1, 1, 1}, {16, 3, 1, 1, 1, 1}}},
		"depthwise": {1, 32, 32, 32, [][6]int{{14, 3, 1, 1, 1, 1}, {15, 3, 1, 1, 1, 1}}},
		"pointwise": {1, 1, 16, 24, [][6]int{{7, 1, 1, 1, 0, 0}, {9, 1, 1, 1, 0, 0}}},
		"single":    {3, 1, 96, 24, [][6]int{{1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 0, 0}}},
		"direct":    {1, 1, 32, 33, [][6]int{{9, 3, 1, 1, 1, 1}, {11, 3, 1, 1, 1, 1}}},
		"tapwise":   {1, 1, 64, 64, [][6]int{{7, 3, 1, 1, 1, 1}, {7, 3, 1, 1, 1, 1}}},
		"dense":     {1, 1, 24, 40, [][6]int{{8, 2, 2, 1, 0, 0}, {9, 1, 2, 1, 0, 0}}},
	} {
		if n := wideAllocations(p.geom(), name); n > 0 {
			t.Errorf("%s: %v allocations per run, want 0", name, n)
		}
	}
}
