package optim

import (
	"fmt"
	"testing"
)

// BenchmarkKernels moves parameters that lie in the second cache and in memory, beside a copy of as many bytes.
func BenchmarkKernels(b *testing.B) {
	streams := map[string]int64{"sgd": 3, "momentum": 5, "adam": 7, "lion": 5, "add scaled": 3}
	for _, n := range []int{1 << 15, 1 << 24} {
		for _, name := range []string{"sgd", "momentum", "adam", "lion", "add scaled"} {
			b.Run(fmt.Sprint(name, " ", n), func(b *testing.B) {
				w, g := wave(n, 1), wave(n, 0.1)
				s := [3][]float32{make([]float32, n), make([]float32, n), nil}
				b.SetBytes(4 * streams[name] * int64(n))
				for b.Loop() {
					kernels[name](w, g, s)
				}
			})
		}
		b.Run(fmt.Sprint("copy ", n), func(b *testing.B) {
			w, g := wave(n, 1), wave(n, 0.1)
			b.SetBytes(8 * int64(n))
			for b.Loop() {
				copy(w, g)
			}
		})
		b.Run(fmt.Sprint("sum of squares ", n), func(b *testing.B) {
			g := wave(n, 0.1)
			b.SetBytes(4 * int64(n))
			for b.Loop() {
				SumSquares(g)
			}
		})
	}
}

// BenchmarkDecayed moves parameters whose gradients have been zero for long.
func BenchmarkDecayed(b *testing.B) {
	const n = 1 << 20
	for _, name := range []string{"momentum", "adam", "lion"} {
		b.Run(name, func(b *testing.B) {
			w, g, s := wave(n, 1), make([]float32, n), [3][]float32{make([]float32, n), make([]float32, n)}
			for i := range n {
				s[0][i], s[1][i] = 0x1p-126, 0x1p-126
			}
			for b.Loop() {
				kernels[name](w, g, s)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/element")
		})
	}
}
