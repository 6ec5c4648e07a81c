package optim

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// wave returns n numbers of either sign and several sizes, with zeros among them.
func wave(n int, scale float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(scale * math.Sin(float64(i)*1.7) * math.Exp2(float64(i%7-3)))
		if i%11 == 0 {
			x[i] = 0
		}
	}
	return x
}

// kernels are all optimizers as functions of a parameter, its gradient and three states.
var kernels = map[string]func(w, g []float32, s [3][]float32){
	"sgd": func(w, g []float32, _ [3][]float32) {
		SGD(w, g, SGDCoeffs{Rate: 0.1, L2: 0.01, Shrink: 0.9, Scale: 0.7})
	},
	"momentum": func(w, g []float32, s [3][]float32) {
		Momentum(w, g, s[0], MomentumCoeffs{Rate: 0.1, L2: 0.01, Shrink: 0.9, Scale: 0.7, Keep: 0.9, Take: 0.5, Nesterov: true})
	},
	"adam": func(w, g []float32, s [3][]float32) {
		Adam(w, g, s[0], s[1], AdamCoeffs{Rate: 0.1, L2: 0.01, Shrink: 0.9, Scale: 0.7, Beta1: 0.9, Beta2: 0.99, Root: 2, Eps: 1e-8})
	},
	"amsgrad": func(w, g []float32, s [3][]float32) {
		AMSGrad(w, g, s[0], s[1], s[2], AdamCoeffs{Rate: 0.1, L2: 0.01, Shrink: 0.9, Scale: 0.7, Beta1: 0.9, Beta2: 0.99, Root: 2, Eps: 1e-8})
	},
	"adagrad": func(w, g []float32, s [3][]float32) {
		Adagrad(w, g, s[0], AdagradCoeffs{Rate: 0.1, L2: 0.01, Shrink: 0.9, Scale: 0.7, Eps: 1e-8, Initial: 0.1})
	},
	"rmsprop": func(w, g []float32, s [3][]float32) {
		RMSprop(w, g, s[0], s[1], RMSpropCoeffs{Rate: 0.1, L2: 0.01, Shrink: 0.9, Scale: 0.7, Alpha: 0.9, Eps: 1e-8, Keep: 0.5})
	},
	"centered rmsprop": func(w, g []float32, s [3][]float32) {
		CenteredRMSprop(w, g, s[0], s[1], s[2], RMSpropCoeffs{Rate: 0.1, L2: 0.01, Shrink: 0.9, Scale: 0.7, Alpha: 0.9, Eps: 1e-8, Keep: 0.5})
	},
	"approach":   func(w, g []float32, _ [3][]float32) { Approach(w, g, 0.3) },
	"add scaled": func(w, g []float32, _ [3][]float32) { AddScaled(w, g, 0.3) },
	"lion": func(w, g []float32, s [3][]float32) {
		Lion(w, g, s[0], LionCoeffs{Rate: 0.1, L2: 0.01, Shrink: 0.9, Scale: 0.7, Beta1: 0.9, Beta2: 0.99})
	},
}

// TestPieces updates a parameter as a whole, and in pieces of every length: the bits are the same.
func TestPieces(t *testing.T) {
	const n, steps = 67, 3
	for name, kernel := range kernels {
		run := func(piece int) (w []float32, states [3][]float32) {
			w = wave(n, 1)
			for k := range states {
				states[k] = make([]float32, n)
			}
			for step := range steps {
				g := wave(n, float64(step)-1.3)
				for lo := 0; lo < n; lo += piece {
					hi := min(lo+piece, n)
					kernel(w[lo:hi], g[lo:hi], [3][]float32{states[0][lo:hi], states[1][lo:hi], states[2][lo:hi]})
				}
			}
			return w, states
		}
		want, wantStates := run(n)
		if slices.Equal(want, wave(n, 1)) || slices.ContainsFunc(want, func(x float32) bool { return x != x }) {
			t.Errorf("%s: does nothing, or makes NaN", name)
		}
		for piece := 1; piece < n; piece++ {
			w, states := run(piece)
			if !slices.Equal(w, want) || !slices.Equal(states[0], wantStates[0]) || !slices.Equal(states[1], wantStates[1]) || !slices.Equal(states[2], wantStates[2]) {
				t.Errorf("%s: pieces of %d give other bits", name, piece)
			}
		}
	}
}

// eachVariant runs a test for the plain loops and for every variant that the machine has.
func eachVariant(t *testing.T, test func(t *testing.T)) {
	defer func(v variant) { active = v }(active)
	for _, v := range append([]variant{{name: "plain"}}, assembly...) {
		t.Run(v.name, func(t *testing.T) {
			if !cpu.Has(v.needs) {
				t.Skipf("optim/%s: needs %v", v.name, v.needs)
			}
			active = v
			test(t)
		})
	}
}

// TestVariants compares the bits of every variant with those of the plain loops, for all tails and beside guard words, with
// denormal numbers, infinities and NaN among the gradients.
func TestVariants(t *testing.T) {
	odd := []float32{1e-42, float32(math.Inf(1)), float32(math.NaN()), -1e-42, float32(math.Copysign(0, -1)), 3e38}
	const guard = 7.25
	run := func(kernel func(w, g []float32, s [3][]float32), n int, odds bool) (out [5][]float32) {
		for i := range out {
			out[i] = append(wave(n, float64(i)+0.5), guard, guard)
		}
		for i := range out[1][:n] {
			if odds && i%3 == 1 {
				out[1][i] = odd[i/3%len(odd)]
			}
		}
		for i := range out[3][:n] { // second moments are not negative
			out[2][i], out[3][i], out[4][i] = out[2][i]*out[2][i], out[3][i]*out[3][i], out[4][i]*out[4][i]
		}
		for range 2 {
			kernel(out[0][:n], out[1][:n], [3][]float32{out[2][:n], out[3][:n], out[4][:n]})
		}
		return out
	}
	bits := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b }
	want := map[string][5][]float32{}
	eachVariant(t, func(t *testing.T) {
		for name, kernel := range kernels {
			for n := range 36 {
				for _, odds := range []bool{false, true} {
					key := fmt.Sprint(name, n, odds)
					got := run(kernel, n, odds)
					if _, found := want[key]; !found {
						want[key] = got
					}
					for i, w := range want[key] {
						if !slices.EqualFunc(got[i], w, bits) || got[i][n] != guard || got[i][n+1] != guard {
							t.Errorf("%s of %d elements, odd ones %v: slice %d is %v, want %v", name, n, odds, i, got[i], w)
						}
					}
				}
			}
		}
	})
}

// TestDecay lets states decay while there is no gradient: they become zero and are never denormal.
func TestDecay(t *testing.T) { eachVariant(t, testDecay) }

func testDecay(t *testing.T) {
	const n, steps = 19, 900
	decaying := map[string]int{"momentum": 1, "adam": 2, "amsgrad": 2, "rmsprop": 1, "centered rmsprop": 2, "lion": 1, "approach": 1}
	for name, states := range decaying {
		g, s := make([]float32, n), [3][]float32{make([]float32, n), make([]float32, n), make([]float32, n)}
		for i := range n {
			x := float32(math.Exp2(float64(i%9 - 126)))
			s[0][i], s[1][i] = x, x
			if i%2 == 1 && (name == "momentum" || name == "adam" || name == "lion" || name == "approach") {
				s[0][i] = -x // the others' are squares
			}
		}
		for step := range steps {
			if w := make([]float32, n); name == "approach" {
				kernels[name](s[0], w, s)
			} else {
				kernels[name](w, g, s)
			}
			for k := range states {
				for i, v := range s[k] {
					if v != 0 && (math.Abs(float64(v)) < leastNormal32 || step == steps-1) {
						t.Fatalf("%s: element %d of state %d is %v after step %d", name, i, k, v, step+1)
					}
				}
			}
		}
	}
	h, g := make([]float32, n), slices.Repeat([]float32{1e-20}, n)
	for range 3 {
		kernels["adagrad"](make([]float32, n), g, [3][]float32{h})
	}
	if slices.Max(h) != 0 {
		t.Errorf("adagrad: squares below the normal range add up to %v", h)
	}
}

// TestLongCalls moves more elements than one call of a variant takes.
func TestLongCalls(t *testing.T) {
	const n = callLength + 11
	w, g := wave(n, 1), wave(n, 2)
	want := slices.Clone(w)
	SGD(w, g, SGDCoeffs{Rate: 0.1, Shrink: 1})
	SGDOf(want, want, g, SGDCoeffs{Rate: 0.1, Shrink: 1})
	if !slices.Equal(w, want) {
		t.Error("other bits than the plain loop")
	}
}

func TestSumSquares(t *testing.T) { eachVariant(t, testSumSquares) }

func testSumSquares(t *testing.T) {
	for n := range 40 {
		x := wave(n, 3)
		want := 0.0
		for _, v := range x {
			want += float64(v) * float64(v)
		}
		if got := SumSquares(x); math.Abs(got-want) > 1e-12*want {
			t.Errorf("%d elements: %v, want %v", n, got, want)
		}
		for i := range x {
			for _, odd := range []float64{math.Inf(1), math.Inf(-1), math.NaN()} {
				y := slices.Clone(x)
				y[i] = float32(odd)
				if got := SumSquares(y); !math.IsInf(got, 1) && !math.IsNaN(got) {
					t.Errorf("%v among %d elements: %v", odd, n, got)
				}
			}
		}
	}
	if got := SumSquares([]float32{math.MaxFloat32, math.MaxFloat32}); math.IsInf(got, 0) {
		t.Error("large numbers overflow")
	}
}

func TestSlices(t *testing.T) {
	x := []float32{-3, -0.5, 0, 2, 8}
	Clamp(x, 2)
	AddScaled(x, []float32{1, 1, 1, 1, 1}, 0.5)
	Scale(x, 2)
	if want := []float32{-3, 0, 1, 5, 5}; !slices.Equal(x, want) {
		t.Errorf("got %v, want %v", x, want)
	}
	Approach(x, []float32{1, 1, 1, 1, 1}, 0.25)
	if want := []float32{-2, 0.25, 1, 4, 4}; !slices.Equal(x, want) {
		t.Errorf("got %v, want %v", x, want)
	}
}

// TestLionSigns steps by the rate against the sign, and not at all at zero.
func TestLionSigns(t *testing.T) {
	w, g, m := make([]float32, 4), []float32{1e-30, -1e-30, 0, float32(math.Copysign(0, -1))}, make([]float32, 4)
	Lion(w, g, m, LionCoeffs{Rate: 0.5, Shrink: 1, Beta1: 0.5, Beta2: 0.5})
	if want := []float32{-0.5, 0.5, 0, 0}; !slices.Equal(w, want) {
		t.Errorf("got %v, want %v", w, want)
	}
}
