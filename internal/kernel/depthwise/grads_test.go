package depthwise

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestGrads compares every kernel of both gradients with the generic one, with lines and columns missing on all sides, in buffers that end
// where the last element does.
func TestGrads(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 4))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for stride, run := range k.Grads {
			if run == nil {
				t.Skipf("%s has no kernel of both gradients", k.Name)
			}
			for range 500 {
				a, high := gradsProblem(r, k.Lanes, stride+1)
				size := (high-1)*a.XRow + (a.Count*(stride+1)-a.Half)*a.Pixel
				before := append(random(r, a.Channels*9), guard)
				sums := [2][]float32{append([]float32(nil), before...), append([]float32(nil), before...)}
				name := fmt.Sprintf("stride %d, %+v", stride+1, a)
				compareGuarded(t, name, size+32, func(y []float32) {
					a.Dx, a.Sums = y, sums[0]
					run(&a)
				}, func(y []float32) {
					a.Dx, a.Sums = y, sums[1]
					generic := []func(*GradsArgs, int){gradsGeneric, grads2Generic}
					generic[stride](&a, k.Lanes)
				})
				for i, v := range sums[1] {
					if got := sums[0][i]; !(math.Abs(float64(got-v)) <= 1e-4) && got != v && (got == got || v == v) {
						t.Fatalf("%s: sum %d is %v, want %v", name, i, got, v)
					}
				}
			}
		}
	})
}

// gradsProblem is a random row of inputs, or of squares of them, for vectors of some lanes, and the rows of inputs.
func gradsProblem(r *rand.Rand, lanes, stride int) (a GradsArgs, high int) {
	a = GradsArgs{Channels: lanes * (1 + r.IntN(6)), Count: 1 + r.IntN(9), Left: r.IntN(2), Right: r.IntN(2), Above: r.IntN(2), Below: r.IntN(2)}
	a.Pixel = a.Channels + r.IntN(3)
	a.W = random(r, 9*a.Channels)
	high = 1
	lines, columns := 1+a.Above+a.Below, a.Count+a.Left+a.Right
	if stride == 2 {
		a.Half, a.Left, a.Above, a.Rows = r.IntN(2), 0, 0, 1+r.IntN(2)
		if high = a.Rows; a.Half > 0 {
			a.Right = 0
		}
		if a.Rows == 1 {
			a.Below = 0
		}
		lines, columns = 1+a.Below, a.Count+a.Right
	} else if a.Count == 1 && a.Left+a.Right == 0 {
		a.Right, columns = 1, 2
	}
	a.XRow, a.YRow = stride*a.Count*a.Pixel+r.IntN(3), columns*a.Pixel+r.IntN(3)
	if stride == 1 {
		a.At = (a.Above-1)*a.YRow + (a.Left-1)*a.Pixel
	}
	a.X = random(r, (high-1)*a.XRow+(stride*a.Count-a.Half-1)*a.Pixel+a.Channels)
	a.Y = random(r, (lines-1)*a.YRow+(columns-1)*a.Pixel+a.Channels)
	a.X[r.IntN(len(a.X))], a.Y[r.IntN(len(a.Y))] = float32(math.NaN()), float32(math.Inf(1))
	return a, high
}
