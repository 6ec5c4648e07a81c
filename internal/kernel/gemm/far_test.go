package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestFarC compares products whose results are larger than the second-level cache, and whose tiles go by other blocks of rows, with
// products of some of their rows, to the last bit.
func TestFarC(t *testing.T) {
	for _, name := range Kernels() {
		for _, n := range []int{20, 46, 77, 112, 130, 144} {
			for _, residual := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d/residual=%v", name, n, residual), func(t *testing.T) { testFarC(t, name, n, residual) })
			}
		}
	}
}

func testFarC(t *testing.T, name string, n int, residual bool) {
	const k, part = 19, 50
	m := secondLevel/(4*n) + 3
	undo, _ := Use(name)
	defer undo()
	rng := rand.New(rand.NewPCG(1, 1))
	a := Args{M: m, N: n, K: k, A: random(rng, m*k), ARS: k, ACS: 1, C: make([]float32, m*n), LDC: n, Threads: 2}
	a.Packed = Pack(k, n, random(rng, k*n), n, 1)
	a.Epilogue = Epilogue{ColBias: random(rng, n), Act: Activation{Kind: Relu}}
	if residual {
		a.Epilogue.Residual, a.Epilogue.LDR = random(rng, m*n), n
	}
	Run(&a)
	b := a
	b.C = make([]float32, part*n)
	for i := 0; i+part <= m; i += part {
		b.M, b.A = part, a.A[i*k:]
		if residual {
			b.Epilogue.Residual = a.Epilogue.Residual[i*n:]
		}
		Run(&b)
		for j, y := range b.C {
			if x := a.C[i*n+j]; math.Float32bits(x) != math.Float32bits(y) {
				t.Fatalf("row %d column %d: %v of the whole, %v of %d rows", i+j/n, j%n, x, y, part)
			}
		}
	}
}
