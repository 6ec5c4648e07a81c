package nhwc

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/measure"
)

// square is a convolution of a batch of square pictures.
func square(batch, groups, inC, outC, in, kernel, stride, pad int) problem {
	axis := [6]int{in, kernel, stride, 1, pad, pad}
	return problem{batch, groups, inC, outC, [][6]int{axis, axis}}
}

// gradBenchmarks are layers of networks in training.
var gradBenchmarks = []struct {
	name string
	p    problem
}{
	{"resnet18/first", square(8, 1, 3, 64, 224, 7, 2, 3)},
	{"resnet18/64@56", square(8, 1, 64, 64, 56, 3, 1, 1)},
	{"resnet18/64-128@56s2", square(8, 1, 64, 128, 56, 3, 2, 1)},
	{"resnet18/64-128@56p", square(8, 1, 64, 128, 56, 1, 2, 0)},
	{"resnet18/128@28", square(8, 1, 128, 128, 28, 3, 1, 1)},
	{"resnet18/128-256@28s2", square(8, 1, 128, 256, 28, 3, 2, 1)},
	{"resnet18/256@14", square(8, 1, 256, 256, 14, 3, 1, 1)},
	{"resnet18/256-512@14s2", square(8, 1, 256, 512, 14, 3, 2, 1)},
	{"resnet18/512@7", square(8, 1, 512, 512, 7, 3, 1, 1)},
	{"mobilenet/first", square(8, 1, 3, 32, 224, 3, 2, 1)},
	{"mobilenet/32-16@112", square(8, 1, 32, 16, 112, 1, 1, 0)},
	{"mobilenet/16-96@112", square(8, 1, 16, 96, 112, 1, 1, 0)},
	{"mobilenet/24-144@56", square(8, 1, 24, 144, 56, 1, 1, 0)},
	{"mobilenet/144-24@56", square(8, 1, 144, 24, 56, 1, 1, 0)},
	{"mobilenet/64-384@14", square(8, 1, 64, 384, 14, 1, 1, 0)},
	{"mobilenet/384-64@14", square(8, 1, 384, 64, 14, 1, 1, 0)},
	{"mobilenet/160-960@7", square(8, 1, 160, 960, 7, 1, 1, 0)},
	{"mobilenet/320-1280@7", square(8, 1, 320, 1280, 7, 1, 1, 0)},
	{"depthwise/32@112", square(8, 32, 32, 32, 112, 3, 1, 1)},
	{"depthwise/96@112s2", square(8, 96, 96, 96, 112, 3, 2, 1)},
	{"depthwise/96@56", square(8, 96, 96, 96, 56, 3, 1, 1)},
	{"depthwise/144@56s2", square(8, 144, 144, 144, 56, 3, 2, 1)},
	{"depthwise/144@56", square(8, 144, 144, 144, 56, 3, 1, 1)},
	{"depthwise/384@14", square(8, 384, 384, 384, 14, 3, 1, 1)},
	{"depthwise/576@14s2", square(8, 576, 576, 576, 14, 3, 2, 1)},
	{"depthwise/960@7", square(8, 960, 960, 960, 7, 3, 1, 1)},
	{"depthwise/5x5/240@14", square(8, 240, 240, 240, 14, 5, 1, 2)},
	{"dcgan/3-64@64", square(16, 1, 3, 64, 64, 4, 2, 1)},
	{"dcgan/64-128@32", square(16, 1, 64, 128, 32, 4, 2, 1)},
	{"dcgan/128-256@16", square(16, 1, 128, 256, 16, 4, 2, 1)},
	{"dcgan/256-512@8", square(16, 1, 256, 512, 8, 4, 2, 1)},
	{"groups/32x4@28", square(8, 32, 128, 128, 28, 3, 1, 1)},
}

func gradFlops(g *conv.Geom) float64 {
	return 2 * float64(g.Batch*g.OutSize()*g.OutC) * float64(g.InC/g.Groups*g.Taps())
}

// BenchmarkGradW and BenchmarkGradX report GFLOP/s of one thread, counted as multiplications and additions of the
// definition, from the shortest run.
func BenchmarkGradW(b *testing.B) {
	for _, c := range gradBenchmarks {
		b.Run(c.name, func(b *testing.B) {
			g := c.p.geom()
			p := NewGradW(g)
			rng := rand.New(rand.NewPCG(1, 1))
			a := GradWArgs{X: randoms(rng, g.Batch*g.InC*g.InSize()), Dy: randoms(rng, g.Batch*g.OutC*g.OutSize()), Dw: make([]float32, g.OutC*g.InC/g.Groups*g.Taps()), Scratch: make([]float32, p.Scratch()), Threads: 1}
			reportRate(b, gradFlops(&g), func() { p.Run(&a) })
		})
	}
}

func BenchmarkGradX(b *testing.B) {
	for _, c := range gradBenchmarks {
		b.Run(c.name, func(b *testing.B) {
			g := c.p.geom()
			p := NewGradXPlan(g)
			rng := rand.New(rand.NewPCG(1, 1))
			w := randoms(rng, g.OutC*g.InC/g.Groups*g.Taps())
			a := Args{X: randoms(rng, g.Batch*g.OutC*g.OutSize()), Y: make([]float32, g.Batch*g.InC*g.InSize()), Scratch: make([]float32, p.Scratch()), Threads: 1}
			room := make([]float32, p.FilterLen())
			a.Filter = new(Filter)
			reportRate(b, gradFlops(&g), func() {
				p.PackInto(a.Filter, w, room, 1)
				p.Run(&a)
			})
		})
	}
}

// reportRate reports the shortest processor time of f in milliseconds, and as GFLOP/s.
func reportRate(b *testing.B, flop float64, f func()) {
	least := time.Hour
	b.ReportAllocs()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for b.Loop() {
		t := measure.ThreadTime()
		f()
		least = min(least, measure.ThreadTime()-t)
	}
	b.ReportMetric(flop/float64(least), "GFLOP/s")
	b.ReportMetric(least.Seconds()*1e3, "ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkGradBoth reports the shortest processor times of both gradients of depthwise convolutions, together and one after the
// other, which take turns.
func BenchmarkGradBoth(b *testing.B) {
	for _, c := range gradBenchmarks {
		g := c.p.geom()
		both := NewGradBoth(g)
		if both == nil {
			continue
		}
		rng, n := rand.New(rand.NewPCG(1, 1)), g.OutC*g.Taps()
		a := GradBothArgs{X: randoms(rng, g.Batch*g.InC*g.InSize()), Dy: randoms(rng, g.Batch*g.OutC*g.OutSize()), W: randoms(rng, n), Dw: make([]float32, n), Threads: 1}
		a.Dx, a.Scratch = make([]float32, len(a.X)), make([]float32, both.Scratch())
		x, w := NewGradXPlan(g), NewGradW(g)
		wa := GradWArgs{X: a.X, Dy: a.Dy, Dw: a.Dw, Scratch: make([]float32, w.Scratch()), Threads: 1}
		xa := Args{X: a.Dy, Y: a.Dx, Scratch: make([]float32, x.Scratch()), Threads: 1, Filter: new(Filter)}
		room := make([]float32, x.FilterLen())
		b.Run(c.name, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			together, apart := time.Hour, time.Hour
			for b.Loop() {
				start := measure.ThreadTime()
				both.Run(&a)
				middle := measure.ThreadTime()
				x.PackInto(xa.Filter, a.W, room, 1)
				x.Run(&xa)
				w.Run(&wa)
				together, apart = min(together, middle-start), min(apart, measure.ThreadTime()-middle)
			}
			b.ReportMetric(together.Seconds()*1e3, "ms-together")
			b.ReportMetric(apart.Seconds()*1e3, "ms-apart")
			b.ReportMetric(0, "ns/op")
		})
	}
}
