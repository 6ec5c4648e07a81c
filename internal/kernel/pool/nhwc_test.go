package pool

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// channelsSecond turns x [planes, size, channels] into [planes, channels, size].
func channelsSecond(x []float32, planes, size, channels int) []float32 {
	y := make([]float32, len(x))
	for p := range planes {
		for i := range size {
			for c := range channels {
				y[(p*channels+c)*size+i] = x[(p*size+i)*channels+c]
			}
		}
	}
	return y
}

// TestChannelsLast compares with the plain loops over planes, at one and three threads.
func TestChannelsLast(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 7))
	for i := range 300 {
		g, channels := randomGeom(r, 1+i%4), 1+r.IntN(70)
		for g.Planes*g.InSize()*channels > 1e5 {
			g, channels = randomGeom(r, 1+i%4), 1+r.IntN(70)
		}
		x := make([]float32, g.Planes*g.InSize()*channels)
		for i := range x {
			if x[i] = r.Float32() - 0.5; r.IntN(20) == 0 {
				x[i] = float32(math.NaN())
			}
		}
		n := g.Planes * g.OutSize() * channels
		want := make([]float32, n)
		check := func(name string, plain func(g *Geom, x, y []float32), f func(threads int, p Pixels)) {
			planes := g
			planes.Planes *= channels
			plain(&planes, channelsSecond(x, g.Planes, g.InSize(), channels), want)
			levels(func(level string) {
				got, again := make([]float32, n+1), make([]float32, n+1)
				got[n], again[n] = 77, 77
				f(1, Pixels{X: x, Y: got, Channels: channels, XStep: channels, YStep: channels})
				f(3, Pixels{X: x, Y: again, Channels: channels, XStep: channels, YStep: channels})
				wide(t, level+" "+name, f, Pixels{X: x, Y: got[:n], Channels: channels})
				close(t, fmt.Sprintf("%s %s %d %+v", level, name, channels, g), channelsSecond(got[:n], g.Planes, g.OutSize(), channels), want)
				if !slices.Equal(got, again) || got[n] != 77 {
					t.Fatalf("%s %s: three threads give other bits, or wrote beyond the end", level, name)
				}
			})
		}
		check("max", func(g *Geom, x, y []float32) { Max(g, x, y, nil, false, float32(math.Inf(-1))) },
			func(threads int, p Pixels) { MaxLastF32(threads, &g, p) })
		for i, v := range x {
			if v != v {
				x[i] = 0
			}
		}
		for _, include := range []bool{false, true} {
			check("average", func(g *Geom, x, y []float32) { Average(g, x, y, include) },
				func(threads int, p Pixels) { AverageLastF32(threads, &g, p, include) })
		}
	}
}

// wide compares with the same pool among pixels that have more channels, of which the others stay as they are.
func wide(t *testing.T, name string, f func(threads int, p Pixels), want Pixels) {
	t.Helper()
	c := want.Channels
	p := Pixels{X: spread(want.X, c, c+5, 2), Y: spread(make([]float32, len(want.Y)), c, c+3, 1), Channels: c, XStep: c + 5, YStep: c + 3}
	p.X = p.X[2:]
	p.Y = p.Y[1:]
	f(2, p)
	for i, v := range spread(want.Y, c, c+3, 1)[1:] {
		if p.Y[i] != v {
			t.Fatalf("%s: element %d of wide pixels is %g, want %g", name, i, p.Y[i], v)
		}
	}
}

// spread puts pixels of c channels at channel from of pixels that have row, the rest of which are 99.
func spread(x []float32, c, row, from int) []float32 {
	y := slices.Repeat([]float32{99}, len(x)/c*row)
	for i := range len(x) / c {
		copy(y[i*row+from:], x[i*c:][:c])
	}
	return y
}

func TestChannelsLastAllocateNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 8))
	g := randomGeom(r, 2)
	x, y := make([]float32, g.Planes*g.InSize()*20), make([]float32, g.Planes*g.OutSize()*20)
	p := Pixels{X: x, Y: y, Channels: 20, XStep: 20, YStep: 20}
	if n := testing.AllocsPerRun(50, func() { MaxLastF32(1, &g, p); AverageLastF32(1, &g, p, true) }); n > 0 {
		t.Errorf("%v allocations per run, want 0", n)
	}
}

func BenchmarkMaxLastF32(b *testing.B) {
	for _, k := range []int{3, 5} {
		b.Run(fmt.Sprint(k), func(b *testing.B) {
			g := Geom{Planes: 1, Rank: 2}
			a := window.Attrs{Kernel: []int{k, k}, Strides: []int{5 - k + k/5, 5 - k + k/5}, Pads: []int{k / 2, k / 2, k / 2, k / 2}}
			for i := range 2 {
				g.Axes[i], _ = a.Axis(i, 112)
			}
			x, y := make([]float32, 64*g.InSize()), make([]float32, 64*g.OutSize())
			for b.Loop() {
				MaxLastF32(1, &g, Pixels{X: x, Y: y, Channels: 64, XStep: 64, YStep: 64})
			}
			b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
		})
	}
}
