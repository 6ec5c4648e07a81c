package gemm

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Products whose B comes from far away are cut by columns if these are enough, others by rows, and threads get nearly the same.
func TestPlanForThreads(t *testing.T) {
	l2, rows := secondLevel, mcMax
	secondLevel, mcMax = 1<<20, 170
	defer func() { secondLevel, mcMax = l2, rows }()
	for _, c := range []struct {
		m, n, k  int
		byColumn bool
	}{{128, 768, 768, true}, {128, 3072, 768, true}, {64, 768, 3072, true}, {128, 512, 128, false}, {128, 320, 1024, true}} {
		for _, name := range Kernels() {
			undo, _ := Use(name)
			p := NewPacked(1, c.k, c.n)
			x := &task{Args: Args{M: c.m, N: c.n, K: c.k, ARS: c.k, ACS: 1, LDC: c.n, Packed: p, Threads: 2}}
			x.plan()
			undo()
			if x.mBlocks*x.nBlocks < 2 {
				t.Errorf("%s: %dx%dx%d is not cut", name, c.m, c.n, c.k)
			}
			if got := x.mBlocks == 1; got != (c.byColumn && ceilDiv(c.n, x.width()) >= x.wantChunks()) {
				t.Errorf("%s: %dx%dx%d: %d blocks of rows and %d of columns", name, c.m, c.n, c.k, x.mBlocks, x.nBlocks)
			}
			columns := 0 // of the first thread
			for i := range x.chunks / 2 {
				n := i / x.mBlocks * x.nc
				columns += (min(n+x.nc, c.n) - n) * min(x.mc, c.m-i%x.mBlocks*x.mc)
			}
			if all := c.m * c.n; columns*10 < all*4 || columns*10 > all*6 {
				t.Errorf("%s: %dx%dx%d: the first thread computes %d of %d elements", name, c.m, c.n, c.k, columns, all)
			}
		}
	}
}

func TestEvenBlocks(t *testing.T) {
	for _, c := range []struct{ widths, blocks, mBlocks, threads, want int }{
		{12, 12, 1, 2, 12}, {5, 4, 1, 2, 2}, {5, 5, 2, 2, 5}, {3, 3, 1, 4, 3}, {1, 1, 8, 2, 1}, {36, 16, 1, 2, 16},
	} {
		if got := evenBlocks(c.widths, c.blocks, c.mBlocks, c.threads); got != c.want {
			t.Errorf("evenBlocks(%d, %d, %d, %d) = %d, want %d", c.widths, c.blocks, c.mBlocks, c.threads, got, c.want)
		}
	}
}

// TestPairsFromMemory: rows that fill one tile of a panel go through two panels at a time where B does not stay in the cache, with the
// same bits.
func TestPairsFromMemory(t *testing.T) {
	old := secondLevel
	defer func() { secondLevel = old }()
	for _, name := range Kernels() {
		t.Run(name, func(t *testing.T) {
			undo, _ := Use(name)
			defer undo()
			r := selected()
			if r.pair == nil {
				t.Skipf("%s: no kernels for pairs of panels", name)
			}
			rng := rand.New(rand.NewPCG(3, 5))
			const n, k = 333, 71
			a, p := random(rng, r.mr*k), Pack(k, n, random(rng, k*n), n, 1)
			for m := len(r.pair) + 1; m <= r.mr; m++ {
				var got [2][]float32
				for i, size := range []int{4 * k * n, 4*k*n/2 - 1} {
					secondLevel = size
					args := Args{M: m, N: n, K: k, A: a, ARS: k, ACS: 1, Packed: p, C: make([]float32, m*n), LDC: n}
					task := task{Args: args}
					if task.plan(); task.pairs != (i == 1) {
						t.Fatalf("%d rows with %d bytes of cache: pairs %v", m, size, task.pairs)
					}
					Run(&args)
					got[i] = args.C
				}
				if !slices.Equal(got[0], got[1]) {
					t.Errorf("%d rows: other results in pairs", m)
				}
			}
		})
	}
}
