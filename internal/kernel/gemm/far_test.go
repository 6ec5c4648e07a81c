package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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
	if residual {
		sameOver(t, &a)
	}
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

// sameOver computes the product of a once more over its residual, and compares the bits with C.
func sameOver(t *testing.T, a *Args) {
	t.Helper()
	over := *a
	over.C = slices.Clone(a.Epilogue.Residual)
	over.Epilogue.Residual = over.C
	Run(&over)
	for i, y := range over.C {
		if math.Float32bits(y) != math.Float32bits(a.C[i]) {
			t.Fatalf("%dx%dx%d: element %d is %v over the residual, %v beside it", a.M, a.N, a.K, i, y, a.C[i])
		}
	}
}

// TestOverResidual writes products over their residual, which gives the bits of other storage as long as K is added up at once.
func TestOverResidual(t *testing.T) {
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(2, 3))
		g := newGuards(t)
		for _, s := range [][3]int{{5, 16, 8}, {49, 50, kc}, {300, 33, 70}, {131, 257, 129}, {1, 96, 40}, {12, 2 * r.nr, 1}} {
			for _, act := range []ActKind{None, Clip, Silu} {
				m, n, k := s[0], s[1], s[2]
				a := Args{M: m, N: n, K: k, A: g.copy(random(rng, m*k)), ARS: k, ACS: 1, C: make([]float32, m*n), LDC: n, Threads: 2}
				a.Packed = Pack(k, n, random(rng, k*n), n, 1)
				a.Epilogue = Epilogue{ColBias: random(rng, n), Residual: random(rng, m*n), LDR: n, Act: Activation{Kind: act, Alpha: -1, Beta: 1}}
				Run(&a)
				sameOver(t, &a)
			}
		}
		g.check(t)
	})
}
