package pool

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// TestLastGrads compares with the gradients of the same planes with channels second.
func TestLastGrads(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, c := range []struct{ batch, channels, in, kernel, stride, pad int }{
		{1, 1, 5, 2, 2, 0}, {2, 3, 7, 3, 2, 1}, {1, 70, 6, 3, 1, 1}, {2, 129, 4, 2, 1, 0},
	} {
		axis := window.Axis{In: c.in, Kernel: c.kernel, Stride: c.stride, Dilation: 1, Lo: c.pad, Hi: c.pad}
		axis.Out = (c.in+2*c.pad-c.kernel)/c.stride + 1
		g := &Geom{Planes: c.batch, Rank: 2}
		g.Axes[0], g.Axes[1] = axis, axis
		planes := *g
		planes.Planes = c.batch * c.channels
		x := make([]float32, planes.Planes*g.InSize())
		dy := make([]float32, planes.Planes*g.OutSize())
		for i := range x {
			x[i] = float32(r.IntN(9)) // with ties
		}
		x[len(x)/2] = float32(math.NaN())
		for i := range dy {
			dy[i] = float32(r.NormFloat64())
		}
		last := func(x []float32, size int) []float32 { return swapped(x, c.batch, c.channels, size) }
		want, got := make([]float32, len(x)), make([]float32, len(x))
		for _, threads := range []int{1, 3} {
			MaxGrad(&planes, x, dy, want, 1)
			MaxLastGrad(g, c.channels, last(x, g.InSize()), last(dy, g.OutSize()), got, threads)
			if !slices.Equal(got, last(want, g.InSize())) {
				t.Errorf("%+v, %d threads: gradient of the largest is %v, want %v", c, threads, got, last(want, g.InSize()))
			}
			for _, all := range []bool{false, true} {
				AverageGrad(&planes, dy, want, all, 1)
				AverageLastGrad(g, c.channels, last(dy, g.OutSize()), got, all, threads)
				for i, v := range last(want, g.InSize()) {
					if d := math.Abs(float64(got[i] - v)); d > 1e-6*(1+math.Abs(float64(v))) {
						t.Fatalf("%+v, %d threads: element %d of the gradient of the mean is %v, want %v", c, threads, i, got[i], v)
					}
				}
			}
		}
	}
}

// swapped returns [batch, channels, size] as [batch, size, channels].
func swapped(x []float32, batch, channels, size int) []float32 {
	y := make([]float32, len(x))
	for b := range batch {
		for c := range channels {
			for i := range size {
				y[(b*size+i)*channels+c] = x[(b*channels+c)*size+i]
			}
		}
	}
	return y
}
