package num

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

// small describes a format to the tests by its functions only.
type small struct {
	name   string
	bits   int
	widen  func(uint16) float32
	round  func(float64) uint16 // saturating, or to infinity for the 16-bit formats
	strict func(float64) uint16 // not saturating
}

func smalls() []small {
	return []small{
		{"float16", 16, func(c uint16) float32 { return Float16(c).Float32() }, nil, func(x float64) uint16 { return uint16(ToFloat16(x)) }},
		{"bfloat16", 16, func(c uint16) float32 { return BFloat16(c).Float32() }, nil, func(x float64) uint16 { return uint16(ToBFloat16(x)) }},
		{"float8e4m3fn", 8, func(c uint16) float32 { return Float8E4M3FN(c).Float32() },
			func(x float64) uint16 { return uint16(ToFloat8E4M3FN(x, true)) }, func(x float64) uint16 { return uint16(ToFloat8E4M3FN(x, false)) }},
		{"float8e4m3fnuz", 8, func(c uint16) float32 { return Float8E4M3FNUZ(c).Float32() },
			func(x float64) uint16 { return uint16(ToFloat8E4M3FNUZ(x, true)) }, func(x float64) uint16 { return uint16(ToFloat8E4M3FNUZ(x, false)) }},
		{"float8e5m2", 8, func(c uint16) float32 { return Float8E5M2(c).Float32() },
			func(x float64) uint16 { return uint16(ToFloat8E5M2(x, true)) }, func(x float64) uint16 { return uint16(ToFloat8E5M2(x, false)) }},
		{"float8e5m2fnuz", 8, func(c uint16) float32 { return Float8E5M2FNUZ(c).Float32() },
			func(x float64) uint16 { return uint16(ToFloat8E5M2FNUZ(x, true)) }, func(x float64) uint16 { return uint16(ToFloat8E5M2FNUZ(x, false)) }},
		{"float4e2m1", 4, func(c uint16) float32 { return Float4E2M1(c).Float32() }, func(x float64) uint16 { return uint16(ToFloat4E2M1(x)) }, nil},
		{"float6e2m3", 6, func(c uint16) float32 { return Float6E2M3(c).Float32() }, func(x float64) uint16 { return uint16(ToFloat6E2M3(x)) }, nil},
		{"float6e3m2", 6, func(c uint16) float32 { return Float6E3M2(c).Float32() }, func(x float64) uint16 { return uint16(ToFloat6E3M2(x)) }, nil},
	}
}

func (s small) rounds() []func(float64) uint16 {
	var list []func(float64) uint16
	for _, f := range []func(float64) uint16{s.round, s.strict} {
		if f != nil {
			list = append(list, f)
		}
	}
	return list
}

// TestRoundTrip: every code is the rounding of its own value.
func TestRoundTrip(t *testing.T) {
	for _, s := range smalls() {
		for c := range 1 << s.bits {
			v := s.widen(uint16(c))
			for _, round := range s.rounds() {
				got := round(float64(v))
				if w := s.widen(got); math.IsInf(float64(v), 0) && s.round != nil {
					continue // saturation is tested below
				} else if v != w && (v == v || w == w) || v == v && math.Signbit(float64(v)) != math.Signbit(float64(w)) {
					t.Errorf("%s: code %#x is %v and comes back as %#x, %v", s.name, c, v, got, w)
				}
			}
		}
	}
}

// TestNearest compares with a search among the neighbours: numbers in the middle between two codes go to
// the even one, all others to the nearer one.
func TestNearest(t *testing.T) {
	for _, s := range smalls() {
		for c := range 1<<(s.bits-1) - 1 {
			a, b := float64(s.widen(uint16(c))), float64(s.widen(uint16(c+1)))
			if math.IsNaN(b) || math.IsInf(b, 0) {
				continue
			}
			mid := (a + b) / 2
			even := uint16(c + c&1)
			for _, round := range s.rounds() {
				for x, want := range map[float64]uint16{mid: even, math.Nextafter(mid, a): uint16(c), math.Nextafter(mid, b): uint16(c + 1)} {
					if got := round(x); got != want {
						t.Fatalf("%s: %v between %v and %v gives %#x, want %#x", s.name, x, a, b, got, want)
					}
					if want != 0 && round(-x) != want|1<<(s.bits-1) {
						t.Fatalf("%s: %v and its negative differ in more than the sign", s.name, x)
					}
				}
			}
		}
	}
}

func TestOutOfRange(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	cases := []struct {
		name string
		got  []uint8
		want []uint8
	}{
		{"e4m3fn", []uint8{uint8(ToFloat8E4M3FN(inf, true)), uint8(ToFloat8E4M3FN(-465, true)), uint8(ToFloat8E4M3FN(464, false)), uint8(ToFloat8E4M3FN(465, false)), uint8(ToFloat8E4M3FN(-inf, false)), uint8(ToFloat8E4M3FN(nan, true))},
			[]uint8{0x7E, 0xFE, 0x7E, 0x7F, 0xFF, 0x7F}},
		{"e4m3fnuz", []uint8{uint8(ToFloat8E4M3FNUZ(inf, true)), uint8(ToFloat8E4M3FNUZ(-1e9, true)), uint8(ToFloat8E4M3FNUZ(1e9, false)), uint8(ToFloat8E4M3FNUZ(nan, true)), uint8(ToFloat8E4M3FNUZ(-1e-9, true))},
			[]uint8{0x7F, 0xFF, 0x80, 0x80, 0}},
		{"e5m2", []uint8{uint8(ToFloat8E5M2(inf, true)), uint8(ToFloat8E5M2(-inf, false)), uint8(ToFloat8E5M2(61440, false)), uint8(ToFloat8E5M2(61439, false))},
			[]uint8{0x7B, 0xFC, 0x7C, 0x7B}},
		{"e5m2fnuz", []uint8{uint8(ToFloat8E5M2FNUZ(-inf, true)), uint8(ToFloat8E5M2FNUZ(inf, false)), uint8(ToFloat8E5M2FNUZ(math.Copysign(0, -1), false))},
			[]uint8{0xFF, 0x80, 0}},
		{"finite", []uint8{uint8(ToFloat4E2M1(inf)), uint8(ToFloat4E2M1(-100)), uint8(ToFloat4E2M1(nan)), uint8(ToFloat6E2M3(nan)), uint8(ToFloat6E3M2(-inf))},
			[]uint8{7, 15, 8, 0x20, 0x3F}},
		{"e8m0", []uint8{uint8(ToFloat8E8M0(1.5, RoundUp, true)), uint8(ToFloat8E8M0(1.5, RoundDown, true)), uint8(ToFloat8E8M0(1.5, RoundNearest, true)), uint8(ToFloat8E8M0(1.4, RoundNearest, true)), uint8(ToFloat8E8M0(math.MaxFloat32, RoundUp, true)), uint8(ToFloat8E8M0(math.MaxFloat32, RoundUp, false)), uint8(ToFloat8E8M0(float32(inf), RoundDown, true))},
			[]uint8{128, 127, 128, 127, 254, 255, 255}},
	}
	for _, c := range cases {
		if !bytes.Equal(c.got, c.want) {
			t.Errorf("%s: %#x, want %#x", c.name, c.got, c.want)
		}
	}
	if ToFloat16(65519.99) != 0x7BFF || ToFloat16(65520) != 0x7C00 || ToBFloat16(-inf) != 0xFF80 {
		t.Error("16-bit formats round wrongly at the end of their range")
	}
}

func TestE8M0Values(t *testing.T) {
	for c := range 255 {
		if got, want := float64(Float8E8M0(c).Float32()), math.Ldexp(1, c-127); got != want {
			t.Errorf("code %d is %g, want %g", c, got, want)
		}
	}
	if x := Float8E8M0(255).Float32(); x == x {
		t.Error("code 255 is not NaN")
	}
}

func TestPack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, bits := range []int{2, 4, 6} {
		for n := range 40 {
			codes, back := make([]byte, n), make([]byte, n)
			for i := range codes {
				codes[i] = byte(rng.Uint32()) & (1<<bits - 1)
			}
			packed := bytes.Repeat([]byte{0xFF}, (n*bits+7)/8)
			Pack(packed, codes, bits)
			for i := range n * bits { // bit i of the stream is bit i%bits of element i/bits
				if packed[i/8]>>(i%8)&1 != codes[i/bits]>>(i%bits)&1 {
					t.Fatalf("%d elements of %d bits: bit %d is wrong", n, bits, i)
				}
			}
			if Unpack(back, packed, bits); !bytes.Equal(back, codes) {
				t.Fatalf("%d elements of %d bits do not come back", n, bits)
			}
			if bits == 6 {
				continue
			}
			signed, out := make([]int8, n), make([]byte, len(packed))
			UnpackSigned(signed, packed, bits)
			for i, v := range signed {
				if v < -1<<(bits-1) || v >= 1<<(bits-1) || byte(v)&(1<<bits-1) != codes[i] {
					t.Fatalf("signed element %d of %d bits is %d, code %#x", i, bits, v, codes[i])
				}
			}
			if PackSigned(out, signed, bits); !bytes.Equal(out, packed) {
				t.Fatalf("%d signed elements of %d bits do not come back", n, bits)
			}
		}
	}
}

func TestSlices(t *testing.T) {
	src := []Float8E5M2{0, 0x3C, 0xBC}
	wide := make([]float32, 3)
	Widen(wide, src)
	back := make([]Float8E5M2, 3)
	Narrow(back, wide, func(x float64) Float8E5M2 { return ToFloat8E5M2(x, true) })
	if wide[1] != 1 || wide[2] != -1 || back[2] != 0xBC {
		t.Errorf("%v, %v", wide, back)
	}
}
