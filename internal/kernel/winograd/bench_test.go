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
			name := fmt.Sprintf("float32/%s/%dx%d", k.Name, s.m, s.m)
			in := InputArgs{X: random(r, row*s.n), ColStep: c, RowStep: row, Rows: 63, Cols: 63, TileStep: s.m * c, C: c, V: make([]float32, e*step), ElemStep: step, Tmp: aligned()}
			b.Run("input/"+name, func(b *testing.B) {
				report(b, e*c*tiles, func() { in.Tiles = tiles; k.Tile(s.m).Input(&in) })
			})
			out := OutputArgs{M: random(r, e*step), ElemStep: step, C: c, TileStep: s.m * c, Y: make([]float32, row*s.n), ColStep: c, RowStep: row, Rows: s.m, Cols: s.m, Bias: make([]float32, c), Clip: 1, Hi: 6, Tmp: in.Tmp}
			b.Run("output/"+name, func(b *testing.B) {
				report(b, e*c*tiles, func() { out.Tiles = tiles; k.Tile(s.m).Output(&out) })
			})
			for _, channels := range []int{16, 256} {
				groups, elements := Groups(s.m)
				size := channels * 32
				f := FilterArgs{W: random(r, 9*size), C: channels, Width: 32, U: make([]float32, elements*(size+16)), Plane: size + 16}
				b.Run(fmt.Sprintf("filter/%s/%d", name, channels), func(b *testing.B) {
					report(b, groups*elements*size, func() {
						for f.Group = range groups {
							k.Filter(s.m, &f)
						}
					})
				})
			}
		}
	}
}
