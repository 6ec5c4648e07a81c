package window

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMaxTapsGrad wants the bits of the plain loops: with ties, NaN and infinities, windows that overlap, and nothing written
// between the columns and behind the last.
func TestMaxTapsGrad(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	special := []float32{float32(math.NaN()), float32(math.Inf(-1)), float32(math.Inf(1)), float32(math.Copysign(0, -1)), 0}
	eachRow(t, func(t *testing.T, k *Kernels) {
		for rows := range 5 {
			for cols := 1; cols < 150; cols += 1 + cols/20 {
				step := cols + 3
				a := MaxGradArgs{Rows: rows, Cols: cols, SrcStep: step, UpStep: cols + 2, Up: random(r, rows*(cols+2))}
				for i := range 1 + r.IntN(9) {
					a.Off = append(a.Off, i/3*6*step+i%3*step)
				}
				a.Src = make([]float32, 20*step)
				for i := range a.Src {
					if a.Src[i] = float32(r.IntN(5) - 2); r.IntN(3) == 0 {
						a.Src[i] = special[r.IntN(len(special))]
					}
				}
				b := a
				a.Dst, b.Dst = guarded(len(a.Src)), guarded(len(a.Src))
				k.MaxTapsGrad(&a)
				maxTapsGradGeneric(&b)
				if !slices.Equal(a.Dst, b.Dst) {
					t.Fatalf("%s, %dx%d, %d taps: the sums differ", k.Name, rows, cols, len(a.Off))
				}
			}
		}
	})
}
