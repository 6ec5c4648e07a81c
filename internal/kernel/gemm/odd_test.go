package gemm

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestHalfPanels multiplies with matrices of which half a panel follows one or two, with bias and residual.
func TestHalfPanels(t *testing.T) {
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(7, 6))
		g := newGuards(t)
		for _, n := range []int{r.nr + r.nr/4 + 1, r.nr + r.nr/2 - 1, r.nr + r.nr/2, 2*r.nr + r.nr/4 + 1, 2*r.nr + r.nr/2, 4*r.nr + r.nr/2 - 2} {
			for m := 1; m < 31; m++ {
				p := newProblem(rng, g, m, n, 1+rng.IntN(70), false, false)
				p.Epilogue.ColBias = g.copy(random(rng, n))
				p.Epilogue.LDR, p.Epilogue.Residual = n, g.copy(random(rng, m*n))
				p.Packed = Pack(p.K, n, p.B, p.BRS, p.BCS)
				p.expect()
				Run(&p.Args)
				p.compare(t, fmt.Sprintf("%dx%dx%d", m, n, p.K))
				g.check(t)
			}
		}
	})
}
