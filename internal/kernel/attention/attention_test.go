package attention

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
)

// plain is the definition, in float64.
func plain(a *Args) {
	for i := range a.B * a.H * a.Queries {
		b, h, q := i/a.Queries/a.H, i/a.Queries%a.H, i%a.Queries
		kv := h / (a.H / a.KVHeads)
		s := make([]float64, a.Keys)
		top := math.Inf(-1)
		for k := range s {
			for d, v := range a.Q.at(b, h, q)[:a.Size] {
				s[k] += float64(v) * float64(a.K.at(b, kv, k)[d])
			}
			s[k] *= float64(a.Scale)
			for _, m := range a.Masks {
				at := b%max(1, m.Batches)*m.Batch + h*m.Head + q*m.Row + k*m.Col
				switch {
				case m.Add != nil:
					s[k] += float64(m.Add[at])
				case m.Keep != nil && !m.Keep[at]:
					s[k] = float64(m.Fill)
				}
			}
			if a.Causal && k > a.First+q {
				s[k] = math.Inf(-1)
			}
			top = max(top, s[k])
		}
		sum := 0.0
		for k := range s {
			s[k] = math.Exp(s[k] - top)
			sum += s[k]
		}
		zero := math.IsInf(top, -1) && (a.EmptyZero || a.NaNZero) || sum != sum && a.NaNZero
		for d := range a.Y.at(b, h, q)[:a.ValueSize] {
			y := 0.0
			for k := range s {
				y += s[k] / sum * float64(a.V.at(b, kv, k)[d])
			}
			if zero {
				y = 0
			} else if len(s) == 0 {
				y = math.NaN()
			}
			a.Y.at(b, h, q)[d] = float32(y)
		}
	}
}

// A layout makes heads of n vectors: [batch, heads, n, size] or [batch, n, heads, size], with a gap behind each vector.
func layout(rng *rand.Rand, b, h, n, size int, first bool) Heads {
	gap := rng.IntN(3)
	t := Heads{X: make([]float32, b*h*n*(size+gap)+1)}
	for i := range t.X {
		t.X[i] = rng.Float32()*2 - 1
	}
	if first {
		t.Step, t.Head, t.Batch = size+gap, n*(size+gap), h*n*(size+gap)
	} else {
		t.Head, t.Step, t.Batch = size+gap, h*(size+gap), h*n*(size+gap)
	}
	return t
}

// mask makes a mask that is repeated along the axes whose bits in repeat are set: batch, head, query, key.
func mask(rng *rand.Rand, a *Args, repeat int, keep bool, fill float32) Mask {
	m := Mask{Batches: a.B, Fill: fill}
	step := 1
	for i, d := range []struct {
		n      int
		stride *int
	}{{a.Keys, &m.Col}, {a.Queries, &m.Row}, {a.H, &m.Head}, {a.B, &m.Batch}} {
		if repeat>>(3-i)&1 == 0 {
			*d.stride = step
			step *= max(1, d.n)
		}
	}
	if keep {
		m.Keep = make([]bool, step)
	} else {
		m.Add = make([]float32, step)
	}
	for i := range step {
		switch {
		case keep:
			m.Keep[i] = rng.IntN(3) > 0
		case rng.IntN(4) == 0:
			m.Add[i] = fill
		default:
			m.Add[i] = rng.Float32()
		}
	}
	return m
}

func compare(t *testing.T, name string, a Args) {
	t.Helper()
	a.Scratch = make([]float32, a.Scratch32())
	for i := range a.Scratch {
		a.Scratch[i] = float32(math.NaN())
	}
	const guard = 12345
	fill := func() {
		for i := range a.Y.X {
			a.Y.X[i] = guard
		}
	}
	fill()
	plain(&a)
	want := slices.Clone(a.Y.X)
	var first []float32
	for _, threads := range []int{1, 2, 3} {
		fill()
		a.Threads = threads
		Run(&a)
		for i, v := range a.Y.X {
			if w := want[i]; !(math.Abs(float64(v-w)) <= 2e-5) && !(v != v && w != w) {
				t.Fatalf("%s: element %d is %v, want %v", name, i, v, w)
			}
		}
		if first == nil {
			first = slices.Clone(a.Y.X)
		}
		for i, v := range a.Y.X {
			if math.Float32bits(v) != math.Float32bits(first[i]) {
				t.Fatalf("%s: element %d is %v on %d threads, %v on one", name, i, v, threads, first[i])
			}
		}
	}
}

// use selects sets of kernels of a name, for products as well.
func use(t *testing.T, name string) (undo func()) {
	own, ok := Use(name)
	products, known := gemm.Use(name)
	if !ok || !known {
		t.Fatalf("no kernels %s", name)
	}
	return func() { own(); products() }
}

// TestAttention compares with the definition over tails of every size, layouts and masks.
func TestAttention(t *testing.T) {
	for _, name := range Kernels() {
		t.Run(name, func(t *testing.T) {
			defer use(t, name)()
			rng := rand.New(rand.NewPCG(1, 2))
			inf := float32(math.Inf(-1))
			for n := range cases(40) {
				a := Args{
					B: 1 + rng.IntN(3), KVHeads: 1 + rng.IntN(2), Queries: 1 + rng.IntN(180), Keys: 1 + rng.IntN(400),
					Size: 1 + rng.IntN(70), ValueSize: 1 + rng.IntN(70), Scale: rng.Float32(),
				}
				if n%3 == 0 {
					a.Queries = 1 + rng.IntN(fewQueries)
				}
				long := n%8 == 1 || n%4 == 2 // several steps
				if long {
					a.Keys += keyBlock
				}
				a.H = a.KVHeads * (1 + rng.IntN(3))
				a.Q = layout(rng, a.B, a.H, a.Queries, a.Size, rng.IntN(2) == 0)
				a.K = layout(rng, a.B, a.KVHeads, a.Keys, a.Size, rng.IntN(2) == 0)
				a.V = layout(rng, a.B, a.KVHeads, a.Keys, a.ValueSize, rng.IntN(2) == 0)
				a.Y = layout(rng, a.B, a.H, a.Queries, a.ValueSize, rng.IntN(2) == 0)
				a.EmptyZero, a.NaNZero = n%5 == 0, n%7 == 0
				for i := range a.Masks[:n%3] {
					keep := rng.IntN(2) == 0
					a.Masks[i] = mask(rng, &a, rng.IntN(16), keep, []float32{inf, -50, -math.MaxFloat32}[rng.IntN(3)])
				}
				if n%4 == 1 {
					a.Causal, a.First = true, rng.IntN(40)-10
					if long {
						a.First += keyBlock
					}
				}
				compare(t, fmt.Sprintf("%d: %dx%d/%d heads, %d queries, %d keys", n, a.B, a.H, a.KVHeads, a.Queries, a.Keys), a)
			}
		})
	}
}

// cases is the number of random problems of a test, less where time is short: on an emulated processor.
func cases(n int) int {
	if testing.Short() {
		return n / 5
	}
	return n
}

// TestHidden walks through queries that see nothing, in every step or in some, and NaN.
func TestHidden(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	inf := float32(math.Inf(-1))
	for _, queries := range []int{3, 40, 200} {
		for _, keys := range []int{0, 1, 5, 200, 1100} {
			for mode := range 4 {
				a := Args{B: 1, H: 2, KVHeads: 1, Queries: queries, Keys: keys, Size: 8, ValueSize: 9, Scale: 0.5}
				a.Q, a.K = layout(rng, 1, 2, queries, 8, true), layout(rng, 1, 1, keys, 8, true)
				a.V, a.Y = layout(rng, 1, 1, keys, 9, false), layout(rng, 1, 2, queries, 9, false)
				a.EmptyZero, a.NaNZero = mode&1 != 0, mode&2 != 0
				m := Mask{Add: make([]float32, queries*max(1, keys)), Row: keys, Col: 1}
				for i := range m.Add {
					switch q, k := i/max(1, keys), i%max(1, keys); {
					case q%3 == 0, q%3 == 1 && k < 400, q%3 == 2 && k > 350:
						m.Add[i] = inf
					case q == 4 && k == 170:
						m.Add[i] = float32(math.NaN())
					}
				}
				a.Masks[0] = m
				compare(t, fmt.Sprintf("%d queries, %d keys, mode %d", queries, keys, mode), a)
			}
		}
	}
}

func TestNoAllocations(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	a := Args{B: 1, H: 2, KVHeads: 1, Queries: 70, Keys: 150, Size: 32, ValueSize: 32, Scale: 0.5, Threads: 2}
	a.Q, a.K = layout(rng, 1, 2, 70, 32, true), layout(rng, 1, 1, 150, 32, true)
	a.V, a.Y = layout(rng, 1, 1, 150, 32, false), layout(rng, 1, 2, 70, 32, false)
	a.Masks[0] = mask(rng, &a, 8, false, -1)
	a.Masks[1] = mask(rng, &a, 4, true, -1e4)
	a.Scratch = make([]float32, a.Scratch32())
	if n := testing.AllocsPerRun(20, func() { Run(&a) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkAttention reports the share of the multiply-adds in GFLOP/s.
func BenchmarkAttention(b *testing.B) {
	for _, c := range []struct {
		name                    string
		batch, heads, n, k, dim int
		mask                    int // axes along which a mask is repeated, -1 for none
	}{
		{"bert", 1, 12, 128, 128, 64, 4}, {"vit", 1, 6, 197, 197, 64, -1}, {"whisper", 1, 1, 1500, 1500, 64, -1},
		{"swin", 16, 3, 49, 49, 32, 1}, {"decode", 1, 12, 1, 600, 64, -1},
	} {
		b.Run(c.name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(7, 7))
			a := Args{B: c.batch, H: c.heads, KVHeads: c.heads, Queries: c.n, Keys: c.k, Size: c.dim, ValueSize: c.dim, Scale: 0.125}
			a.Q, a.K = layout(rng, a.B, a.H, c.n, c.dim, false), layout(rng, a.B, a.H, c.k, c.dim, false)
			a.V, a.Y = layout(rng, a.B, a.H, c.k, c.dim, false), layout(rng, a.B, a.H, c.n, c.dim, false)
			if c.mask >= 0 {
				a.Masks[0] = mask(rng, &a, c.mask, false, -1)
			}
			a.Scratch = make([]float32, a.Scratch32())
			best := time.Hour
			for b.Loop() {
				t := time.Now()
				Run(&a)
				best = min(best, time.Since(t))
			}
			flops := 2 * float64(a.B*a.H*a.Queries*a.Keys*(a.Size+a.ValueSize))
			b.ReportMetric(flops/float64(best.Nanoseconds()), "best-GFLOP/s")
			b.ReportMetric(float64(best.Nanoseconds())/1e3, "best-us")
		})
	}
}
