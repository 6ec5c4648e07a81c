package gemm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTurned multiplies with contiguous columns of A, far apart, for blocks of K that are long or not, several rows of blocks and tails of
// all, and wants the bits that A has as rows, with any number of threads.
func TestTurned(t *testing.T) {
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(3, 1))
		g := newGuards(t)
		for _, c := range []struct{ m, n, k, apart, batch int }{
			{1024, 64, 33, 1024, 0}, {1027, 65, 40, 1030, 0}, {200, 131, 400, 200, 0}, {97, 300, 1000, 97, 0}, {301, 350, 801, 640, 0},
			{40, 128, 390, 40, 5}, {7, 129, 500, 2048, 3}, {13, 400, 1600, 13, 0},
		} {
			p := Args{M: c.m, N: c.n, K: c.k, ARS: 1, ACS: c.apart, BRS: c.n, BCS: 1, LDC: c.n + 3}
			count := max(1, c.batch)
			size := (c.k-1)*c.apart + c.m
			p.A, p.B = g.copy(random(rng, count*size)), g.copy(random(rng, c.k*c.n))
			first := random(rng, count*c.m*p.LDC)
			rows := make([]float32, count*c.m*c.k)
			for i := range count {
				for k := range c.k {
					for m := range c.m {
						rows[(i*c.m+m)*c.k+k] = p.A[i*size+k*c.apart+m]
					}
				}
			}
			for _, accumulate := range []bool{false, true} {
				p.Accumulate = accumulate
				p.Sparing = c.k%2 == 0
				want := p
				want.A, want.ARS, want.ACS, want.C = rows, c.k, 1, slices.Clone(first)
				p.Batch, want.Batch = nil, nil
				for i := range c.batch {
					p.Batch = append(p.Batch, Item{A: i * size, C: i * c.m * p.LDC})
					want.Batch = append(want.Batch, Item{A: i * c.m * c.k, C: i * c.m * p.LDC})
				}
				Run(&want)
				for threads := 1; threads <= 3; threads++ {
					p.C, p.Threads = g.copy(first), threads
					Run(&p)
					if !slices.Equal(p.C, want.C) {
						t.Fatalf("%+v, %d threads: other numbers than with rows", c, threads)
					}
				}
			}
		}
	})
}

// TestTurns wants columns of A turned where that pays, in few blocks that do so again.
func TestTurns(t *testing.T) {
	undo, ok := Use("avx2")
	if !ok {
		t.Skip("kernel set avx2 is not on this machine")
	}
	defer undo()
	for _, c := range []struct {
		m, n, k, threads int
		sparing, turned  bool
		nBlocks          int
	}{
		{384, 384, 1024, 1, false, true, 2}, {384, 384, 1024, 1, true, true, 3}, {1536, 384, 1024, 2, false, true, 2}, {1024, 64, 64, 1, false, true, 1},
		{300, 64, 64, 1, true, false, 1}, {300, 64, 768, 1, false, false, 1},
	} {
		x := &task{Args: Args{M: c.m, N: c.n, K: c.k, A: make([]float32, c.m*c.k), ARS: 1, ACS: c.m, B: make([]float32, c.k*c.n), BRS: c.n, BCS: 1,
			C: make([]float32, c.m*c.n), LDC: c.n, Threads: c.threads, Sparing: c.sparing}}
		x.plan()
		if got := fmt.Sprint(x.left == leftTurned, x.nBlocks); got != fmt.Sprint(c.turned, c.nBlocks) {
			t.Errorf("%+v: turned and blocks of columns are %s", c, got)
		}
	}
}
