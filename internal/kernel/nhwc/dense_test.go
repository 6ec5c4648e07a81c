package nhwc

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
)

// TestEveryKernelSet compares the algorithms made of products on every kernel set that this machine has.
func TestEveryKernelSet(t *testing.T) {
	for _, kernels := range gemm.Kernels()[1:] {
		undo, _ := gemm.Use(kernels)
		for i, p := range problems() {
			for _, name := range []string{"pointwise", "dense"} {
				if plan := newPlan(p.geom(), name); plan != nil {
					t.Run(fmt.Sprintf("%s/%s/%v", kernels, name, p), func(t *testing.T) { compare(t, plan, p, i) })
				}
			}
		}
		undo()
	}
}

// benchmarks are geometries of common networks.
var benchmarks = []struct {
	name string
	p    problem
}{
	{"1x1/256@28", problem{1, 1, 256, 256, [][6]int{{28, 1, 1, 1, 0, 0}, {28, 1, 1, 1, 0, 0}}}},
	{"1x1/1024-256@14", problem{1, 1, 1024, 256, [][6]int{{14, 1, 1, 1, 0, 0}, {14, 1, 1, 1, 0, 0}}}},
	{"1x1s2/256-512@56", problem{1, 1, 256, 512, [][6]int{{56, 1, 2, 1, 0, 0}, {56, 1, 2, 1, 0, 0}}}},
	{"3x3/64@56", problem{1, 1, 64, 64, [][6]int{{56, 3, 1, 1, 1, 1}, {56, 3, 1, 1, 1, 1}}}},
	{"3x3/128@28", problem{1, 1, 128, 128, [][6]int{{28, 3, 1, 1, 1, 1}, {28, 3, 1, 1, 1, 1}}}},
	{"3x3/256@14", problem{1, 1, 256, 256, [][6]int{{14, 3, 1, 1, 1, 1}, {14, 3, 1, 1, 1, 1}}}},
	{"3x3/512@7", problem{1, 1, 512, 512, [][6]int{{7, 3, 1, 1, 1, 1}, {7, 3, 1, 1, 1, 1}}}},
	{"3x3s2/128@56", problem{1, 1, 128, 128, [][6]int{{56, 3, 2, 1, 1, 1}, {56, 3, 2, 1, 1, 1}}}},
	{"3x3/32@80", problem{1, 1, 32, 32, [][6]int{{80, 3, 1, 1, 1, 1}, {80, 3, 1, 1, 1, 1}}}},
	{"3x3/16-32@112", problem{1, 1, 16, 32, [][6]int{{112, 3, 2, 1, 1, 1}, {112, 3, 2, 1, 1, 1}}}},
	{"5x5/64@28", problem{1, 1, 64, 64, [][6]int{{28, 5, 1, 1, 2, 2}, {28, 5, 1, 1, 2, 2}}}},
	{"first/3x3s2-32@224", problem{1, 1, 3, 32, [][6]int{{224, 3, 2, 1, 1, 1}, {224, 3, 2, 1, 1, 1}}}},
	{"first/7x7s2-64@224", problem{1, 1, 3, 64, [][6]int{{224, 7, 2, 1, 3, 3}, {224, 7, 2, 1, 3, 3}}}},
	{"first/3x3s2-16@320", problem{1, 1, 3, 16, [][6]int{{320, 3, 2, 1, 1, 1}, {320, 3, 2, 1, 1, 1}}}},
	{"first/4x4s4-96@224", problem{1, 1, 3, 96, [][6]int{{224, 4, 4, 1, 0, 0}, {224, 4, 4, 1, 0, 0}}}},
	{"first/16x16s16-192@224", problem{1, 1, 3, 192, [][6]int{{224, 16, 16, 1, 0, 0}, {224, 16, 16, 1, 0, 0}}}},
	{"groups/32x8@28", problem{1, 32, 256, 256, [][6]int{{28, 3, 1, 1, 1, 1}, {28, 3, 1, 1, 1, 1}}}},
	{"groups/8x16@28", problem{1, 8, 128, 128, [][6]int{{28, 3, 1, 1, 1, 1}, {28, 3, 1, 1, 1, 1}}}},
	{"groups/4x32@28", problem{1, 4, 128, 128, [][6]int{{28, 3, 1, 1, 1, 1}, {28, 3, 1, 1, 1, 1}}}},
	{"groups/5x24@14", problem{1, 5, 120, 120, [][6]int{{14, 3, 1, 1, 1, 1}, {14, 3, 1, 1, 1, 1}}}},
	{"groups/6x8s2@112", problem{1, 6, 48, 48, [][6]int{{112, 3, 2, 1, 1, 1}, {112, 3, 2, 1, 1, 1}}}},
	{"groups/55x8@7", problem{1, 55, 440, 440, [][6]int{{7, 3, 1, 1, 1, 1}, {7, 3, 1, 1, 1, 1}}}},
	{"groups/32x4@56", problem{1, 32, 128, 128, [][6]int{{56, 3, 1, 1, 1, 1}, {56, 3, 1, 1, 1, 1}}}},
	{"groups/4x64@14", problem{1, 4, 256, 256, [][6]int{{14, 3, 1, 1, 1, 1}, {14, 3, 1, 1, 1, 1}}}},
	{"1d/k5-256@512", problem{1, 1, 256, 256, [][6]int{{512, 5, 1, 1, 2, 2}}}},
	{"1d/k2d16-64@2048", problem{1, 1, 64, 64, [][6]int{{2048, 2, 1, 16, 16, 0}}}},
	{"3d/32@16", problem{1, 1, 32, 32, [][6]int{{16, 3, 1, 1, 1, 1}, {16, 3, 1, 1, 1, 1}, {16, 3, 1, 1, 1, 1}}}},
}

// BenchmarkConv reports GFLOP/s of one thread, counted as multiplications and additions of the definition.
func BenchmarkConv(b *testing.B) {
	for _, c := range benchmarks {
		for _, a := range choices {
			g := c.p.geom()
			plan := newPlan(g, a.name)
			if plan == nil || a.name == "reference" {
				continue
			}
			b.Run(c.name+"/"+a.name, func(b *testing.B) {
				benchConv(b, plan, 2*float64(g.Batch*g.OutSize()*g.OutC)*float64(g.InC/g.Groups*g.Taps()))
			})
		}
	}
}

func benchConv(b *testing.B, p *Plan, flops float64) {
	g := p.Geom()
	rng := rand.New(rand.NewPCG(1, 1))
	x, w := randoms(rng, g.Batch*g.InC*g.InSize()), randoms(rng, g.OutC*g.InC/g.Groups*g.Taps())
	a := Args{X: x, Y: make([]float32, g.Batch*g.OutC*g.OutSize()), Bias: randoms(rng, g.OutC), Filter: p.Pack(w), Scratch: make([]float32, p.Scratch()), Act: gemm.Activation{Kind: gemm.Relu}, Threads: 1}
	b.ReportAllocs()
	for b.Loop() {
		p.Run(&a)
	}
	b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// TestSingleElements holds the choice to what was measured: strided windows of one element are products of copied pixels.
func TestSingleElements(t *testing.T) {
	for stride, want := range map[int]string{1: "pointwise", 2: "dense"} {
		axis := [6]int{56, 1, stride, 1, 0, 0}
		if got := NewPlan(problem{1, 1, 48, 104, [][6]int{axis, axis}}.geom()).Algorithm(); got != want {
			t.Errorf("stride %d: %q, want %q", stride, got, want)
		}
	}
}
