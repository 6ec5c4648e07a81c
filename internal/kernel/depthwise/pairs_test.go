package depthwise

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// lanesOf packs weights [9, channels] for vectors of some lanes.
func lanesOf(w []float32, channels, lanes int) (packed []float32, group int) {
	group = 9 * lanes
	packed = make([]float32, (channels+lanes-1)/lanes*group)
	for i, v := range w {
		c := i % channels
		packed[c/lanes*group+i/channels*lanes+c%lanes] = v
	}
	return packed, group
}

// compareGuarded compares what a kernel and the generic one write to n elements, all others of which stay as they are.
func compareGuarded(t *testing.T, name string, n int, got, want func(y []float32)) {
	t.Helper()
	a, b := slices.Repeat([]float32{guard}, n), slices.Repeat([]float32{guard}, n)
	got(a)
	want(b)
	for i, v := range b {
		if !(math.Abs(float64(a[i]-v)) <= 1e-5) && a[i] != v && (a[i] == a[i] || v == v) {
			t.Fatalf("%s: element %d is %v, want %v", name, i, a[i], v)
		}
	}
}

// TestPairs compares every kernel of pairs of rows with the generic one, with lines and columns missing on all sides, in buffers that end where
// the last element does.
func TestPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 4))
	eachRow(t, func(t *testing.T, k *Kernels) {
		if k.Pairs == nil {
			t.Skipf("%s has no kernel of pairs", k.Name)
		}
		for channels := 1; channels < 70; channels++ {
			for range 4 {
				a := PairArgs{Channels: channels, XPixel: channels + r.IntN(3), YPixel: channels + r.IntN(3), Outputs: 1 + r.IntN(18), Lo: -1, Hi: 1.5,
					Left: r.IntN(2), Right: r.IntN(2), Above: r.IntN(2), Below: r.IntN(2), Bias: random(r, channels)}
				columns := a.Outputs + a.Left + a.Right
				a.XRow, a.YRow = columns*a.XPixel+r.IntN(3), a.Outputs*a.YPixel+r.IntN(3)
				a.At = (a.Above-1)*a.XRow + (a.Left-1)*a.XPixel
				a.X = random(r, (1+a.Above+a.Below)*a.XRow+(columns-1)*a.XPixel+channels)
				a.X[r.IntN(len(a.X))], a.X[r.IntN(len(a.X))] = float32(math.NaN()), float32(math.Inf(1))
				w := random(r, 9*channels)
				if r.IntN(2) == 0 { // whole lines, for whole vectors around the caches
					a.Stream, a.YPixel, a.YRow = 1, 80, a.Outputs*80
				}
				compareGuarded(t, fmt.Sprintf("%+v", a), a.YRow+a.Outputs*a.YPixel+32, func(y []float32) {
					if a.Y = y; a.Stream > 0 {
						defer fromLine(&a.Y)()
					}
					a.W, a.Group = lanesOf(w, channels, k.Lanes)
					k.Pairs(&a)
				}, func(y []float32) {
					a.Y = y
					a.W, a.Group = lanesOf(w, channels, genericLanes)
					pairsGeneric(&a)
				})
			}
		}
	})
}

// fromLine lets y begin where a line of the caches does, and returns what moves the elements to the beginning of the memory.
func fromLine(y *[]float32) func() {
	all := *y
	skip := int(-uintptr(unsafe.Pointer(&all[0])) % 64 / 4)
	*y = all[skip:]
	return func() { copy(all, slices.Concat(all[skip:], all[:skip])) }
}

// TestSpread does so for the kernels of transposed windows.
func TestSpread(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	eachRow(t, func(t *testing.T, k *Kernels) {
		for channels := 1; channels < 70; channels++ {
			for range 4 {
				a := SpreadArgs{Channels: channels, Pixel: channels + r.IntN(3), Inputs: 1 + r.IntN(9), Half: r.IntN(2), Below: r.IntN(2), Rows: 1 + r.IntN(2), Bias: random(r, channels)}
				if a.Half == 0 {
					a.Right = r.IntN(2)
				}
				a.XRow, a.YRow = (a.Inputs+a.Right)*a.Pixel+r.IntN(3), (2*a.Inputs-a.Half)*a.Pixel+r.IntN(3)
				if r.IntN(2) == 0 { // whole lines, for whole vectors around the caches
					a.Stream, a.Pixel = 1, 80
					a.XRow, a.YRow = (a.Inputs+a.Right)*a.Pixel, (2*a.Inputs-a.Half)*a.Pixel
				}
				a.X = random(r, a.Below*a.XRow+(a.Inputs+a.Right-1)*a.Pixel+channels)
				a.X[r.IntN(len(a.X))], a.X[r.IntN(len(a.X))] = float32(math.NaN()), float32(math.Inf(1))
				w := random(r, 9*channels)
				compareGuarded(t, fmt.Sprintf("%+v", a), 2*a.YRow+32, func(y []float32) {
					if a.Y = y; a.Stream > 0 {
						defer fromLine(&a.Y)()
					}
					a.W, a.Group = lanesOf(w, channels, k.Lanes)
					k.Spread(&a)
				}, func(y []float32) {
					a.Y = y
					a.W, a.Group = lanesOf(w, channels, genericLanes)
					spreadGeneric(&a)
				})
			}
		}
	})
}
