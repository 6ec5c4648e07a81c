package pool

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// TestIndexer compares with the loop that knows any rank, NaN, infinities and equal elements among the inputs.
func TestIndexer(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	var indexer Indexer[float32]
	inf := float32(math.Inf(1))
	special := []float32{float32(math.NaN()), inf, -inf, 0, 0, 1}
	for i := range 900 {
		g := randomGeom(r, 1+i%3)
		for j := range g.Rank {
			switch a := &g.Axes[j]; i % 7 {
			case 0: // windows of one element
				*a = window.Axis{In: a.In, Out: a.In, Kernel: 1, Stride: 1, Dilation: 1}
			case 1: // of two
				*a = window.Axis{In: a.In, Out: a.In/2 + 1, Kernel: 2, Stride: 2, Dilation: 1, Lo: 1, Hi: 1}
			}
		}
		x := make([]float32, g.Planes*g.InSize())
		for i := range x {
			if x[i] = r.Float32() - 0.5; r.IntN(3) == 0 {
				x[i] = special[r.IntN(len(special))]
			}
		}
		n := g.Planes * g.OutSize()
		want, got := make([]float32, n), make([]float32, n)
		wantAt, gotAt := make([]int64, n), make([]int64, n)
		columnMajor := i%2 == 1
		Max(&g, x, want, wantAt, columnMajor, -inf)
		indexer.Max(1+i%2, &g, x, got, gotAt, columnMajor, -inf)
		same := slices.EqualFunc(got, want, func(a, b float32) bool { return a == b || a != a && b != b })
		if !same || !slices.Equal(gotAt, wantAt) {
			t.Fatalf("%+v: %v at %v, want %v at %v", g, got, gotAt, want, wantAt)
		}
	}
}
