package vec

import (
	"cmp"
	"math/rand/v2"
	"testing"
)

// TestSignAndRemainder compares the signs and remainders of integers of both signs with their definitions, in place.
func TestSignAndRemainder(t *testing.T) {
	old := active
	defer func() { active = old }()
	variants(t, func(t *testing.T, k *kernels) {
		active = k
		signAndRemainder(t, func(r *rand.Rand) int8 { return int8(r.IntN(256)) })
		signAndRemainder(t, func(r *rand.Rand) uint8 { return uint8(r.IntN(256)) })
		signAndRemainder(t, func(r *rand.Rand) int32 { return int32(r.Uint32()) >> r.IntN(32) })
		signAndRemainder(t, func(r *rand.Rand) int64 { return int64(r.Uint64()) >> r.IntN(64) })
		signAndRemainder(t, func(r *rand.Rand) uint64 { return r.Uint64() >> r.IntN(64) })
	})
}

func signAndRemainder[T Int](t *testing.T, element func(r *rand.Rand) T) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 3))
	a, b := make([]T, block+300), make([]T, block+300)
	for i := range a {
		a[i], b[i] = element(r), element(r)
	}
	signs, rests := append([]T(nil), a...), append([]T(nil), a...)
	SignOf(signs, signs)
	ModInt(rests, rests, b)
	for i, v := range a {
		if int(signs[i]) != cmp.Compare(v, 0) {
			t.Fatalf("the sign of %v is %v", v, signs[i])
		}
		d, m := b[i], rests[i]
		if d == 0 && m == 0 {
			continue
		}
		if d == 0 || m != 0 && (m < 0) != (d < 0) || m != v%d && m != v%d+d || d > 0 && m >= d || d < 0 && m <= d {
			t.Fatalf("%v modulo %v is %v", v, d, m)
		}
	}
}
