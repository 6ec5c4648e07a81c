package gemm

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestFarC compares a product whose result is larger than the second-level cache, and whose tiles go by other blocks of rows, with
// products of some of its rows, to the last bit.
func TestFarC(t *testing.T) {
	const n, k, part = 77, 19, 50
	m := secondLevel/(4*n) + 3
	for _, name := range Kernels() {
		t.Run(name, func(t *testing.T) {
			undo, _ := Use(name)
			defer undo()
			rng := rand.New(rand.NewPCG(1, 1))
			a := Args{M: m, N: n, K: k, A: random(rng, m*k), ARS: k, ACS: 1, C: make([]float32, m*n), LDC: n, Threads: 2}
			a.Packed = Pack(k, n, random(rng, k*n), n, 1)
			a.Epilogue = Epilogue{ColBias: random(rng, n), Residual: random(rng, m*n), LDR: n, Act: Activation{Kind: Relu}}
			Run(&a)
			b := a
			b.C = make([]float32, part*n)
			for i := 0; i+part <= m; i += part {
				b.M, b.A, b.Epilogue.Residual = part, a.A[i*k:], a.Epilogue.Residual[i*n:]
				Run(&b)
				for j, y := range b.C {
					if x := a.C[i*n+j]; math.Float32bits(x) != math.Float32bits(y) {
						t.Fatalf("row %d column %d: %v of the whole, %v of %d rows", i+j/n, j%n, x, y, part)
					}
				}
			}
		})
	}
}
