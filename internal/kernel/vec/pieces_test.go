package vec

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPieceSum checks sums of pieces against plain loops: fewer and more elements than lanes, sources that end early or
// overlap, with room behind the last piece and without; nothing behind that is written.
func TestPieceSum(t *testing.T) {
	before := active
	defer func() { active = before }()
	rng := rand.New(rand.NewPCG(1, 2))
	for cols := 1; cols < 40; cols++ {
		for _, pieces := range []int{1, 2, 3, 9, pieceBlock + 2} {
			if pieces > 9 && cols%7 != 0 {
				continue
			}
			xld := cols + rng.IntN(9)
			x, bias := make([]float32, 64+pieces*xld), make([]float32, cols)
			for i := range x {
				x[i] = float32(rng.NormFloat64())
			}
			for i := range bias {
				bias[i] = float32(i)
			}
			sources := make([]Pieces, rng.IntN(maxSources+3))
			for i := range sources {
				sources[i] = Pieces{rng.IntN(24), 1 + rng.IntN(cols)}
			}
			want := make([]float32, pieces*cols+20)
			for i := range want {
				want[i] = -7
			}
			for i := range pieces {
				for j := range cols {
					v := bias[j]
					for _, s := range sources {
						if j < s.Cols {
							v += x[s.From+i*xld+j]
						}
					}
					want[i*cols+j] = v
				}
			}
			check := func(t *testing.T, k *kernels) {
				active = k
				for _, room := range []int{0, 3, 20} {
					n := pieces * cols
					got := slices.Repeat([]float32{-7}, len(want))
					sum := PieceSum{Sources: sources}
					sum.Run(got[:n+room], bias, x, pieces, xld)
					changed := min(room, pieceLanes-1)
					if !slices.Equal(got[:n], want[:n]) || !slices.Equal(got[n+changed:], want[n+changed:]) {
						t.Fatalf("%d pieces of %d, sources %v: wrong", pieces, cols, sources)
					}
				}
			}
			check(t, &generic)
			variants(t, check)
		}
	}
}
