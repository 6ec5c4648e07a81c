package direct

import (
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

// eachRow runs f once for every set of kernels, and names those that need what the machine lacks.
func eachRow(t *testing.T, f func(t *testing.T, k *Kernels)) {
	for i := range rows {
		k := &rows[i]
		t.Run(k.Name, func(t *testing.T) {
			if !cpu.Has(k.Needs) {
				t.Skipf("kernel set %s needs %v: this machine offers %v", k.Name, k.Needs, cpu.Features())
			}
			f(t, k)
		})
	}
}

// TestKernels compares every kernel with the loops in Go, and looks for writes elsewhere.
func TestKernels(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	eachRow(t, func(t *testing.T, k *Kernels) {
		type list struct {
			lanes, width int
			kernels      []func(*Args)
		}
		lists := []list{{k.Lanes, 2, k.Shuffle2}, {k.Lanes, 4, k.Shuffle4}}
		for i, kernels := range k.Broadcast {
			lists = append(lists, list{(i + 1) * k.Lanes, 0, kernels})
		}
		for _, l := range lists {
			for i, f := range l.kernels {
				for channels := 1; channels < 11; channels++ {
					check(t, r, l.lanes, l.width, channels, i+1, f)
				}
			}
		}
	})
}

func check(t *testing.T, r *rand.Rand, lanes, width, channels, cols int, f func(*Args)) {
	t.Helper()
	a := Args{Channels: channels, Rows: 1 + r.IntN(3), Lo: -1, Hi: 1.5, Bias: random(r, lanes)}
	reads := channels
	if width > 0 {
		a.Channels, channels, reads = 0, width, lanes
	}
	taps := 1 + r.IntN(5)
	a.XCol, a.YCol = r.IntN(20), lanes+r.IntN(3)
	a.XRow, a.YRow = r.IntN(50), cols*a.YCol+r.IntN(5)
	for range taps {
		a.Off = append(a.Off, r.IntN(100))
	}
	a.W, a.X = random(r, taps*channels*lanes), random(r, 100+a.Rows*a.XRow+cols*a.XCol+reads)
	if r.IntN(3) == 0 {
		a.X[r.IntN(len(a.X))] = float32(math.NaN())
	}
	got, want := make([]float32, a.Rows*a.YRow+16), make([]float32, a.Rows*a.YRow+16)
	for i := range got {
		got[i], want[i] = guard, guard
	}
	a.Y = want
	if width == 0 {
		broadcastGeneric(&a, cols, lanes)
	} else {
		shuffleGeneric(&a, cols, lanes, width)
	}
	a.Y = got
	f(&a)
	for i := range want {
		d := math.Abs(float64(got[i] - want[i]))
		if !(d <= 1e-5) && !(got[i] != got[i] && want[i] != want[i]) {
			t.Fatalf("%d lanes, width %d, %d channels, %d outputs: element %d is %v, want %v", lanes, width, channels, cols, i, got[i], want[i])
		}
	}
}
