package quant

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
)

// TestRound compares with math.RoundToEven, in and out of the range of the type.
func TestRound(t *testing.T) {
	for _, zero := range []int32{0, 3, 128, 255} {
		r := newRounder[uint8](zero)
		for x := float32(-400); x < 400; x += 0.125 {
			want := int32(min(max(math.RoundToEven(float64(x))+float64(zero), 0), 255))
			if got := r.round(x); got != want {
				t.Fatalf("%v plus %d: got %d, want %d", x, zero, got, want)
			}
		}
	}
	r := newRounder[int8](-7)
	for x, want := range map[float32]int32{float32(math.Inf(1)): 127, float32(math.Inf(-1)): -128, float32(math.NaN()): -128, 0.5: -7, 1.5: -5, -0.5: -7} {
		if got := r.round(x); got != want {
			t.Errorf("%v: got %d, want %d", x, got, want)
		}
	}
}

// TestMultiply compares with sums of integers, over inner dimensions that float32 cannot add at once.
func TestMultiply(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range [][3]int{{1, 1, 1}, {3, 5, 257}, {7, 33, 700}, {2, 9, 0}, {5, 2, 2000}} {
		m, n, k := size[0], size[1], size[2]
		a, b := make([]float32, m*k), make([]float32, k*n)
		for i := range a {
			a[i] = float32(255 - r.IntN(3)) // all of one sign: the worst case
		}
		for i := range b {
			b[i] = float32(255 - r.IntN(3))
		}
		for _, packed := range []bool{false, true} {
			var w *Weights
			if packed {
				w = Pack(b, 1, k, n, n, 1)
			}
			for _, threads := range []int{1, 2} {
				sums := make([]int32, m*n)
				sums[0] = 17
				Multiply(&gemm.Args{M: m, N: n, K: k, A: a, ARS: k, ACS: 1, B: b, BRS: n, BCS: 1, Threads: threads}, w, sums, make([]float32, m*n))
				for i, got := range sums {
					var want int32
					for l := range k {
						want += int32(a[i/n*k+l]) * int32(b[l*n+i%n])
					}
					if got != want {
						t.Fatalf("%v packed=%v: element %d is %d, want %d", size, packed, i, got, want)
					}
				}
			}
		}
	}
}

// TestDynamic compares with products of the numbers themselves: the error is that of the codes.
func TestDynamic(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const m, n, k = 3, 6, 40
	a, w, bias := make([]float32, m*k), make([]float32, k*n), make([]float32, n)
	for i := range a {
		a[i] = float32(r.NormFloat64())
	}
	for i := range w {
		w[i] = float32(r.IntN(255) - 127)
	}
	scale := make([]float32, n)
	for i := range scale {
		scale[i], bias[i] = 0.01+float32(i)/1000, float32(i)
	}
	d := Dynamic{Pack(w, 1, k, n, n, 1), scale}
	p := RangeOf(a)
	for _, add := range []bool{false, true} {
		args := gemm.Args{M: m, N: n, K: k, A: a, ARS: k, ACS: 1, C: make([]float32, m*(n+2)), LDC: n + 2, Accumulate: add, Threads: 2}
		for i := range args.C {
			args.C[i] = 100
		}
		args.Epilogue.ColBias = bias
		d.Multiply(&args)
		for i := range m {
			for j := range n + 2 {
				want, bound := 100.0, 0.0
				if j < n {
					want = float64(bias[j])
					if add {
						want += 100
					}
					for l := range k {
						want += float64(a[i*k+l] * w[l*n+j] * scale[j])
						bound += math.Abs(float64(p.Scale/2*w[l*n+j]*scale[j])) + 1e-5
					}
				}
				if got := float64(args.C[i*(n+2)+j]); math.Abs(got-want) > bound {
					t.Errorf("add=%v: element (%d, %d) is %v, want %v within %v", add, i, j, got, want, bound)
				}
			}
		}
	}
}

func TestRequantizeKeepsWhatIsEqual(t *testing.T) {
	var table Table
	p := Params{Scale: 0.37, Zero: -11}
	Requantize[int8](&table, p, p)
	for i, v := range table {
		if int(v) != i {
			t.Fatalf("entry %d is %d", i, v)
		}
	}
	Requantize[int8](&table, p, Params{Scale: 0.37, Zero: -10})
	if got := int8(table[uint8(0)]); got != 1 {
		t.Errorf("0 becomes %d, want 1", got)
	}
}

// TestSoftmax compares rows with the definition in float64.
func TestSoftmax(t *testing.T) {
	x := []int8{-128, 127, 0, 5, 5, 5}
	y := make([]int8, len(x))
	var table [256]float32
	SoftmaxTable(&table, 0.1)
	for _, tc := range []struct{ outer, n, inner int }{{2, 3, 1}, {1, 2, 3}, {1, 6, 1}, {6, 1, 1}} {
		Softmax(y, x, tc.outer, tc.n, tc.inner, &table, 256, -128)
		for i := range x {
			o, j := i/(tc.n*tc.inner), i%tc.inner
			sum := 0.0
			for l := range tc.n {
				sum += math.Exp(0.1 * float64(x[(o*tc.n+l)*tc.inner+j]))
			}
			want := int8(min(math.RoundToEven(math.Exp(0.1*float64(x[i]))/sum*256)-128, 127))
			if y[i] != want {
				t.Errorf("%v: element %d is %d, want %d", tc, i, y[i], want)
			}
		}
	}
}
