package find

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// variants calls f for the generic kernels and every row of the table that this machine can run, and names the
// others.
func variants(t *testing.T, f func(t *testing.T, k *kernels)) {
	t.Run("generic", func(t *testing.T) { f(t, &generic) })
	for i := range assembly {
		k := &assembly[i]
		t.Run(k.name, func(t *testing.T) {
			if cpu.Detected()&k.needs != k.needs {
				t.Skipf("find/%s: needs %v", k.name, k.needs)
			}
			f(t, k)
		})
	}
}

var (
	inf, nan = float32(math.Inf(1)), float32(math.NaN())
	special  = []float32{0, float32(math.Copysign(0, -1)), inf, -inf, nan, 1, -1, math.MaxFloat32, math.SmallestNonzeroFloat32}
)

// numbers returns n numbers, some of them special, some equal.
func numbers(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		switch r.IntN(3) {
		case 0:
			x[i] = special[r.IntN(len(special))]
		case 1:
			x[i] = float32(r.IntN(9)) / 4
		default:
			x[i] = float32(r.NormFloat64())
		}
	}
	return x
}

func TestKernels(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	variants(t, func(t *testing.T, k *kernels) {
		for n := range 5 {
			x, b := numbers(r, 64*n), make([]uint8, 64*n)
			for i := range b {
				b[i] = uint8(max(0, r.IntN(400)-144))
			}
			check := func(name string, f, want func(words []uint64)) {
				all, ref := make([]uint64, n+2), make([]uint64, n)
				all[0], all[n+1] = 7, 7
				f(all[1 : n+1])
				want(ref)
				if !slices.Equal(all[1:n+1], ref) || all[0] != 7 || all[n+1] != 7 {
					t.Errorf("%s of %d words: got %x, want %x", name, n, all, ref)
				}
			}
			for _, bound := range append(special, 0.25) {
				check("above", func(w []uint64) { k.above(w, x, bound) }, func(w []uint64) { aboveGo(w, x, bound) })
				check("below", func(w []uint64) { k.below(w, x, bound) }, func(w []uint64) { belowGo(w, x, bound) })
			}
			check("filled", func(w []uint64) { k.filled(w, x) }, func(w []uint64) { notZeroGo(w, x) })
			check("marked", func(w []uint64) { k.marked(w, b) }, func(w []uint64) { notZeroGo(w, b) })
		}
	})
}

func TestNotZero(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for _, n := range []int{0, 1, 63, 64, 130, 1000} {
		for _, share := range []float32{0, 0.1, 1} {
			x, b, words := make([]float32, n), make([]uint8, n), make([]uint64, n/64)
			var want []int
			for i := range x {
				if x[i] = float32(math.Copysign(0, -1)); r.Float32() < share {
					x[i], b[i] = nan, 1
					want = append(want, i+5)
				}
			}
			if got := NotZero(nil, words, x, 5); !slices.Equal(got, want) {
				t.Errorf("%d floats: got %v, want %v", n, got, want)
			}
			if got := NotZero(nil, words, b, 5); !slices.Equal(got, want) {
				t.Errorf("%d bytes: got %v, want %v", n, got, want)
			}
		}
	}
}

func TestQueue(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for _, n := range []int{0, 1, 63, 64, 65, 500, 5000} {
		x := numbers(r, n)
		for _, threshold := range append(special, 0.5) {
			for _, cut := range []bool{false, true} {
				var q Queue
				q.Fill(x, cut, threshold)
				q.Start(n * r.IntN(2))
				var want, got []int
				for i, v := range x {
					if v == v && (!cut || v > threshold) {
						want = append(want, i)
					}
				}
				slices.SortStableFunc(want, func(i, j int) int { return cmp.Compare(x[j], x[i]) })
				for i, ok := q.Next(); ok; i, ok = q.Next() {
					got = append(got, i)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%d values above %v (%v): got %d in an order, want %d in another", n, threshold, cut, len(got), len(want))
				}
			}
		}
	}
}

// sorted returns the positions of the k foremost elements.
func sorted(x []float32, k int, lowest bool) []int {
	at := make([]int, len(x))
	for i := range at {
		at[i] = i
	}
	slices.SortStableFunc(at, func(i, j int) int {
		switch a, b := x[i], x[j]; {
		case a != a && b != b:
			return 0
		case (a != a) != lowest && a != a, (b != b) && lowest:
			return -1
		case a != a, b != b:
			return 1
		case lowest:
			return cmp.Compare(a, b)
		default:
			return cmp.Compare(b, a)
		}
	})
	return at[:k]
}

func TestSelect(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	old := active
	defer func() { active = old }()
	variants(t, func(t *testing.T, k *kernels) {
		active = k
		var s Selector
		for _, n := range []int{1, 2, 64, 65, 130, 700, 3000, 20000} {
			x := numbers(r, n)
			rising, falling, same := make([]float32, n), make([]float32, n), make([]float32, n)
			for i := range n {
				rising[i], falling[i] = float32(i), float32(-i)
			}
			for name, x := range map[string][]float32{"random": x, "rising": rising, "falling": falling, "same": same} {
				for _, k := range []int{1, 2, 7, 63, 64, 65, 300, n / 2, n - 1, n} {
					if k < 1 || k > n {
						continue
					}
					for _, lowest := range []bool{false, true} {
						want := sorted(x, k, lowest)
						for i, key := range s.Select(x, k, lowest) {
							if Index(key) != want[i] {
								t.Fatalf("%s, %d of %d, lowest %v: place %d has %d, want %d", name, k, n, lowest, i, Index(key), want[i])
							}
						}
					}
				}
			}
		}
	})
}

func TestSelectAllocatesNothing(t *testing.T) {
	x := numbers(rand.New(rand.NewPCG(8, 8)), 5000)
	var s Selector
	for _, k := range []int{1, 100, 4000} {
		s.Select(x, k, false)
		s.Select(x, k, false)
		if n := testing.AllocsPerRun(10, func() { s.Select(x, k, false) }); n > 0 {
			t.Errorf("%d of %d: %v allocations", k, len(x), n)
		}
	}
}

func BenchmarkSelect(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 9))
	x := make([]float32, 1<<14)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for _, c := range []struct{ n, k int }{{1000, 1}, {1000, 10}, {1000, 256}, {3234, 300}, {1 << 14, 100}} {
		b.Run(fmt.Sprintf("float32/%dof%d", c.k, c.n), func(b *testing.B) {
			var s Selector
			for b.Loop() {
				s.Select(x[:c.n], c.k, false)
			}
		})
	}
}
