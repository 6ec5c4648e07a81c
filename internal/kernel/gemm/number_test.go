package gemm

import (
	"math/rand/v2"
	"testing"
)

func TestRunOf(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testRunOf[float64](t) })
	t.Run("int32", func(t *testing.T) { testRunOf[int32](t) })
	t.Run("uint8", func(t *testing.T) { testRunOf[uint8](t) })
	t.Run("int64", func(t *testing.T) { testRunOf[int64](t) })
}

func testRunOf[T Number](t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 40 {
		m, n, k := 1+rng.IntN(150), 1+rng.IntN(150), rng.IntN(600)
		args := ArgsOf[T]{M: m, N: n, K: k, ARS: k, ACS: 1, BRS: 1, BCS: k, LDC: n, Threads: 2,
			A: make([]T, 2*m*k), B: make([]T, n*k), C: make([]T, 2*m*n), Batch: []Item{{}, {A: m * k, C: m * n}}}
		for i := range args.A {
			args.A[i] = T(rng.IntN(20))
		}
		for i := range args.B {
			args.B[i] = T(rng.IntN(20))
		}
		for i := range args.C {
			args.C[i] = 1
		}
		args.Accumulate = n%2 == 0
		RunOf(&args)
		for i := range 2 * m {
			for j := range n {
				var want T
				if args.Accumulate {
					want = 1
				}
				for p := range k {
					want += args.A[i*k+p] * args.B[j*k+p]
				}
				if got := args.C[i*n+j]; got != want {
					t.Fatalf("%dx%dx%d: C(%d, %d) is %v, want %v", m, n, k, i, j, got, want)
				}
			}
		}
	}
}

func TestRunOfDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("allocation count: the race detector makes pools forget")
	}
	x := make([]float64, 100*100)
	a := &ArgsOf[float64]{M: 100, N: 100, K: 100, A: x, ARS: 100, ACS: 1, B: x, BRS: 100, BCS: 1, C: make([]float64, 100*100), LDC: 100, Threads: 2}
	if n := testing.AllocsPerRun(50, func() { RunOf(a) }); n > 0 {
		t.Errorf("RunOf allocates %v times", n)
	}
}
