package direct

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSlides compares every sliding kernel with the loops in Go, for groups of every width, and looks for reads and writes elsewhere.
func TestSlides(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	eachRow(t, func(t *testing.T, k *Kernels) {
		if k.Slides == nil {
			t.Skipf("kernel set %s has no sliding kernels", k.Name)
		}
		for s := range k.Slides {
			for i := range k.Slides[s] {
				for width := 1; width <= k.Lanes && k.Permutes != nil; width *= 2 {
					checkSlide(t, r, k.Lanes, width, i+1, s+1, k.Permutes[s][i])
				}
			}
			for i, f := range k.Slides[s] {
				for range 4 {
					checkSlide(t, r, k.Lanes, k.Lanes, i+1, s+1, f)
				}
			}
		}
	})
}

func checkSlide(t *testing.T, r *rand.Rand, lanes, width, cols, stride int, f func(*SlideArgs)) {
	t.Helper()
	a := SlideArgs{Channels: 1 + r.IntN(width), Rows: 1 + r.IntN(3), XRow: r.IntN(50), Lanes: 1 + r.IntN(lanes), Lo: -1, Hi: 1.5}
	for lane := range lanes {
		a.From[lane] = int32(lane / width * width)
	}
	a.Bias = random(r, a.Lanes)
	a.YCol = a.Lanes + r.IntN(3)
	a.YRow = cols*a.YCol + r.IntN(5)
	last := 0
	for range 1 + r.IntN(4) {
		a.Off = append(a.Off, r.IntN(100))
		last = max(last, a.Off[len(a.Off)-1])
	}
	a.W = random(r, len(a.Off)*a.Channels*SlideTaps*lanes)
	a.X = random(r, (a.Rows-1)*a.XRow+last+((cols-1)*stride+SlideTaps)*lanes)
	if r.IntN(3) == 0 {
		a.X[r.IntN(len(a.X))] = float32(math.NaN())
	}
	n := (a.Rows-1)*a.YRow + (cols-1)*a.YCol + a.Lanes + 16
	got, want := make([]float32, n), make([]float32, n)
	for i := range got {
		got[i], want[i] = guard, guard
	}
	a.Y = want
	slideGeneric(&a, cols, stride, lanes)
	a.Y = got
	f(&a)
	for i := range want {
		d := math.Abs(float64(got[i] - want[i]))
		if !(d <= 1e-5) && !(got[i] != got[i] && want[i] != want[i]) {
			t.Fatalf("groups of %d, %d channels, %d outputs at stride %d: element %d is %v, want %v", width, a.Channels, cols, stride, i, got[i], want[i])
		}
	}
}

// TestDeal compares the kernels that deal channels out with plain loops.
func TestDeal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	eachRow(t, func(t *testing.T, k *Kernels) {
		if k.Deal == nil {
			t.Skipf("kernel set %s has no sliding kernels", k.Name)
		}
		for range 200 {
			a := DealArgs{Pixels: 1 + r.IntN(20), Units: r.IntN(5), Rest: r.IntN(k.Lanes)}
			channels := a.Units*k.Lanes + a.Rest
			a.SrcStep, a.DstStep = channels+r.IntN(3), a.Pixels*k.Lanes+r.IntN(3)
			a.Src = random(r, (a.Pixels-1)*a.SrcStep+channels)
			want := make([]float32, 6*a.DstStep)
			for i := range want {
				want[i] = guard
			}
			a.Dst = append([]float32(nil), want...)
			for p := range a.Pixels {
				for c := range (channels + k.Lanes - 1) / k.Lanes * k.Lanes {
					v := float32(0)
					if c < channels {
						v = a.Src[p*a.SrcStep+c]
					}
					want[c/k.Lanes*a.DstStep+p*k.Lanes+c%k.Lanes] = v
				}
			}
			k.Deal(&a)
			if !slices.Equal(a.Dst, want) {
				t.Fatalf("%d pixels of %d channels: %v, want %v", a.Pixels, channels, a.Dst, want)
			}
		}
	})
}
