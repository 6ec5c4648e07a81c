package gemm

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkGemmMaps multiplies the pixels of feature maps, which take turns, so that they come from beyond the second-level cache and
// the results go there, as between the layers of a network: with bias and ReLU, some with a residual.
func BenchmarkGemmMaps(b *testing.B) {
	shapes := []struct {
		m, n, k  int
		residual bool
	}{
		{22500, 128, 128, false}, {22500, 128, 64, false}, {5625, 256, 256, false}, {1444, 728, 728, false}, {361, 728, 728, false},
		{3136, 256, 64, false}, {3136, 256, 64, true}, {3136, 64, 256, false}, {3136, 128, 256, false}, {784, 512, 128, true}, {784, 128, 512, false},
		{196, 1024, 256, true}, {196, 256, 1024, false}, {12544, 64, 32, false}, {12544, 96, 16, false}, {12544, 64, 16, false}, {12544, 32, 32, false},
		{12544, 16, 16, false}, {12544, 24, 48, false}, {3136, 144, 24, false}, {3136, 24, 144, false}, {3136, 72, 24, false}, {3136, 48, 48, false},
		{3136, 64, 64, false}, {784, 160, 160, true}, {784, 64, 64, false}, {784, 240, 40, false}, {784, 40, 240, false}, {1024, 768, 768, false},
	}
	for _, name := range Kernels() {
		for _, s := range shapes {
			b.Run(fmt.Sprintf("f32/%s/%dx%dx%d/residual=%v", name, s.m, s.n, s.k, s.residual), func(b *testing.B) {
				undo, _ := Use(name)
				defer undo()
				rng := rand.New(rand.NewPCG(1, 1))
				sets := max(4, 4*secondLevel/(4*s.m*(s.n+s.k)))
				a := &Args{M: s.m, N: s.n, K: s.k, A: random(rng, sets*s.m*s.k), ARS: s.k, ACS: 1, C: make([]float32, sets*s.m*s.n), LDC: s.n, Threads: 1}
				a.Packed = Pack(s.k, s.n, random(rng, s.k*s.n), s.n, 1)
				a.Epilogue = Epilogue{ColBias: random(rng, s.n), Act: Activation{Kind: Relu}}
				if s.residual {
					a.Epilogue.Residual, a.Epilogue.LDR = random(rng, sets*s.m*s.n), s.n
				}
				i := 0
				a.Batch = make([]Item, 1)
				sec, share := measureRun(b, a, func() {
					i = (i + 1) % sets
					a.Batch[0] = Item{A: i * s.m * s.k, C: i * s.m * s.n, Residual: i * s.m * s.n}
				})
				b.ReportMetric(2*float64(s.m*s.n*s.k)/sec/1e9, "GFLOP/s")
				b.ReportMetric(100*share, "%peak")
			})
		}
	}
}
