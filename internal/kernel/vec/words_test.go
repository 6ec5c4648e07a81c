package vec

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

var compareNames = [numCompare]string{"equal", "less", "lessEqual", "notEqual", "unordered", "absEqual", "equalInt", "lessInt", "lessEqualInt"}

// edges returns floats of all kinds, many of them equal; as bits they are integers of both signs.
func edges(r *rand.Rand, n int) []float32 {
	x := specials(r, n)
	for i := range x {
		if r.IntN(2) == 0 {
			x[i] = float32(r.IntN(5) - 2)
		}
	}
	return x
}

func TestCompareVariants(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	variants(t, func(t *testing.T, k *kernels) {
		for op := range numCompare {
			for n := 0; n <= 5*compareGroup; n += compareGroup {
				for mode := range 4 {
					a, b := edges(r, max(n, 1)), edges(r, max(n, 1))
					if mode&1 != 0 {
						a = a[:1]
					}
					if mode&2 != 0 {
						b = b[:1]
					}
					buf, want := make([]bool, n+2), make([]bool, n)
					k.compare[op](buf[1:n+1:n+1], a, b)
					generic.compare[op](want, a, b)
					if buf[0] || buf[n+1] {
						t.Fatalf("%s of %d writes outside", compareNames[op], n)
					}
					for i, v := range buf[1 : n+1] {
						if v != want[i] {
							t.Fatalf("%s, mode %d: element %d of %d is %v", compareNames[op], mode, i, n, v)
						}
					}
				}
			}
		}
	})
}

// TestComparisons checks the exported functions against Go's operators, for lengths around a group.
func TestComparisons(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	old := active
	defer func() { active = old }()
	check := func(t *testing.T) {
		for n := range 70 {
			a, b := edges(r, n), edges(r, n)
			inf := float32(math.Inf(1))
			x, y := wordsOf(a), wordsOf(b)
			ints := func(x []uint32) []int32 { return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(x))), len(x)) }
			p, q := ints(x), ints(y)
			for _, c := range []struct {
				name string
				run  func(dst []bool)
				want func(i int) bool
			}{
				{"Equal float32", func(d []bool) { Equal(d, a, b) }, func(i int) bool { return a[i] == b[i] }},
				{"Less float32", func(d []bool) { Less(d, a, b) }, func(i int) bool { return a[i] < b[i] }},
				{"GreaterEqual float32", func(d []bool) { GreaterEqual(d, a, b) }, func(i int) bool { return a[i] >= b[i] }},
				{"Equal uint32", func(d []bool) { Equal(d, x, y) }, func(i int) bool { return x[i] == y[i] }},
				{"Less uint32", func(d []bool) { Less(d, x, y) }, func(i int) bool { return x[i] < y[i] }},
				{"Less int32", func(d []bool) { Less(d, p, q) }, func(i int) bool { return p[i] < q[i] }},
				{"LessEqual int32", func(d []bool) { LessEqual(d, p, q) }, func(i int) bool { return p[i] <= q[i] }},
				{"IsNaN", func(d []bool) { IsNaN(d, a) }, func(i int) bool { return a[i] != a[i] }},
				{"IsInf", func(d []bool) { IsInf(d, a, true, true) }, func(i int) bool { return a[i] == inf || a[i] == -inf }},
				{"IsInf positive", func(d []bool) { IsInf(d, a, true, false) }, func(i int) bool { return a[i] == inf }},
				{"IsInf negative", func(d []bool) { IsInf(d, a, false, true) }, func(i int) bool { return a[i] == -inf }},
				{"IsInf neither", func(d []bool) { IsInf(d, a, false, false) }, func(i int) bool { return false }},
				{"ToBool", func(d []bool) { ToBool(d, a) }, func(i int) bool { return a[i] != 0 }},
			} {
				got := make([]bool, n)
				for i := range got {
					got[i] = r.IntN(2) == 0
				}
				c.run(got)
				for i, v := range got {
					if v != c.want(i) {
						t.Fatalf("%s: element %d of %d is %v (%v and %v)", c.name, i, n, v, a[i], b[i])
					}
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

func TestLogicAndBits(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	old := active
	defer func() { active = old }()
	check := func(t *testing.T) {
		for n := range 80 {
			a, b, got := make([]bool, n), make([]bool, n), make([]bool, n)
			u, v, w := make([]uint16, n), make([]uint16, n), make([]uint16, n)
			for i := range a {
				a[i], b[i], u[i], v[i] = r.IntN(2) == 0, r.IntN(2) == 0, uint16(r.Uint32()), uint16(r.Uint32())
			}
			for scalar := range 2 {
				x, y := b, v
				if scalar == 1 && n > 0 {
					x, y = b[:1], v[:1]
				}
				m := spread(len(x), n)
				for _, c := range []struct {
					name  string
					logic func(dst, a, b []bool)
					bits  func(dst, a, b []uint16)
					l     func(a, b bool) bool
					b     func(a, b uint16) uint16
				}{
					{"and", And, BitAnd[uint16], func(a, b bool) bool { return a && b }, func(a, b uint16) uint16 { return a & b }},
					{"or", Or, BitOr[uint16], func(a, b bool) bool { return a || b }, func(a, b uint16) uint16 { return a | b }},
					{"xor", Xor, BitXor[uint16], func(a, b bool) bool { return a != b }, func(a, b uint16) uint16 { return a ^ b }},
					{"not", func(d, a, _ []bool) { Not(d, a) }, func(d, a, _ []uint16) { BitNot(d, a) },
						func(a, _ bool) bool { return !a }, func(a, _ uint16) uint16 { return ^a }},
				} {
					c.logic(got, a, x)
					c.bits(w, u, y)
					for i := range got {
						if got[i] != c.l(a[i], x[i&m]) || w[i] != c.b(u[i], y[i&m]) {
							t.Fatalf("%s: element %d of %d is %v and %#x", c.name, i, n, got[i], w[i])
						}
					}
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

// conversion compares a conversion with the plain loop for lengths around a group, with guards.
func conversion[D, S Number](t *testing.T, name string, from func(i int) S) {
	t.Helper()
	for n := range 3*convertGroup + 3 {
		x, want, buf := make([]S, n), make([]D, n), make([]D, n+2)
		for i := range x {
			x[i] = from(i)
		}
		buf[0], buf[n+1] = 77, 77
		Convert(buf[1:n+1:n+1], x)
		convertGo(want, x)
		if buf[0] != 77 || buf[n+1] != 77 {
			t.Fatalf("%s of %d writes outside", name, n)
		}
		for i, v := range buf[1 : n+1] {
			if v != want[i] && (v == v || want[i] == want[i]) {
				t.Fatalf("%s: element %d of %d, %v, is %v, want %v", name, i, n, x[i], v, want[i])
			}
		}
	}
}

func TestConvert(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 10))
	old := active
	defer func() { active = old }()
	variants(t, func(t *testing.T, k *kernels) {
		active = k
		wide := func(int) float32 { return float32(r.NormFloat64() * 1e9) }
		conversion[int32](t, "float32 to int32", func(int) float32 { return float32(r.NormFloat64() * 1e8) })
		conversion[uint8](t, "float32 to uint8", func(int) float32 { return float32(r.Float64() * 255) })
		conversion[float64](t, "float32 to float64", wide)
		conversion[float32](t, "float64 to float32", func(int) float64 { return r.NormFloat64() * 1e30 })
		conversion[float32](t, "int32 to float32", func(int) int32 { return int32(r.Uint32()) })
		conversion[int64](t, "int32 to int64", func(int) int32 { return int32(r.Uint32()) })
		conversion[int32](t, "int64 to int32", func(int) int64 { return int64(r.Uint64()) })
		conversion[float32](t, "uint8 to float32", func(int) uint8 { return uint8(r.Uint32()) })
		conversion[int64](t, "float32 to int64", wide)
		conversion[int64](t, "large float32 to int64", func(int) float32 { return float32(r.NormFloat64() * 1e15) })
		conversion[float32](t, "int64 to float32", func(int) int64 { return int64(r.Uint64()) >> r.IntN(64) })
		conversion[float64](t, "int64 to float64", func(int) int64 { return int64(r.Uint64()) >> r.IntN(64) })
		conversion[int64](t, "float64 to int64", func(int) float64 { return r.NormFloat64() * 1e17 })
		conversion[int32](t, "float64 to int32", func(int) float64 { return r.NormFloat64() * 1e8 })
		conversion[float64](t, "int32 to float64", func(int) int32 { return int32(r.Uint32()) })
		conversion[float32](t, "int8 to float32", func(int) int8 { return int8(r.Uint32()) })
		conversion[int32](t, "int8 to int32", func(int) int8 { return int8(r.Uint32()) })
		conversion[int32](t, "uint8 to int32", func(int) uint8 { return uint8(r.Uint32()) })
		conversion[int64](t, "int8 to int64", func(int) int8 { return int8(r.Uint32()) })
		conversion[int64](t, "uint8 to int64", func(int) uint8 { return uint8(r.Uint32()) })
		conversion[uint8](t, "int32 to uint8", func(int) int32 { return int32(r.Uint32()) })
		conversion[int8](t, "int32 to int8", func(int) int32 { return int32(r.Uint32()) })
		conversion[uint8](t, "int64 to uint8", func(int) int64 { return int64(r.Uint64()) })
		conversion[int8](t, "int64 to int8", func(int) int64 { return int64(r.Uint64()) })
		conversion[int8](t, "float32 to int8", func(int) float32 { return float32(r.Float64()*257 - 128.5) })
		conversion[float32](t, "uint16 to float32", func(int) uint16 { return uint16(r.Uint32()) })
		conversion[float32](t, "int16 to float32", func(int) int16 { return int16(r.Uint32()) })
		conversion[int32](t, "uint16 to int32", func(int) uint16 { return uint16(r.Uint32()) })
		conversion[int32](t, "int16 to int32", func(int) int16 { return int16(r.Uint32()) })
		conversion[uint32](t, "int16 to uint32", func(int) int16 { return int16(r.Uint32()) })
		conversion[uint32](t, "uint16 to uint32", func(int) uint16 { return uint16(r.Uint32()) })
		conversion[uint16](t, "float32 to uint16", func(int) float32 { return float32(r.Float64() * 65535.9) })
		conversion[int16](t, "float32 to int16", func(int) float32 { return float32(r.Float64()*65536 - 32768) })
		conversion[uint16](t, "int32 to uint16", func(int) int32 { return int32(r.Uint32()) })
		conversion[int16](t, "int32 to int16", func(int) int32 { return int32(r.Uint32()) })
		conversion[int16](t, "uint32 to int16", func(int) uint32 { return r.Uint32() })
		conversion[uint16](t, "uint32 to uint16", func(int) uint32 { return r.Uint32() })
		conversion[uint8](t, "uint32 to uint8", func(int) uint32 { return r.Uint32() })
		conversion[float32](t, "uint32 to float32", func(int) uint32 { return r.Uint32() >> r.IntN(32) })
	})
}

func TestToUint64(t *testing.T) {
	x := []float32{0, 1.9, 0x1p63, 0x1.8p63, 0x1p64, 1e30, float32(math.Inf(1))}
	want := []uint64{0, 1, 1 << 63, 3 << 62, 0, 0, 0} // numpy 2.4 on x86-64
	got := make([]uint64, len(x))
	ToUint64(got, x)
	for i, v := range got {
		if v != want[i] {
			t.Errorf("%v becomes %d, want %d", x[i], v, want[i])
		}
	}
	ToUint64(got[:1], []int32{-1})
	if got[0] != math.MaxUint64 {
		t.Errorf("-1 becomes %d", got[0])
	}
}

// TestPartial compares Pow and Fmod with the loops in float64, for ordinary and other operands in any order.
func TestPartial(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	old := active
	defer func() { active = old }()
	variants(t, func(t *testing.T, k *kernels) {
		active = k
		for round := range 400 {
			n := r.IntN(3000)
			a, b := make([]float32, n), make([]float32, n)
			for i := range a {
				a[i], b[i] = float32(math.Exp(r.NormFloat64()*4)), float32(r.NormFloat64()*6)
				if round%2 == 0 && r.IntN(9) == 0 {
					a[i] = edges(r, 1)[0]
				}
				if round%3 == 0 && r.IntN(9) == 0 {
					b[i] = edges(r, 1)[0]
				}
			}
			x, y := a, b
			if n > 0 && round%5 == 1 {
				x = a[:1]
			} else if n > 0 && round%5 == 2 {
				y = b[:1]
			}
			mx, my := spread(len(x), n), spread(len(y), n)
			pow, mod := make([]float32, n), make([]float32, n)
			partly(active.pow, powGo, pow, x, y)
			Fmod(mod, x, y)
			for i := range n {
				p, q := float64(x[i&mx]), float64(y[i&my])
				if want := float32(math.Pow(p, q)); !near(pow[i], want, 2, 0) {
					t.Fatalf("pow(%v, %v) is %v, want %v", p, q, pow[i], want)
				}
				if want := float32(math.Mod(p, q)); math.Float32bits(mod[i]) != math.Float32bits(want) && want == want {
					t.Fatalf("fmod(%v, %v) is %v, want %v", p, q, mod[i], want)
				}
			}
		}
	})
}

// TestSaturate compares bytes of whole numbers with a switch, out of range, for NaN and infinities, in all tails.
func TestSaturate(t *testing.T) {
	old := active
	defer func() { active = old }()
	variants(t, func(t *testing.T, k *kernels) {
		active = k
		for n := range 70 {
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(i*37%600 - 300)
				switch i % 13 {
				case 5:
					x[i] = float32(math.NaN())
				case 7:
					x[i] = float32(math.Inf(i%2*2 - 1))
				}
			}
			signed, unsigned := make([]int8, n), make([]uint8, n)
			Saturate(signed, append([]float32(nil), x...))
			Saturate(unsigned, append([]float32(nil), x...))
			for i, v := range x {
				s, u := int8(math.MinInt8), uint8(0)
				if v == v {
					s, u = int8(min(max(v, -128), 127)), uint8(min(max(v, 0), 255))
				}
				if signed[i] != s || unsigned[i] != u {
					t.Fatalf("%v becomes %d and %d, want %d and %d", v, signed[i], unsigned[i], s, u)
				}
			}
		}
	})
}
