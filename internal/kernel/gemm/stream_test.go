package gemm

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestStreams(t *testing.T) {
	shapes := []struct {
		m, n, k        int
		transA, transB bool
		form           form
	}{
		{1, 5003, 71, false, false, axpyRows},
		{1, 70, 9001, false, false, axpyRows},
		{1, 5003, 71, false, true, dotCols},
		{5, 301, 4099, false, true, dotCols},
		{6, 130, 33, true, true, dotCols},
		{2003, 1, 70, false, false, dotRows},
		{66, 3, 9001, false, false, dotRows},
		{1025, 131, 1, false, false, outerRows},
		{3, 70001, 1, true, false, outerRows},
	}
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(13, 14))
		g := newGuards(t)
		for _, s := range shapes {
			for _, accumulate := range []bool{false, true} {
				p := newProblem(rng, g, s.m, s.n, s.k, s.transA, s.transB)
				p.Alpha, p.Accumulate, p.Threads = 0.75, accumulate, 2
				p.Epilogue = Epilogue{RowBias: g.copy(random(rng, s.m)), ColBias: g.copy(random(rng, s.n)), Act: Activation{Kind: Clip, Alpha: -2, Beta: 2}}
				p.expect()
				if f := (&task{Args: p.Args, row: r}).streams(); f != s.form && (r.nr > 4*s.n || s.k == 1) {
					t.Errorf("%dx%dx%d takes form %d, want %d", s.m, s.n, s.k, f, s.form)
				}
				Run(&p.Args)
				p.compare(t, fmt.Sprintf("%dx%dx%d", s.m, s.n, s.k))
				g.check(t)
			}
		}
	})
}

// TestHeads computes the two products of attention on interleaved heads: columns of
// one matrix taken with the strides of another shape.
func TestHeads(t *testing.T) {
	const heads, seq, dim = 3, 37, 40
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(15, 16))
		q, kv := random(rng, seq*heads*dim), random(rng, seq*heads*dim)
		scores := make([]float32, heads*seq*seq)
		out := make([]float32, seq*heads*dim)
		var qk, pv []Item
		for h := range heads {
			qk = append(qk, Item{A: h * dim, B: h * dim, C: h * seq * seq})
			pv = append(pv, Item{A: h * seq * seq, B: h * dim, C: h * dim})
		}
		const row = heads * dim
		first := Args{M: seq, N: seq, K: dim, A: q, ARS: row, ACS: 1, B: kv, BRS: 1, BCS: row, C: scores, LDC: seq, Alpha: 0.125, Batch: qk, Threads: 2}
		second := Args{M: seq, N: dim, K: seq, A: scores, ARS: seq, ACS: 1, B: kv, BRS: row, BCS: 1, C: out, LDC: row, Batch: pv, Threads: 2}
		for _, args := range []*Args{&first, &second} {
			Run(args)
			for _, it := range args.Batch {
				p := problem{Args: *args}
				p.A, p.B, p.C = p.A[it.A:], p.B[it.B:], p.C[it.C:]
				p.expect()
				p.compare(t, "head")
			}
		}
	})
}
