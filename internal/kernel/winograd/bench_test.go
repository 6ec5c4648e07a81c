package winograd

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// report reports the shortest time of f, in nanoseconds for each of n elements.
func report(b *testing.B, n int, f func()) {
	least := time.Hour
	for b.Loop() {
		t := time.Now()
		f()
		least = min(least, time.Since(t))
	}
	b.ReportMetric(float64(least)/float64(n), "ns/element")
}

// BenchmarkTransforms reports the time of a transform for one element of one channel, or of one window.
func BenchmarkTransforms(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, k := range All() {
		for _, s := range sizes {
			const c, tiles = 64, 14
			e, row, step := s.n*s.n, (s.n+tiles*s.m)*c, tiles*c+16
			name := fmt.Sprintf("float32/%s/%dx%d of %d", k.Name, s.m, s.m, s.Taps)
			in := InputArgs{X: random(r, row*s.n), ColStep: c, RowStep: row, Rows: 63, Cols: 63, TileStep: s.m * c, C: c, V: make([]float32, e*step), ElemStep: step, TileRoom: c, Tmp: aligned()}
			b.Run("input/"+name, func(b *testing.B) {
				report(b, e*c*tiles, func() { in.Tiles = tiles; k.Of(s.Size).Input(&in) })
			})
			out := OutputArgs{M: random(r, e*step), ElemStep: step, C: c, TileStep: s.m * c, Y: make([]float32, row*s.n), ColStep: c, RowStep: row, Rows: s.m, Cols: s.m, Bias: make([]float32, c), Clip: 1, Hi: 6, Tmp: in.Tmp}
			b.Run("output/"+name, func(b *testing.B) {
				report(b, e*c*tiles, func() { out.Tiles = tiles; k.Of(s.Size).Output(&out) })
			})
			for _, channels := range []int{16, 256} {
				groups := s.Groups()
				size := channels * 32
				f := FilterArgs{W: random(r, s.Taps*s.Taps*size), C: channels, Width: 32, U: make([]float32, groups[1]*(size+16)), Plane: size + 16}
				b.Run(fmt.Sprintf("filter/%s/%d", name, channels), func(b *testing.B) {
					report(b, e*size, func() {
						for f.Group = range len(groups) - 1 {
							k.Filter(s.Size, &f)
						}
					})
				})
			}
			if k.Of(s.Size).Window == nil {
				continue
			}
			dy := InputArgs{X: in.X, ColStep: c, RowStep: row, Rows: 15, Cols: 15, TileStep: s.m * c, C: c, V: in.V, ElemStep: step, TileRoom: c, Tmp: in.Tmp}
			b.Run("spread/"+name, func(b *testing.B) {
				report(b, e*c*tiles, func() { dy.Tiles = tiles; k.Of(s.Size).Spread(&dy) })
			})
			w := WindowArgs{U: in.V, Plane: step, Width: 32, W: make([]float32, 16*c*tiles), RowStep: 8 * 32, ColStep: 2 * 32, Step: 16 * 32, Rows: 2, Cols: 2}
			b.Run("window/"+name, func(b *testing.B) {
				report(b, e*c*tiles, func() { w.C = c * tiles / 32; k.Of(s.Size).Window(&w) })
			})
		}
	}
}
