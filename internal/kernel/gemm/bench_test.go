package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/measure"
)

// BenchmarkGemm reports GFLOP/s of one thread for every kernel set, or GB/s of B for
// single rows. Forms: packed ahead, plain B, plain transposed B.
func BenchmarkGemm(b *testing.B) {
	shapes := [][3]int{{1024, 1024, 1024}, {128, 768, 768}, {128, 3072, 768}, {128, 768, 3072}, {16, 768, 768}, {8, 768, 768}, {4, 768, 768}, {2, 768, 768},
		{64, 3136, 576}, {256, 196, 2304}, {512, 49, 4608}, {64, 64, 64}, {128, 64, 128}, {4, 8, 16}, {1, 10, 64}, {196, 32, 768}, {1000, 5, 256}, {1, 3072, 768}, {1, 8192, 2048},
		{197, 768, 768}, {1500, 512, 512}, {49, 768, 3072}, {196, 1024, 256}, {3136, 64, 256}, {12544, 24, 96}, {12544, 16, 32}, {12544, 32, 27}, {3136, 72, 24}, {784, 40, 120},
		{3136, 144, 24}, {196, 96, 576}, {49, 320, 960}, {49, 1000, 1280}, {3136, 256, 64}, {784, 512, 128}, {3136, 384, 96}}
	for _, name := range Kernels() {
		for _, s := range shapes {
			for _, form := range []string{"packed", "rows", "cols"} {
				b.Run(fmt.Sprintf("f32/%s/%dx%dx%d/%s", name, s[0], s[1], s[2], form), func(b *testing.B) {
					benchGemm(b, name, s[0], s[1], s[2], form)
				})
			}
		}
	}
	b.Run("f32/peak", func(b *testing.B) {
		for b.Loop() {
			b.ReportMetric(Peak()/1e9, "GFLOP/s")
		}
	})
}

func benchGemm(b *testing.B, kernels string, m, n, k int, form string) {
	undo, _ := Use(kernels)
	defer undo()
	rng := rand.New(rand.NewPCG(1, 1))
	a := &Args{M: m, N: n, K: k, A: random(rng, m*k), ARS: k, ACS: 1, B: random(rng, k*n), BRS: n, BCS: 1, C: make([]float32, m*n), LDC: n, Threads: 1}
	if form == "cols" {
		a.BRS, a.BCS = 1, k
	}
	if form == "packed" {
		a.Packed = Pack(k, n, a.B, n, 1)
	}
	b.ReportAllocs()
	sec, share := measureRun(b, a, func() {})
	b.ReportMetric(2*float64(m*n*k)/sec/1e9, "GFLOP/s")
	b.ReportMetric(100*share, "%peak")
	if m == 1 {
		b.ReportMetric(4*float64(n*k)/sec/1e9, "GB/s")
	}
}

// BenchmarkGemmFar multiplies with matrices that take turns and come from memory, like the weights of a large model.
func BenchmarkGemmFar(b *testing.B) {
	const all = 48 << 20 // elements of all matrices
	for _, name := range Kernels() {
		for _, s := range [][3]int{{1, 768, 768}, {2, 768, 768}, {3, 768, 768}, {5, 768, 768}, {8, 768, 768}, {16, 768, 768}, {24, 768, 768}, {32, 768, 768}, {64, 768, 768}, {128, 768, 768}, {64, 2048, 768}, {64, 768, 2048}, {49, 512, 4608}} {
			b.Run(fmt.Sprintf("f32/%s/%dx%dx%d", name, s[0], s[1], s[2]), func(b *testing.B) {
				undo, _ := Use(name)
				defer undo()
				m, n, k := s[0], s[1], s[2]
				rng := rand.New(rand.NewPCG(1, 1))
				a := &Args{M: m, N: n, K: k, A: random(rng, m*k), ARS: k, ACS: 1, C: make([]float32, m*n), LDC: n, Threads: 1}
				a.Packed = NewPacked(all/(n*k), k, n)
				for i := range a.Packed.data {
					a.Packed.data[i] = 1
				}
				a.Batch = make([]Item, 1)
				sec, share := measureRun(b, a, func() { a.Batch[0].B = (a.Batch[0].B + 1) % a.Packed.count })
				b.ReportMetric(2*float64(m*n*k)/sec/1e9, "GFLOP/s")
				b.ReportMetric(100*share, "%peak")
			})
		}
	}
}

// BenchmarkOneRow multiplies one row with matrices that take turns, whose columns are contiguous: packed, or where they lie.
func BenchmarkOneRow(b *testing.B) {
	const all = 24 << 20 // elements of all matrices
	for _, name := range Kernels() {
		for _, s := range [][2]int{{512, 1000}, {576, 1024}, {768, 768}, {1280, 1000}, {2048, 1000}} {
			k, n := s[0], s[1]
			for _, packed := range []bool{true, false} {
				b.Run(fmt.Sprintf("f32/%s/1x%dx%d/packed=%v", name, n, k, packed), func(b *testing.B) {
					undo, _ := Use(name)
					defer undo()
					count := all / (n * k)
					a := &Args{M: 1, N: n, K: k, A: make([]float32, k), ARS: k, ACS: 1, C: make([]float32, n), LDC: n, Threads: 1, Batch: make([]Item, 1)}
					next := func() { a.Batch[0].B = (a.Batch[0].B + n*k) % (count * n * k) }
					if packed {
						a.Packed = NewPacked(count, k, n)
						clear(a.Packed.data)
						next = func() { a.Batch[0].B = (a.Batch[0].B + 1) % count }
					} else {
						a.B, a.BRS, a.BCS = slices.Repeat([]float32{0}, count*n*k), 1, k
					}
					sec, _ := measureRun(b, a, next)
					b.ReportMetric(sec*1e6, "us")
				})
			}
		}
	}
}

// measureRun returns the seconds of the fastest run of a, and its rate as a share of what
// the loop of multiply-adds reaches right before, if there is one: the median, which neither other programs
// nor the processor's clock change much. Before each run comes next.
func measureRun(b *testing.B, a *Args, next func()) (sec, share float64) {
	flops := 2 * float64(a.M*a.N*max(a.K, 1)*max(1, len(a.Batch)))
	reps := 1 + int((1<<21)/flops) // of some 20 microseconds at least
	var shares []float64
	best := time.Duration(math.MaxInt64)
	r, rounds := selected(), 20000
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for b.Loop() {
		next()
		start := measure.ThreadTime()
		if r.peak != nil {
			r.peak(&rounds)
		}
		mid := measure.ThreadTime()
		for range reps {
			Run(a)
		}
		took := measure.ThreadTime() - mid
		best = min(best, took)
		if r.peak != nil {
			peak := float64(rounds*peakChains*2*r.lanes) / (mid - start).Seconds()
			shares = append(shares, flops*float64(reps)/took.Seconds()/peak)
		}
	}
	if len(shares) == 0 {
		return best.Seconds() / float64(reps), 0
	}
	slices.Sort(shares)
	return best.Seconds() / float64(reps), shares[len(shares)/2]
}

// BenchmarkGemmOf reports operations per second of the plain Go product.
func BenchmarkGemmOf(b *testing.B) {
	b.Run("f64/256x256x256", benchGemmOf[float64])
	b.Run("i32/256x256x256", benchGemmOf[int32])
	b.Run("u8/256x256x256", benchGemmOf[uint8])
}

func benchGemmOf[T Number](b *testing.B) {
	const n = 256
	a := &ArgsOf[T]{M: n, N: n, K: n, A: make([]T, n*n), ARS: n, ACS: 1, B: make([]T, n*n), BRS: n, BCS: 1, C: make([]T, n*n), LDC: n}
	for b.Loop() {
		RunOf(a)
	}
	b.ReportMetric(2*n*n*n*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gop/s")
}

// BenchmarkPack reports GB/s of B packed ahead, into fresh memory and into the same.
func BenchmarkPack(b *testing.B) {
	const k, n = 768, 3072
	src := make([]float32, k*n)
	forms := []struct {
		name   string
		rs, cs int
	}{{"rows", n, 1}, {"cols", 1, k}}
	for _, f := range forms {
		b.Run("f32/"+f.name+"/fresh", func(b *testing.B) {
			b.SetBytes(4 * k * n)
			for b.Loop() {
				Pack(k, n, src, f.rs, f.cs)
			}
		})
		p := NewPacked(1, k, n)
		b.Run("f32/"+f.name+"/again", func(b *testing.B) {
			b.SetBytes(4 * k * n)
			for b.Loop() {
				p.Set(0, src, f.rs, f.cs)
			}
		})
	}
}

// BenchmarkHeads reports GFLOP/s of the two products of attention with 12 interleaved
// heads of 64.
func BenchmarkHeads(b *testing.B) {
	const heads, dim, row = 12, 64, 12 * 64
	for _, seq := range []int{16, 128, 197, 512} {
		rng := rand.New(rand.NewPCG(1, 1))
		q, scores := random(rng, seq*row), random(rng, heads*seq*seq)
		var qk, pv []Item
		for h := range heads {
			qk = append(qk, Item{A: h * dim, B: h * dim, C: h * seq * seq})
			pv = append(pv, Item{A: h * seq * seq, B: h * dim, C: h * dim})
		}
		out := make([]float32, seq*row)
		products := map[string]*Args{
			"qk": {M: seq, N: seq, K: dim, A: q, ARS: row, ACS: 1, B: q, BRS: 1, BCS: row, C: scores, LDC: seq, Alpha: 0.125, Batch: qk, Threads: 1},
			"pv": {M: seq, N: dim, K: seq, A: scores, ARS: seq, ACS: 1, B: q, BRS: row, BCS: 1, C: out, LDC: row, Batch: pv, Threads: 1},
		}
		for name, a := range products {
			b.Run(fmt.Sprintf("f32/%s/%d", name, seq), func(b *testing.B) {
				sec, share := measureRun(b, a, func() {})
				b.ReportMetric(2*float64(heads*seq*seq*dim)/sec/1e9, "GFLOP/s")
				b.ReportMetric(100*share, "%peak")
			})
		}
	}
}

// BenchmarkSegments reports dense convolutions with channels last: a product for each row of
// the output, windows' lines as segments.
func BenchmarkSegments(b *testing.B) {
	images := []image{
		{h: 56, w: 56, c: 64, out: 64, kernel: 3, step: 1, spread: 1},
		{h: 28, w: 28, c: 128, out: 128, kernel: 3, step: 1, spread: 1},
		{h: 14, w: 14, c: 256, out: 256, kernel: 3, step: 1, spread: 1},
		{h: 7, w: 7, c: 512, out: 512, kernel: 3, step: 1, spread: 1},
		{h: 14, w: 14, c: 256, out: 256, kernel: 3, step: 2, spread: 1},
		{h: 112, w: 112, c: 3, out: 64, kernel: 7, step: 2, spread: 1},
		{h: 28, w: 28, c: 512, out: 256, kernel: 3, step: 1, spread: 2, taps: true},
	}
	for _, name := range Kernels() {
		for _, im := range images {
			b.Run(fmt.Sprintf("f32/%s/%dx%dx%d-%d", name, im.h, im.w, im.c, im.out), func(b *testing.B) {
				undo, _ := Use(name)
				defer undo()
				p := im.product(rand.New(rand.NewPCG(1, 1)), &guards{})
				p.Packed = Pack(p.K, p.N, p.B, p.BRS, p.BCS)
				sec, share := measureRun(b, &p.Args, func() {})
				b.ReportMetric(2*float64(p.M*p.N*p.K*len(p.Batch))/sec/1e9, "GFLOP/s")
				b.ReportMetric(100*share, "%peak")
			})
		}
	}
}
