package gemm

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRepeats compares products of one panel each in a batch with the same alone, bit by bit: with and without what kernels do to their
// tiles, with elements to ask for, and on two threads.
func TestRepeats(t *testing.T) {
	for _, name := range Kernels() {
		t.Run(name, func(t *testing.T) {
			undo, _ := Use(name)
			defer undo()
			rng := rand.New(rand.NewPCG(7, 9))
			nr := selected().nr
			for _, m := range []int{1, 2, 3, 5, 6, 7, 13, 16, 25, 49} {
				for _, k := range []int{1, 7, 48, 130, 256} {
					checkRepeats(t, rng, m, nr, k)
				}
			}
		})
	}
}

func checkRepeats(t *testing.T, rng *rand.Rand, m, n, k int) {
	t.Helper()
	const count = 5
	a := Args{M: m, N: n, K: k, ARS: k + rng.IntN(3), ACS: 1, BRS: n, BCS: 1, LDC: n + rng.IntN(3), Accumulate: rng.IntN(2) == 0}
	a.A, a.B = random(rng, count*m*a.ARS), random(rng, count*k*n)
	if rng.IntN(2) == 0 {
		a.Next = random(rng, 4*k*n)
	}
	if rng.IntN(2) == 0 {
		a.Epilogue = Epilogue{ColBias: random(rng, n), RowBias: random(rng, m), Residual: random(rng, m*n), LDR: n, Act: Activation{Kind: Relu}}
	}
	start := random(rng, count*m*a.LDC)
	for i := range count {
		a.Batch = append(a.Batch, Item{A: i * m * a.ARS, B: (count - 1 - i) * k * n, C: i * m * a.LDC})
	}
	all := a
	want := slices.Clone(start)
	for i := range count {
		alone := a
		alone.C, alone.Batch = want, a.Batch[i:i+1]
		Run(&alone)
	}
	for threads := 1; threads <= 2; threads++ {
		all.C, all.Threads = slices.Clone(start), threads
		Run(&all)
		if !slices.Equal(all.C, want) {
			t.Errorf("%s: %d products of %dx%dx%d on %d threads have other results than alone", selected().name, count, m, n, k, threads)
		}
	}
	plan := &task{Args: all}
	if plan.plan(); plan.form == tiled && m > 3 && m <= mcMax && !plan.repeated {
		t.Errorf("products of %dx%dx%d do not repeat", m, n, k)
	}
}
