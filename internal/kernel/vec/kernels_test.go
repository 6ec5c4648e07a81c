package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// variants calls f for every row of the table that this machine can run, and names the others.
func variants(t *testing.T, f func(t *testing.T, k *kernels)) {
	for i := range assembly {
		k := &assembly[i]
		t.Run(k.name, func(t *testing.T) {
			if cpu.Detected()&k.needs != k.needs {
				t.Skipf("vec/%s: needs %v", k.name, k.needs)
			}
			f(t, k)
		})
	}
}

// unaryCases say how far a variant may be from the generic loop: in units in the last place of the
// result, or absolutely, whichever is wider.
var unaryCases = []struct {
	op   unaryOp
	name string
	a, b float32
	ulps float64
	abs  float64
}{
	{opExp, "exp", 0, 0, 2, 0},
	{opExpTerm, "expTerm", 0, 0, 8, 1e-7},
	{opLog, "log", 0, 0, 2, 0},
	{opTanh, "tanh", 0, 0, 4, 0},
	{opSigmoid, "sigmoid", 0, 0, 4, 2.4e-38},
	{opErf, "erf", 0, 0, 6, 0},
	{opGelu, "gelu", 0, 0, 4, 1e-6},
	{opGeluTanh, "geluTanh", 0, 0, 8, 1e-6},
	{opSilu, "silu", 1, 0, 5, 6e-18},
	{opSilu, "swish", 1.702, 0, 5, 1e-5},
	{opSoftplus, "softplus", 0, 0, 4, 1.3e-38},
	{opMish, "mish", 0, 0, 6, 2e-36},
	{opHardSwish, "hardSwish", 0, 0, 1, 2e-7},
	{opHardSigmoid, "hardSigmoid", 0.2, 0.5, 0, 6e-8},
	{opRelu, "relu", 0, 0, 0, 0},
	{opLeakyRelu, "leakyRelu", 0.01, 0, 0, 0},
	{opElu, "elu", 1.5, 0, 4, 0},
	{opClip, "clip", -1, 6, 0, 0},
	{opNeg, "neg", 0, 0, 0, 0},
	{opAbs, "abs", 0, 0, 0, 0},
	{opSqrt, "sqrt", 0, 0, 0, 0},
	{opReciprocal, "reciprocal", 0, 0, 0, 0},
	{opFloor, "floor", 0, 0, 0, 0},
	{opCeil, "ceil", 0, 0, 0, 0},
	{opRound, "round", 0, 0, 0, 0},
	{opScaleShift, "scaleShift", 1.25, -3, 1, 1e-6},
	{opAxpy, "axpy", 1.25, 0, 1, 1e-5},
	{opCube, "cube", 0, 0, 0, 0},
	{opSub2, "sub2", 1.5, 0.25, 0, 0},
	{opSin, "sin", 0, 0, 2, 0},
	{opCos, "cos", 0, 0, 2, 0},
	{opTan, "tan", 0, 0, 4, 0},
	{opAtan, "atan", 0, 0, 3, 0},
	{opAsin, "asin", 0, 0, 3, 0},
	{opAcos, "acos", 0, 0, 3, 0},
	{opSinh, "sinh", 0, 0, 4, 0},
	{opCosh, "cosh", 0, 0, 3, 0},
	{opAsinh, "asinh", 0, 0, 4, 0},
	{opAcosh, "acosh", 0, 0, 4, 0},
	{opAtanh, "atanh", 0, 0, 4, 0},
	{opSoftsign, "softsign", 0, 0, 0, 0},
	{opSign, "sign", 0, 0, 0, 0},
	{opThresholdedRelu, "thresholdedRelu", 0.75, 0, 0, 0},
	{opShrink, "shrink", 0.5, 0.25, 0, 0},
}

// near reports whether got is close enough to want. Infinite and NaN results must agree.
func near(got, want float32, ulps, abs float64) bool {
	if got == want || got != got && want != want {
		return true
	}
	g, w := float64(got), float64(want)
	if math.IsInf(g, 0) || math.IsInf(w, 0) || g != g || w != w {
		return false
	}
	ulp := float64(math.Nextafter32(float32(math.Abs(w)), math.MaxFloat32)) - math.Abs(w)
	return math.Abs(g-w) <= max(abs, ulps*ulp)
}

// probes returns numbers of all magnitudes: specials, dense near the places where formulas change, and
// bit patterns at even steps.
func probes() []float32 {
	inf := float32(math.Inf(1))
	x := []float32{0, float32(math.Copysign(0, -1)), inf, -inf, float32(math.NaN()), math.MaxFloat32, -math.MaxFloat32,
		math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 0x1p-126, -0x1p-126, 0x1.fffffep-127, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5}
	for u := uint64(0); u < 1<<32; u += 65521 {
		if v := math.Float32frombits(uint32(u)); v == v {
			x = append(x, v)
		}
	}
	for v := float32(-110); v < 110; v += 0.0037 {
		x = append(x, v)
	}
	for v := float32(-5); v < 5; v += 0.00011 {
		x = append(x, v)
	}
	return x
}

func TestUnaryAccuracy(t *testing.T) {
	x := probes()
	want, got, start := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
	for i := range start {
		start[i] = float32(i%100) * 0.37
	}
	variants(t, func(t *testing.T, k *kernels) {
		for _, c := range unaryCases {
			copy(want, start)
			copy(got, start)
			generic.unary[c.op](want, x, c.a, c.b)
			k.unary[c.op](got, x, c.a, c.b)
			worst, at, bad := 0.0, 0, 0
			for i := range x {
				if c.op >= opSin && c.op <= opTan && !(math.Abs(float64(x[i])) <= trigLimit) {
					continue // left to the generic loop
				}
				if c.op == opExpTerm && x[i] > 0 {
					continue
				}
				if c.op == opMish && math.IsInf(float64(x[i]), -1) {
					continue // Inf * 0 or Inf * a subnormal number
				}
				if math.IsInf(float64(x[i]), 0) || math.Abs(float64(x[i])) > 1e30 || c.op == opAxpy || c.op == opScaleShift {
					if big := math.Abs(float64(want[i])) > 1e29; !near(got[i], want[i], max(c.ulps, 2), c.abs) && !big {
						t.Fatalf("%s(%v) is %v, want %v", c.name, x[i], got[i], want[i])
					}
					continue
				}
				if !near(got[i], want[i], c.ulps, c.abs) {
					if bad++; bad < 5 {
						t.Errorf("%s(%v) is %v, want %v", c.name, x[i], got[i], want[i])
					}
				}
				if w := math.Abs(float64(want[i])); w > 1e-37 && !math.IsInf(w, 0) && math.Abs(float64(got[i])-float64(want[i])) > c.abs {
					if e := math.Abs(float64(got[i])-float64(want[i])) / (w * 0x1p-24); e > worst {
						worst, at = e, i
					}
				}
			}
			t.Logf("%s: worst relative error %.2f x 2**-24 at %v, %d out of bounds", c.name, worst, x[at], bad)
		}
	})
}

// guarded returns n elements at an odd offset between guard words, and a check of the guards.
func guarded(n, offset int) ([]float32, func() bool) {
	buf := make([]float32, n+offset+40)
	for i := range buf {
		buf[i] = 12345
	}
	return buf[offset+16 : offset+16+n : offset+16+n], func() bool {
		for i, v := range buf {
			if (i < offset+16 || i >= offset+16+n) && v != 12345 {
				return false
			}
		}
		return true
	}
}

// TestUnaryTails checks that an element's result does not depend on its position, for all tails, and that
// nothing outside dst is written.
func TestUnaryTails(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	variants(t, func(t *testing.T, k *kernels) {
		for _, c := range unaryCases {
			const most = 3*64 + 17
			x, all := make([]float32, most), make([]float32, most)
			for i, v := range specials(r, most) {
				x[i], all[i] = v*5, float32(i)
			}
			k.unary[c.op](all, x, c.a, c.b)
			for n := range most {
				for offset := range 3 {
					dst, intact := guarded(n, offset)
					for i := range dst {
						dst[i] = float32(i)
					}
					k.unary[c.op](dst, x[:n:n], c.a, c.b)
					if !intact() {
						t.Fatalf("%s of %d elements writes outside", c.name, n)
					}
					for i := range dst {
						if math.Float32bits(dst[i]) != math.Float32bits(all[i]) {
							t.Fatalf("%s: element %d of %d is %v, of %d is %v", c.name, i, n, dst[i], most, all[i])
						}
					}
				}
			}
		}
	})
}

func specials(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		switch r.IntN(12) {
		case 0:
			x[i] = float32(math.NaN())
		case 1:
			x[i] = float32(math.Inf(1))
		case 2:
			x[i] = float32(math.Inf(-1))
		case 3:
			x[i] = float32(math.Copysign(0, float64(r.IntN(2))-0.5))
		default:
			x[i] = float32(r.NormFloat64())
		}
	}
	return x
}

var binaryNames = [numBinary]string{"add", "sub", "mul", "div", "max", "min", "addRelu", "addGelu", "addGeluTanh", "geluGrad", "geluTanhGrad", "mulAcc", "prelu", "addInt", "subInt", "mulInt", "andBits", "orBits", "xorBits"}

// binaryWithin says how far a variant may be from the generic loop, as unaryCases do.
var binaryWithin = [numBinary]struct{ ulps, abs float64 }{opAddGelu: {4, 1e-6}, opAddGeluTanh: {8, 1e-6}, opGeluGrad: {16, 4e-6}, opGeluTanhGrad: {16, 4e-6}, opMulAcc: {1, 3e-7}}

func TestBinary(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	variants(t, func(t *testing.T, k *kernels) {
		for op := range numBinary {
			for n := range 3*64 + 17 {
				for mode := range 3 {
					a, b := specials(r, n), specials(r, n)
					switch mode {
					case 1:
						a = specials(r, 1)
					case 2:
						b = specials(r, 1)
					}
					if op == opGeluGrad || op == opGeluTanhGrad {
						b = normals(r, len(b), 0) // as many times as far from each other
					}
					got, intact := guarded(n, mode)
					want := make([]float32, n)
					for i := range want {
						got[i], want[i] = 0.5, 0.5
					}
					if n == 0 && mode != 0 {
						continue
					}
					k.binary[op](got, a, b)
					generic.binary[op](want, a, b)
					if !intact() {
						t.Fatalf("%s of %d elements writes outside", binaryNames[op], n)
					}
					within := binaryWithin[op]
					for i := range got {
						if !near(got[i], want[i], within.ulps, within.abs) {
							t.Fatalf("%s, mode %d: element %d of %d is %v, want %v", binaryNames[op], mode, i, n, got[i], want[i])
						}
					}
				}
			}
		}
	})
}

func TestFolds(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	variants(t, func(t *testing.T, k *kernels) {
		for n := range 400 {
			buf := make([]float32, n+2)
			x, y := buf[1:1+n:1+n], make([]float32, n)
			for i := range x {
				x[i], y[i] = float32(r.NormFloat64()), float32(r.NormFloat64())
			}
			buf[0], buf[n+1] = 1e30, -1e30
			same := func(name string, got, want float32) {
				t.Helper()
				if !near(got, want, 0, 4e-7*float64(n+8)) {
					t.Fatalf("%s of %d elements is %v, want %v", name, n, got, want)
				}
			}
			for op := range numFold {
				same(fmt.Sprint("fold ", op), k.fold[op](x), generic.fold[op](x))
			}
			lo, hi := k.extent(x)
			same("extent", lo, generic.fold[opLowest](x))
			same("extent", hi, generic.fold[opHighest](x))
			same("sumDeviation", k.sumDeviation(x, 0.25), generic.sumDeviation(x, 0.25))
			same("dot", k.dot(x, y), generic.dot(x, y))
			if n > 0 {
				x[r.IntN(n)] = float32(math.NaN())
				for op := range numFold {
					if v := k.fold[op](x); v == v {
						t.Fatalf("fold %d of %d elements with a NaN is %v", op, n, v)
					}
				}
				if lo, hi := k.extent(x); lo == lo || hi == hi {
					t.Fatalf("extent of %d elements with a NaN is %v and %v", n, lo, hi)
				}
			}
		}
	})
}

func TestExpSumAndNormRow(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	variants(t, func(t *testing.T, k *kernels) {
		for n := range 200 {
			x, scale, bias := make([]float32, n), make([]float32, n), make([]float32, n)
			for i := range x {
				x[i], scale[i], bias[i] = float32(-20*r.Float64()), float32(r.NormFloat64()), float32(r.NormFloat64())
			}
			got, intact := guarded(n, 1)
			want := make([]float32, n)
			gs, ws := k.expSum(got, x, 0.5), generic.expSum(want, x, 0.5)
			if !near(gs, ws, 4, 1e-6) || !intact() {
				t.Fatalf("sum of exponentials of %d elements is %v, want %v", n, gs, ws)
			}
			for i := range got {
				if !near(got[i], want[i], 4, 1e-7) {
					t.Fatalf("exponential %d of %d is %v, want %v", i, n, got[i], want[i])
				}
			}
			for _, b := range [][]float32{bias, nil} {
				k.normRow(got, x, scale, b, -10, 0.3)
				generic.normRow(want, x, scale, b, -10, 0.3)
				for i := range got {
					if !near(got[i], want[i], 2, 1e-6) || !intact() {
						t.Fatalf("normalised element %d of %d is %v, want %v", i, n, got[i], want[i])
					}
				}
			}
		}
	})
}

func TestFloat16(t *testing.T) {
	variants(t, func(t *testing.T, k *kernels) {
		h := make([]uint16, 1<<16)
		for i := range h {
			h[i] = uint16(i)
		}
		got, want := make([]float32, len(h)), make([]float32, len(h))
		k.fromFloat16(got, h)
		generic.fromFloat16(want, h)
		for i := range h {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("half %#x is %v, want %v", i, got[i], want[i])
			}
		}
		x := probes()
		for _, v := range want {
			x = append(x, v, math.Nextafter32(v, 1e30), (v+math.Nextafter32(v, 1e30))/2, v*1.000244140625)
		}
		x = x[:len(x)&^15]
		g, w := make([]uint16, len(x)), make([]uint16, len(x))
		k.toFloat16(g, x)
		generic.toFloat16(w, x)
		for i := range x {
			if g[i] != w[i] {
				t.Fatalf("%v (%#x) rounds to %#x, want %#x", x[i], math.Float32bits(x[i]), g[i], w[i])
			}
		}
	})
}

func TestWhere(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	old := active
	defer func() { active = old }()
	check := func(t *testing.T) {
		for n := range 100 {
			cond, a, b := make([]bool, n), ramp(n, 1), ramp(n, 1000)
			for i := range cond {
				cond[i] = r.IntN(2) == 0
			}
			for mode := range 8 {
				c, x, y := cond, a, b
				if mode&1 != 0 {
					x = []int32{-1}
				}
				if mode&2 != 0 {
					y = []int32{-2}
				}
				if mode&4 != 0 {
					c = []bool{r.IntN(2) == 0}
				}
				buf := ramp(n+2, -5000)
				got := buf[1 : n+1 : n+1]
				Where(got, c, x, y)
				for i, v := range got {
					want := y[i&spread(len(y), n)]
					if c[i&spread(len(c), n)] {
						want = x[i&spread(len(x), n)]
					}
					if v != want {
						t.Fatalf("mode %d: element %d of %d is %d, want %d", mode, i, n, v, want)
					}
				}
				if buf[0] != -5000 || buf[n+1] != int32(n+1-5000) {
					t.Fatalf("mode %d: %d elements: writes outside", mode, n)
				}
			}
		}
	}
	active = &generic
	check(t)
	variants(t, func(t *testing.T, k *kernels) {
		active = k
		check(t)
	})
}

// TestSaturation checks that bounded functions reach their bounds and do not pass them.
func TestSaturation(t *testing.T) {
	x := probes()
	got := make([]float32, len(x))
	variants(t, func(t *testing.T, k *kernels) {
		for _, op := range []unaryOp{opTanh, opErf} {
			k.unary[op](got, x, 0, 0)
			for i, v := range got {
				if v > 1 || v < -1 || math.Abs(float64(x[i])) > 10 && v*v != 1 {
					t.Errorf("function %d of %v is %v", op, x[i], v)
				}
			}
		}
	})
}

func BenchmarkUnary(b *testing.B) {
	x, y := make([]float32, 1<<13), make([]float32, 1<<13)
	for i := range x {
		x[i] = float32(i%1000)*0.01 - 5
	}
	for i := range assembly {
		k := &assembly[i]
		if cpu.Detected()&k.needs != k.needs {
			b.Logf("vec/%s: needs %v", k.name, k.needs)
			continue
		}
		for _, c := range unaryCases {
			b.Run(k.name+"/"+c.name, func(b *testing.B) {
				for b.Loop() {
					k.unary[c.op](y, x, c.a, c.b)
				}
				b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
			})
		}
	}
}

// TestPairOfScalars: two scalars for a longer result, for every kernel.
func TestPairOfScalars(t *testing.T) {
	for op := range numBinary {
		for _, n := range []int{1, 2, 7, 33, block + 3} {
			got := make([]float32, n)
			pair(op, got, []float32{5}, []float32{3})
			want := make([]float32, 1)
			pair(op, want, []float32{5}, []float32{3})
			for i, v := range got {
				if v != want[0] {
					t.Fatalf("%s: element %d of %d is %v, want %v", binaryNames[op], i, n, v, want[0])
				}
			}
		}
	}
}
