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

// plainGradient is the derivative of the definition, in float64.
func plainGradient(g *Grad) {
	dk, dv := make([]float64, len(g.DK.X)), make([]float64, len(g.DV.X))
	for i := range g.B * g.H * g.Queries {
		b, h, q := i/g.Queries/g.H, i/g.Queries%g.H, i%g.Queries
		kv := h / (g.H / g.KVHeads)
		p, open := plainSoftmax(&g.Args, b, h, q)
		query, dy := g.Q.at(b, h, q)[:g.Size], g.DY.at(b, h, q)[:g.ValueSize]
		ds, dot := make([]float64, g.Keys), 0.0
		for k := range ds {
			at := b*g.DV.Batch + kv*g.DV.Head + k*g.DV.Step
			for d, v := range g.V.at(b, kv, k)[:g.ValueSize] {
				ds[k] += float64(v) * float64(dy[d])
				dv[at+d] += p[k] * float64(dy[d])
			}
			dot += p[k] * ds[k]
		}
		dq := make([]float64, g.Size)
		for k := range ds {
			if !open[k] {
				continue
			}
			s := p[k] * (ds[k] - dot) * float64(g.Scale)
			at := b*g.DK.Batch + kv*g.DK.Head + k*g.DK.Step
			for d, v := range g.K.at(b, kv, k)[:g.Size] {
				dq[d] += s * float64(v)
				dk[at+d] += s * float64(query[d])
			}
		}
		for d, v := range dq {
			g.DQ.at(b, h, q)[d] = float32(v)
		}
	}
	for i := range g.B * g.KVHeads * g.Keys {
		b, h, k := i/g.Keys/g.KVHeads, i/g.Keys%g.KVHeads, i%g.Keys
		for d := range g.DK.at(b, h, k)[:g.Size] {
			g.DK.at(b, h, k)[d] = float32(dk[b*g.DK.Batch+h*g.DK.Head+k*g.DK.Step+d])
		}
		for d := range g.DV.at(b, h, k)[:g.ValueSize] {
			g.DV.at(b, h, k)[d] = float32(dv[b*g.DV.Batch+h*g.DV.Head+k*g.DV.Step+d])
		}
	}
}

// plainSoftmax returns the probabilities of query q, and which scores are none that a mask gives.
func plainSoftmax(a *Args, b, h, q int) (p []float64, open []bool) {
	kv := h / (a.H / a.KVHeads)
	p, open = make([]float64, a.Keys), make([]bool, a.Keys)
	top := math.Inf(-1)
	for k := range p {
		open[k] = true
		for d, v := range a.Q.at(b, h, q)[:a.Size] {
			p[k] += float64(v) * float64(a.K.at(b, kv, k)[d])
		}
		p[k] *= float64(a.Scale)
		for _, m := range a.Masks {
			at := b%max(1, m.Batches)*m.Batch + h*m.Head + q*m.Row + k*m.Col
			switch {
			case m.Add != nil:
				p[k] += float64(m.Add[at])
			case m.Keep != nil && !m.Keep[at]:
				p[k], open[k] = float64(m.Fill), false
			}
		}
		if a.Causal && k > a.First+q {
			p[k], open[k] = math.Inf(-1), false
		}
		top = max(top, p[k])
	}
	if math.IsInf(top, -1) && a.EmptyZero {
		clear(p)
		return p, open
	}
	sum := 0.0
	for k, v := range p {
		p[k] = math.Exp(v - top)
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
	return p, open
}

// TestGradient compares with the definition over tails of every size, layouts and masks.
func TestGradient(t *testing.T) {
	for _, name := range gemm.Kernels() {
		t.Run(name, func(t *testing.T) {
			undo, ok := gemm.Use(name)
			if !ok {
				t.Skipf("attention/%s: needs instructions that this machine lacks", name)
			}
			defer undo()
			rng := rand.New(rand.NewPCG(1, 2))
			for n := range cases(40) {
				g := drawGradient(rng, n)
				compareGradient(t, fmt.Sprintf("%d: %dx%d/%d heads, %d queries, %d keys", n, g.B, g.H, g.KVHeads, g.Queries, g.Keys), g)
			}
		})
	}
}

func drawGradient(rng *rand.Rand, n int) Grad {
	var g Grad
	g.B, g.KVHeads, g.Queries, g.Keys = 1+rng.IntN(3), 1+rng.IntN(2), 1+rng.IntN(280), rng.IntN(400)
	g.Size, g.ValueSize, g.Scale, g.EmptyZero = 1+rng.IntN(70), 1+rng.IntN(70), rng.Float32(), true
	if n%3 == 0 {
		g.Queries = rng.IntN(fewQueries)
	}
	if n%11 == 0 {
		g.Scale = 0
	}
	g.H = g.KVHeads * (1 + rng.IntN(3))
	for _, t := range []*Heads{&g.Q, &g.DQ} {
		*t = layout(rng, g.B, g.H, g.Queries, g.Size, rng.IntN(2) == 0)
	}
	for _, t := range []*Heads{&g.K, &g.DK} {
		*t = layout(rng, g.B, g.KVHeads, g.Keys, g.Size, rng.IntN(2) == 0)
	}
	for _, t := range []*Heads{&g.V, &g.DV} {
		*t = layout(rng, g.B, g.KVHeads, g.Keys, g.ValueSize, rng.IntN(2) == 0)
	}
	g.DY = layout(rng, g.B, g.H, g.Queries, g.ValueSize, rng.IntN(2) == 0)
	for i := range g.Masks[:n%3] {
		keep := rng.IntN(2) == 0
		g.Masks[i] = mask(rng, &g.Args, rng.IntN(16), keep, []float32{float32(math.Inf(-1)), -50, 1}[rng.IntN(3)])
	}
	if n%4 == 1 {
		g.Causal, g.First = true, rng.IntN(200)-100
	}
	return g
}

func compareGradient(t *testing.T, name string, g Grad) {
	t.Helper()
	g.Scratch = make([]float32, g.Scratch32())
	results := [3]*Heads{&g.DQ, &g.DK, &g.DV}
	fill := func() {
		for _, r := range results {
			for i := range r.X {
				r.X[i] = 12345
			}
		}
	}
	fill()
	plainGradient(&g)
	var want, first [3][]float32
	for i, r := range results {
		want[i] = slices.Clone(r.X)
	}
	for _, threads := range []int{1, 2, 3} {
		fill()
		g.Threads = threads
		Gradient(&g)
		for k, r := range results {
			if first[k] == nil {
				first[k] = slices.Clone(r.X)
			}
			for i, v := range r.X {
				if w := want[k][i]; !(math.Abs(float64(v-w)) <= 5e-5*max(1, math.Abs(float64(w)))) {
					t.Fatalf("%s: element %d of result %d is %v, want %v", name, i, k, v, w)
				}
				if math.Float32bits(v) != math.Float32bits(first[k][i]) {
					t.Fatalf("%s: element %d of result %d is %v on %d threads, %v on one", name, i, k, v, threads, first[k][i])
				}
			}
		}
	}
}

func TestGradientNoAllocations(t *testing.T) {
	g := drawGradient(rand.New(rand.NewPCG(7, 7)), 2)
	g.Threads = 2
	g.Scratch = make([]float32, g.Scratch32())
	if n := testing.AllocsPerRun(20, func() { Gradient(&g) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkGradient reports the five products in GFLOP/s.
func BenchmarkGradient(b *testing.B) {
	for _, c := range []struct {
		name                 string
		batch, heads, n, dim int
	}{{"bert", 8, 4, 128, 64}, {"minilm", 2, 12, 128, 32}, {"long", 1, 2, 1024, 64}} {
		b.Run(c.name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(7, 7))
			var g Grad
			g.B, g.H, g.KVHeads, g.Queries, g.Keys, g.Size, g.ValueSize, g.Scale, g.Threads = c.batch, c.heads, c.heads, c.n, c.n, c.dim, c.dim, 0.125, 1
			for _, t := range []*Heads{&g.Q, &g.K, &g.V, &g.DY, &g.DQ, &g.DK, &g.DV} {
				*t = layout(rng, g.B, g.H, c.n, c.dim, false)
			}
			best := time.Hour
			for b.Loop() {
				t := time.Now()
				Gradient(&g)
				best = min(best, time.Since(t))
			}
			b.ReportMetric(10*float64(g.B*g.H*c.n*c.n*c.dim)/float64(best.Nanoseconds()), "best-GFLOP/s")
			b.ReportMetric(float64(best.Nanoseconds())/1e3, "best-us")
		})
	}
}
