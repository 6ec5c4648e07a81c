package gemm

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkGemm reports GFLOP/s of one thread for every kernel set, or GB/s of B for
// single rows. Forms: packed ahead, plain B, plain transposed B.
func BenchmarkGemm(b *testing.B) {
	shapes := [][3]int{{1024, 1024, 1024}, {128, 768, 768}, {128, 3072, 768}, {128, 768, 3072}, {16, 768, 768}, {8, 768, 768}, {4, 768, 768}, {2, 768, 768},
		{64, 3136, 576}, {256, 196, 2304}, {512, 49, 4608}, {64, 64, 64}, {128, 64, 128}, {4, 8, 16}, {1, 10, 64}, {196, 32, 768}, {1000, 5, 256}, {1, 3072, 768}, {1, 8192, 2048}}
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
	for b.Loop() {
		Run(a)
	}
	sec := b.Elapsed().Seconds()
	b.ReportMetric(2*float64(m*n*k)*float64(b.N)/sec/1e9, "GFLOP/s")
	if m == 1 {
		b.ReportMetric(4*float64(n*k)*float64(b.N)/sec/1e9, "GB/s")
	}
}
