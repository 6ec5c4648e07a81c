package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Sums have the same bits whether many steps of K share a round, as they do where rows of A are contiguous, or few, where columns
// are.
func TestLongRounds(t *testing.T) {
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(7, 7))
		g := newGuards(t)
		for k := longFrom - 1; k < longFrom+19; k++ {
			for m := 4; m <= 2*r.mr+1; m++ {
				for _, n := range []int{r.nr/4 + 1, r.nr, 2*r.nr + 3} {
					p := newProblem(rng, g, m, n, k, false, false)
					p.Packed = Pack(k, n, p.B, n, 1)
					Run(&p.Args)
					p.expect()
					what := fmt.Sprintf("%dx%dx%d", m, n, k)
					p.compare(t, what)
					q := *p
					q.A, q.ARS, q.ACS = make([]float32, m*k), 1, m
					for i := range m * k {
						q.A[i%k*m+i/k] = p.A[i]
					}
					q.C = make([]float32, len(p.C))
					Run(&q.Args)
					for i := range m * n {
						at := i/n*p.LDC + i%n
						if math.Float32bits(p.C[at]) != math.Float32bits(q.C[at]) {
							t.Fatalf("%s: C(%d, %d) is %v with contiguous rows, %v with columns", what, i/n, i%n, p.C[at], q.C[at])
						}
					}
				}
			}
		}
	})
}
