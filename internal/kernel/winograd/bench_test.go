package winograd

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkTransforms reports the time of a transform for one element of one channel (or window).
func BenchmarkTransforms(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, k := range All() {
		for _, s := range sizes {
			e, c, tiles := s.n*s.n, 64, 14
			name := fmt.Sprintf("%s/%dx%d", k.Name, s.m, s.m)
			per := func(b *testing.B, n int) {
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/element")
			}
			v := random(r, e*(tiles*c+16))
			x := random(r, (s.n+tiles*s.m)*s.n*c)
			b.Run("input/"+name, func(b *testing.B) {
				a := InputArgs{X: x, ColStep: c, RowStep: (s.n + tiles*s.m) * c, Rows: 63, Cols: 63, TileStep: s.m * c, C: c, V: v, ElemStep: tiles*c + 16, Tmp: aligned()}
				for b.Loop() {
					a.Tiles = tiles
					k.Tile(s.m).Input(&a)
				}
				per(b, e*c*tiles)
			})
			b.Run("output/"+name, func(b *testing.B) {
				a := OutputArgs{M: v, ElemStep: tiles*c + 16, C: c, TileStep: s.m * c, Y: x, ColStep: c, RowStep: (s.n + tiles*s.m) * c, Rows: s.m, Cols: s.m, Bias: make([]float32, c), Clip: 1, Hi: 6, Tmp: aligned()}
				for b.Loop() {
					a.Tiles = tiles
					k.Tile(s.m).Output(&a)
				}
				per(b, e*c*tiles)
			})
			for _, n := range []int{1 << 9, 1 << 13} {
				w, u := random(r, 9*n), random(r, e*(n+16))
				b.Run(fmt.Sprintf("filter/%d/%s", n, name), func(b *testing.B) {
					for b.Loop() {
						groups, _ := Groups(s.m)
						for group := range groups {
							k.Filter(s.m, &FilterArgs{W: w, C: n / 32, Width: 32, U: u, Plane: n + 16, Group: group})
						}
					}
					per(b, e*n)
				})
			}
		}
	}
}
