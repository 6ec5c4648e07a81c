package vec

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestColumns(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	variants(t, func(t *testing.T, k *kernels) {
		for _, cols := range []int{16, 32, 48, 80} {
			for _, rows := range []int{1, 2, 3, 4, 5, 7, 31, 64} {
				ld := cols + rng.IntN(20)
				x := make([]float32, rows*ld)
				for i := range x {
					x[i] = rng.Float32()*40 - 20
				}
				if rows > 2 {
					x[ld+3] = float32(math.Inf(-1))
					x[2*ld+cols-1] = float32(math.NaN())
				}
				m, sum := make([]float32, cols), make([]float32, cols)
				for j := range m {
					m[j], sum[j] = rng.Float32()*40-20, rng.Float32()
				}
				m2, sum2, x2 := append([]float32{}, m...), append([]float32{}, sum...), append([]float32{}, x...)
				generic.maxColumns(m, x, rows, ld)
				k.maxColumns(m2, x2, rows, ld)
				for j := range m {
					if m[j] != m2[j] && m[j] == m[j] {
						t.Fatalf("%d rows: largest of column %d is %v, want %v", rows, j, m2[j], m[j])
					}
				}
				copy(m2, m)
				generic.expColumns(x, m, sum, rows, ld)
				k.expColumns(x2, m2, sum2, rows, ld)
				for j := range sum {
					if !near(sum2[j], sum[j], 6, 1e-6) {
						t.Fatalf("%d rows: sum of column %d is %v, want %v", rows, j, sum2[j], sum[j])
					}
				}
				for i := range x {
					if !near(x2[i], x[i], 4, 1e-7) {
						t.Fatalf("%d rows: element %d is %v, want %v", rows, i, x2[i], x[i])
					}
				}
				testGradColumns(t, rng, k, rows, cols, ld)
			}
		}
	})
}

// testGradColumns compares what the gradient of a softmax of columns is made of, and that nothing else is written.
func testGradColumns(t *testing.T, rng *rand.Rand, k *kernels, rows, cols, ld int) {
	t.Helper()
	draw := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = rng.Float32()*2 - 1
		}
		return x
	}
	p, x, f, sum := draw(rows*ld), draw(rows*ld), draw(cols), draw(cols)
	p2, x2, sum2 := append([]float32{}, p...), append([]float32{}, x...), append([]float32{}, sum...)
	generic.scaleDotColumns(p, f, x, sum, rows, ld)
	k.scaleDotColumns(p2, f, x2, sum2, rows, ld)
	for j := range sum {
		if !near(sum2[j], sum[j], 6, 1e-5) {
			t.Fatalf("%d rows: product of column %d is %v, want %v", rows, j, sum2[j], sum[j])
		}
	}
	generic.softmaxGradColumns(x, p, sum, rows, ld)
	k.softmaxGradColumns(x2, p2, sum, rows, ld)
	for i := range p {
		if p[i] != p2[i] || !near(x2[i], x[i], 2, 1e-7) {
			t.Fatalf("%d rows: elements %d are %v and %v, want %v and %v", rows, i, p2[i], x2[i], p[i], x[i])
		}
	}
}

// TestFoldColumns compares what is joined down columns with the loops, which go by the same order: sums of whole numbers are
// equal to the last bit. NaN stays in largest and smallest elements.
func TestFoldColumns(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 9))
	variants(t, func(t *testing.T, k *kernels) {
		for _, cols := range []int{16, 32, 64, 80, 208} {
			for _, rows := range []int{1, 2, 3, 8, 9} {
				ld := cols + rng.IntN(20)
				x, acc := make([]float32, rows*ld), make([]float32, cols+2)
				for i := range x {
					x[i] = float32(rng.IntN(9) - 4)
				}
				for j := range acc {
					acc[j] = float32(rng.IntN(9) - 4)
				}
				x[cols/2], x[cols-1], acc[1] = float32(math.NaN()), float32(math.Inf(1)), float32(math.NaN())
				for op := range foldOp(numFold) {
					want, got := append([]float32{}, acc...), append([]float32{}, acc...)
					generic.foldColumns[op](want[1:cols+1], x, rows, ld)
					k.foldColumns[op](got[1:cols+1], x[:(rows-1)*ld+cols], rows, ld)
					for j, v := range got {
						if v != want[j] && (v == v || want[j] == want[j]) {
							t.Fatalf("fold %d of %d rows of %d: column %d is %v, want %v", op, rows, cols, j-1, v, want[j])
						}
					}
				}
			}
		}
	})
}

func TestScaleRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 9))
	variants(t, func(t *testing.T, k *kernels) {
		for _, cols := range []int{1, 3, 8, 15, 16, 17, 33, 64, 70} {
			for _, rows := range []int{1, 2, 9} {
				ld := cols + rng.IntN(3)
				x, s := make([]float32, rows*ld), make([]float32, rows)
				for i := range x {
					x[i] = rng.Float32()
				}
				for i := range s {
					s[i] = rng.Float32()
				}
				y := append([]float32{}, x...)
				generic.scaleRows(x, s, cols, ld)
				k.scaleRows(y, s, cols, ld)
				for i := range x {
					if x[i] != y[i] {
						t.Fatalf("%d rows of %d: element %d is %v, want %v", rows, cols, i, y[i], x[i])
					}
				}
			}
		}
	})
}
