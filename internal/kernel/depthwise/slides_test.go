package depthwise

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestSlides compares every kernel of slides with plain loops: rows with padding on either side, in buffers that end where the last
// vector does.
func TestSlides(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 6))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for _, c := range [][2]int{{1, 3}, {1, 5}, {1, 7}, {3, 3}} {
			lines, taps := c[0], c[1]
			for _, stride := range []int{1, 2} {
				slide := k.Slide(lines, taps, stride)
				if slide == nil {
					continue
				}
				for range 60 {
					a := SlideArgs{Planes: 1 + r.IntN(3), Rows: 1 + r.IntN(3), Lo: r.IntN(taps - stride + 1), Inside: r.IntN(9), Edge: r.IntN(4)}
					if a.Edge > 0 {
						a.Rest = r.IntN(stride)
					}
					a.Inside += 1 - min(1, a.Edge)
					columns, outputs := taps-stride-a.Lo+a.Inside*stride+a.Rest, a.Inside+a.Edge
					if lines > 1 {
						a.Above, a.Below = r.IntN(2), r.IntN(2)
					}
					a.XCol, a.YCol = k.Lanes+r.IntN(3), k.Lanes+r.IntN(3)
					a.Line, a.YRow = columns*a.XCol+r.IntN(3), outputs*a.YCol+r.IntN(3)
					a.XRow = stride * a.Line
					a.XPlane, a.YPlane = a.Rows*a.XRow+r.IntN(3), a.Rows*a.YRow+r.IntN(3)
					a.At = -a.Above * a.Line
					a.X = random(r, (a.Planes-1)*a.XPlane+(a.Rows-1)*a.XRow+(lines-1-a.Above-a.Below)*a.Line+max(0, columns-1)*a.XCol+k.Lanes)
					a.Y = random(r, (a.Planes-1)*a.YPlane+(a.Rows-1)*a.YRow+(outputs-1)*a.YCol+k.Lanes)
					a.X[r.IntN(len(a.X))], a.Y[r.IntN(len(a.Y))] = float32(math.NaN()), float32(math.Inf(1))
					before := append(random(r, lines*taps*k.Lanes), guard)
					want, got := append([]float32(nil), before...), append([]float32(nil), before...)
					a.Sums = want
					slideLanes(&a, lines, taps, stride, k.Lanes)
					a.Sums = got
					slide(&a)
					name := fmt.Sprintf("%d lines of %d taps, stride %d, %d planes of %d rows, %d zeros, %d inside, %d behind", lines, taps, stride, a.Planes, a.Rows, a.Lo, a.Inside, a.Edge)
					for i, v := range want {
						if same := math.Abs(float64(got[i]-v)) <= 1e-4 || got[i] == v || got[i] != got[i] && v != v; !same {
							t.Fatalf("%s: sum %d is %v, want %v", name, i, got[i], v)
						}
					}
				}
			}
		}
	})
}
