package depthwise

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSums compares every kernel of sums with plain loops, in buffers that end where the last element does.
func TestSums(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for _, s := range k.sums {
			for range 30 {
				a := SumArgs{Rows: 1 + r.IntN(4), Cols: 1 + r.IntN(20), XCol: (1 + r.IntN(2)) * k.Lanes}
				a.Line = ((a.Cols-1)*a.XCol/k.Lanes + s.Taps + r.IntN(2)) * k.Lanes
				a.XRow = (1 + r.IntN(2)) * a.Line
				a.X = random(r, (a.Rows-1)*a.XRow+(s.Lines-1)*a.Line+(a.Cols-1)*a.XCol+s.Taps*k.Lanes)
				a.Y = random(r, a.Rows*a.Cols*k.Lanes)
				a.X[r.IntN(len(a.X))], a.Y[r.IntN(len(a.Y))] = float32(math.NaN()), float32(math.Inf(1))
				before := append(random(r, s.Lines*s.Taps*k.Lanes), guard)
				want, got := append([]float32(nil), before...), append([]float32(nil), before...)
				a.Sums = want
				sumsGeneric(&a, s.Lines, s.Taps, k.Lanes)
				a.Sums = got
				s.Run(&a)
				name := fmt.Sprintf("%dx%d, %d by %d", s.Lines, s.Taps, a.Rows, a.Cols)
				for i, v := range want {
					same := math.Abs(float64(got[i]-v)) <= 1e-4 || got[i] == v || got[i] != got[i] && v != v
					if !same {
						t.Fatalf("%s: sum %d is %v, want %v", name, i, got[i], v)
					}
				}
			}
		}
	})
}

// TestFrame compares every kernel of frames with the plain one, in buffers that end where the last element does.
func TestFrame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for range 100 {
			a := FrameArgs{Rows: 1 + r.IntN(4), Cols: r.IntN(12), Lo: r.IntN(3), Hi: r.IntN(3), Channels: 1 + r.IntN(k.Lanes)}
			a.Pixel = a.Channels + r.IntN(20)
			a.Row = a.Cols*a.Pixel + r.IntN(9)
			a.Src = random(r, (a.Rows-1)*a.Row+max(0, a.Cols-1)*a.Pixel+a.Channels)
			n := a.Rows * (a.Lo + a.Cols + a.Hi) * k.Lanes
			want, got := random(r, n+1), make([]float32, n+1)
			got[n] = want[n]
			a.Dst = want
			frameGeneric(&a, k.Lanes)
			a.Dst = got
			k.Frame(&a)
			if !slices.Equal(got, want) {
				t.Fatalf("%+v: other elements", a)
			}
		}
	})
}
