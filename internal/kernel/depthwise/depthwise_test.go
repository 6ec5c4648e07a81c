package depthwise

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

const guard = float32(-12345)

func random(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = r.Float32()*2 - 1
	}
	return x
}

// problem is a random row of outputs for kernels of some lanes; w holds the weights by tap and channel.
func problem(r *rand.Rand, lanes, spans, taps, stride, outputs, channels int) (a Args, w []float32) {
	groups := (channels + lanes - 1) / lanes
	a = Args{Channels: channels, Pixel: channels + r.IntN(3), Stride: stride, YStep: channels + r.IntN(99), Group: spans * taps * lanes, Lo: -1, Hi: 1.5, Bias: random(r, channels)}
	w = random(r, spans*taps*channels)
	a.W = make([]float32, groups*a.Group)
	for t := range spans * taps {
		for c := range channels {
			a.W[c/lanes*a.Group+t*lanes+c%lanes] = w[t*channels+c]
		}
	}
	columns := (outputs-1)*stride + taps
	for s := range spans {
		a.Spans = append(a.Spans, Span{s * columns * a.Pixel, s * taps * lanes})
	}
	a.X = random(r, spans*columns*a.Pixel)
	if len(a.X) > 0 {
		a.X[0] = float32(math.NaN())
	}
	return a, w
}

// check compares what f writes with rowsGeneric, and looks for writes elsewhere.
func check(t *testing.T, what string, a Args, w []float32, outputs, taps, stride int, f func(*Args)) {
	t.Helper()
	n := outputs*max(a.Pixel, a.YStep) + 16
	got, want := make([]float32, n), make([]float32, n)
	for i := range got {
		got[i], want[i] = guard, guard
	}
	b := a
	b.Y = want
	b.W, b.Group = make([]float32, (a.Channels+genericLanes-1)/genericLanes*len(a.Spans)*taps*genericLanes), len(a.Spans)*taps*genericLanes
	for i := range len(a.Spans) * taps {
		for c := range a.Channels {
			b.W[c/genericLanes*b.Group+i*genericLanes+c%genericLanes] = w[i*a.Channels+c]
		}
	}
	b.Spans = nil
	for i, s := range a.Spans {
		b.Spans = append(b.Spans, Span{s.X, i * taps * genericLanes})
	}
	if a.Blocks > 0 && taps == 1 {
		tapsGeneric(&b)
	} else {
		rowsGeneric(&b, taps, stride)
	}
	a.Y = got
	f(&a)
	for i := range want {
		d := math.Abs(float64(got[i] - want[i]))
		if !(d <= 1e-5) && !(got[i] != got[i] && want[i] != want[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// eachRow runs f once for every set of kernels in assembly, and names those that need what the machine lacks.
func eachRow(t *testing.T, f func(t *testing.T, k *Kernels)) {
	for i := range rows[1:] {
		k := &rows[i+1]
		t.Run(k.Name, func(t *testing.T) {
			if !cpu.Has(k.Needs) {
				t.Skipf("kernel set %s needs %v: this machine offers %v", k.Name, k.Needs, cpu.Features())
			}
			f(t, k)
		})
	}
}

func TestRows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for _, taps := range []int{3, 5, 7} {
			for _, stride := range []int{1, 2} {
				for channels := 1; channels < 70; channels += 1 + r.IntN(4) {
					spans, outputs := r.IntN(taps)+1, Block*(1+r.IntN(3))
					name := fmt.Sprint(k.Name, " ", taps, " taps, stride ", stride, ", channels ", channels)
					a, w := problem(r, k.Lanes, spans, taps, stride, outputs, channels)
					a.Blocks = outputs / Block
					check(t, name, a, w, outputs, taps, stride, k.Rows(taps, stride))
					outputs = 1 + r.IntN(Block)
					a, w = problem(r, k.Lanes, spans, taps, stride, outputs, channels)
					a.Edge, a.Columns = outputs, r.IntN(1<<((outputs-1)*stride+taps))
					check(t, name+" at the edge", a, w, outputs, taps, stride, k.Rows(taps, stride))
				}
			}
		}
	})
}

func TestTaps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for channels := 1; channels < 70; channels++ {
			spans, outputs, stride := r.IntN(9), 1+r.IntN(20), 1+r.IntN(4)
			a, w := problem(r, k.Lanes, spans, 1, stride, outputs, channels)
			a.Blocks = outputs
			check(t, fmt.Sprint(k.Name, " channels ", channels), a, w, outputs, 1, stride, k.Taps)
		}
	})
}
