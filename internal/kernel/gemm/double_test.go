package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// TestDoubles compares products of float64 at the edges of unmapped pages with sums in big steps.
func TestDoubles(t *testing.T) {
	eachRow(t, func(t *testing.T, r *row) {
		if r.double == nil {
			t.Skipf("kernel set %s has none for float64", r.name)
		}
		rng := rand.New(rand.NewPCG(5, 6))
		g := newGuards(t)
		step := 1
		if testing.Short() {
			step = 12 // on an emulated processor 1 and 13 rows
		}
		for m := 1; m <= 13; m += step {
			for _, n := range []int{1, 3, 7, 8, 9, 16, 21} {
				for _, k := range []int{1, 2, 3, 4, 5, 6, 7, 8, 41} {
					for form := range 8 {
						testDoubles(t, rng, g, [3]int{m, n, k}, form)
					}
				}
			}
		}
		for _, size := range [][3]int{{95, 65, 255}, {96, 64, 256}, {97, 63, 257}, {193, 130, 515}, {5, 3, 0}} {
			for form := range 8 {
				testDoubles(t, rng, g, size, form)
			}
		}
	})
}

// doublesOf returns random numbers in guarded memory.
func doublesOf(rng *rand.Rand, g *guards, n int) []float64 {
	x := g.copy(make([]float32, 2*n))
	if n == 0 {
		return nil
	}
	d := unsafe.Slice((*float64)(unsafe.Pointer(&x[0])), n)
	for i := range d {
		d[i] = rng.Float64()*2 - 1
	}
	return d
}

func testDoubles(t *testing.T, rng *rand.Rand, g *guards, size [3]int, form int) {
	t.Helper()
	m, n, k := size[0], size[1], size[2]
	a := ArgsOf[float64]{M: m, N: n, K: k, ARS: k, ACS: 1, BRS: n, BCS: 1, LDC: n + 2, Threads: 2}
	if form&1 != 0 {
		a.ARS, a.ACS = 1, m
	}
	if form&2 != 0 {
		a.BRS, a.BCS = 1, k
	}
	a.Accumulate = form&4 != 0
	a.A, a.B, a.C = doublesOf(rng, g, m*k), doublesOf(rng, g, k*n), doublesOf(rng, g, (m-1)*a.LDC+n)
	old := append([]float64(nil), a.C...)
	RunOf(&a)
	g.check(t)
	for i := range m {
		for j := range a.LDC {
			at := i*a.LDC + j
			if at >= len(a.C) {
				break
			}
			want := old[at]
			if j < n {
				if !a.Accumulate {
					want = 0
				}
				for p := range k {
					want += a.A[i*a.ARS+p*a.ACS] * a.B[p*a.BRS+j*a.BCS]
				}
			}
			if got := a.C[at]; !(math.Abs(got-want) <= 1e-15*float64(k+4)) {
				t.Fatalf("%s: C(%d, %d) is %v, want %v", fmt.Sprint(size, form), i, j, got, want)
			}
		}
	}
}

// Numbers that are none stay in their rows and columns.
func TestDoublesNaN(t *testing.T) {
	eachRow(t, func(t *testing.T, _ *row) {
		const m, n, k = 7, 11, 9
		a := ArgsOf[float64]{M: m, N: n, K: k, A: make([]float64, m*k), ARS: k, ACS: 1, B: make([]float64, k*n), BRS: n, BCS: 1, C: make([]float64, m*n), LDC: n}
		a.A[2*k+3], a.B[4*n+10] = math.Inf(1), math.NaN()
		RunOf(&a)
		for i, v := range a.C {
			if bad := i/n == 2 || i%n == 10; math.IsNaN(v) != bad {
				t.Errorf("C(%d, %d) is %v", i/n, i%n, v)
			}
		}
	})
}
