package vec

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

var (
	joinNames = [numJoin]string{"max", "min", "add", "sub", "mul", "div", "mod", "shl", "shr", "abs"}
	holdNames = [numHold]string{"equal", "less", "lessEqual"}
)

// joinsOf returns the functions of T that have kernels.
func joinsOf[T Number]() [numJoin]func(dst, a, b []T) {
	list := [numJoin]func(dst, a, b []T){MaxOf[T], MinOf[T], AddOf[T], SubOf[T], MulOf[T]}
	list[joinAbs] = func(dst, a, b []T) {
		if len(a) > 1 {
			AbsOf(dst, a)
		} else {
			NegOf(dst, b)
		}
	}
	switch f := any(&list).(type) {
	case *[numJoin]func(dst, a, b []float64):
		f[joinDiv] = DivOf[float64]
	case *[numJoin]func(dst, a, b []int32):
		f[joinDiv], f[joinMod] = DivInt[int32], ModInt[int32]
	case *[numJoin]func(dst, a, b []int64):
		f[joinDiv], f[joinMod] = DivInt[int64], ModInt[int64]
	case *[numJoin]func(dst, a, b []uint32):
		f[joinDiv], f[joinMod] = DivInt[uint32], ModInt[uint32]
		f[joinShl], f[joinShr] = Shl[uint32], Shr[uint32]
	case *[numJoin]func(dst, a, b []uint64):
		f[joinShl], f[joinShr] = Shl[uint64], Shr[uint64]
	}
	return list
}

// TestJoinsAndHolds compares the kernels of all types with the loops: lengths around groups, one element on either side,
// guards, equal elements, NaN and infinities.
func TestJoinsAndHolds(t *testing.T) {
	old := active
	defer func() { active = old }()
	r := rand.New(rand.NewPCG(12, 12))
	variants(t, func(t *testing.T, k *kernels) {
		typed(t, k, func() int8 { return int8(r.Uint32()) })
		typed(t, k, func() uint8 { return uint8(r.Uint32()) })
		typed(t, k, func() int16 { return int16(r.Uint32()) << r.IntN(16) })
		typed(t, k, func() uint16 { return uint16(r.Uint32()) << r.IntN(16) })
		typed(t, k, func() int32 { return int32(r.Uint32()) >> r.IntN(32) })
		typed(t, k, func() uint32 { return r.Uint32() >> r.IntN(32) })
		typed(t, k, func() int64 { return int64(r.Uint64()) >> r.IntN(64) })
		typed(t, k, func() uint64 { return r.Uint64() >> r.IntN(64) })
		typed(t, k, func() float64 {
			return []float64{r.NormFloat64(), math.NaN(), math.Inf(1), math.Inf(-1), 0, 1, 1, r.NormFloat64()}[r.IntN(8)]
		})
	})
}

// tails is the number of lengths to try: beyond three vectors of bytes, or two where time is short, on an emulated processor.
func tails() int {
	if testing.Short() {
		return 140
	}
	return 200
}

func typed[T Number](t *testing.T, k *kernels, element func() T) {
	t.Helper()
	e := elementOf[T]()
	random := func(n int) []T {
		x := make([]T, n)
		for i := range x {
			if x[i] = element(); i > 0 && i%3 == 0 {
				x[i] = x[i-1]
			}
		}
		return x
	}
	for _, n := range []int{1, 2, 63, 64, 65, 127, 128, 129, 256, 300, 3*block + 77} {
		for mode := range 3 {
			a, b := random(n), random(n)
			copy(b[n/2:], a[n/2:n/2+n/4])
			if mode == 1 {
				a = a[:1]
			} else if mode == 2 {
				b = b[:1]
			}
			for op, f := range joinsOf[T]() {
				if f == nil {
					continue
				}
				want := random(n + 2)
				got := append([]T(nil), want...)
				active = &generic
				f(want[1:n+1], a, b)
				active = k
				f(got[1:n+1:n+1], a, b)
				sameElements(t, joinNames[op], e, got, want)
			}
			for op, f := range [numHold]func(dst []bool, a, b []T){Equal[T], Less[T], LessEqual[T]} {
				want, got := make([]bool, n+2), make([]bool, n+2)
				active = &generic
				f(want[1:n+1], a, b)
				active = k
				f(got[1:n+1:n+1], a, b)
				if !bytes.Equal(octets(got), octets(want)) {
					t.Fatalf("%s of %d elements of type %d, mode %d: %v, want %v", holdNames[op], n, e, mode, got, want)
				}
			}
		}
	}
	typedRows(t, k, element)
	typedWhere(t, k, element)
}

// typedWhere compares choices between elements of every width with the loop: all tails, one element on either side, guards.
func typedWhere[T Number](t *testing.T, k *kernels, element func() T) {
	t.Helper()
	active = k
	for n := range tails() {
		cond, a, b := make([]bool, n), make([]T, n), make([]T, n)
		for i := range cond {
			cond[i], a[i], b[i] = i*7%3 == 0, element(), element()
		}
		for mode := range 4 {
			x, y := a, b
			if n > 0 && mode&1 > 0 {
				x = a[:1]
			}
			if n > 0 && mode&2 > 0 {
				y = b[:1]
			}
			want, got := make([]T, n+2), make([]T, n+2)
			whereGo(want[1:n+1], cond, x, y)
			Where(got[1:n+1:n+1], cond, x, y)
			sameElements(t, "where", elementOf[T](), got, want)
		}
	}
}

// typedRows compares the largest and the smallest elements of rows, few of which hold NaN.
func typedRows[T Number](t *testing.T, k *kernels, element func() T) {
	t.Helper()
	active = k
	for n := range 600 {
		x, high, low, want := make([]T, 3*n), make([]T, 3), make([]T, 3), make([]T, 3)
		for i := range x {
			x[i] = element()
			for i != n+n/3 && x[i] != x[i] {
				x[i] = element()
			}
		}
		if !MaxRows(high, x, n) || !MinRows(low, x, n) {
			continue
		}
		for i := range want {
			want[i] = extremeOf(joinMax, x[i*n], x[i*n:][:n])
		}
		sameElements(t, "largest", elementOf[T](), high, want)
		for i := range want {
			want[i] = extremeOf(joinMin, x[i*n], x[i*n:][:n])
		}
		sameElements(t, "least", elementOf[T](), low, want)
	}
}

func sameElements[T Number](t *testing.T, name string, e element, got, want []T) {
	t.Helper()
	for i, v := range got {
		if v != want[i] && (v == v || want[i] == want[i]) {
			t.Fatalf("%s: element %d of %d of type %d is %v, want %v", name, i, len(got), e, v, want[i])
		}
	}
}

func TestNegIntegers(t *testing.T) {
	x := make([]int64, 100)
	for i := range x {
		x[i] = int64(i) - 50
	}
	NegOf(x, x)
	for i, v := range x {
		if v != 50-int64(i) {
			t.Fatalf("element %d is %d", i, v)
		}
	}
}
