package fft

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/cmplx"
	"testing"
)

// sequence returns n numbers of a linear congruential generator.
func sequence(n int) []complex64 {
	v, out := uint32(n), make([]complex64, n)
	next := func() float32 {
		v = v*1664525 + 1013904223
		return float32(float64(v>>8)/(1<<24)*2 - 1)
	}
	for i := range out {
		re := next()
		out[i] = complex(re, next())
	}
	return out
}

// checksum hashes the bits of x; zeros have no sign.
func checksum(x []complex64) uint32 {
	var b []byte
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(real(v)+0))
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(imag(v)+0))
	}
	return crc32.ChecksumIEEE(b)
}

// TestBitsOfNumpy compares with numpy 2.4.6 on x86-64, bit by bit: numpy.fft.ifft of sequence(n) as complex64 (fft
// computes in float64).
func TestBitsOfNumpy(t *testing.T) {
	for _, c := range []struct {
		n       int
		inverse uint32
	}{
		{1, 0x9bc60ff6},
		{2, 0xa4a7567b},
		{3, 0xbd499077},
		{4, 0x20a78e06},
		{5, 0x2d30b303},
		{6, 0x5dd855f8},
		{7, 0x37e37f53},
		{8, 0xc1f63d9c},
		{9, 0x8e20268c},
		{10, 0x3ce1351a},
		{11, 0xbcbde155},
		{12, 0xe8900ed9},
		{15, 0x09927eb4},
		{16, 0x4e3875fb},
		{20, 0x7e1bf465},
		{24, 0x66441b06},
		{30, 0x48fe7610},
		{32, 0x091409cf},
		{35, 0xb1ce75ab},
		{40, 0x2318c8da},
		{48, 0x7366326e},
		{64, 0x2879096e},
		{77, 0x7a5ec106},
		{90, 0x3e5c8f67},
		{100, 0xfbc0e2e3},
		{121, 0x09529140},
		{128, 0x8abd3582},
		{256, 0x435a86b9},
		{400, 0xa8285530},
		{512, 0xaf87a7ab},
		{1000, 0x83052dbd},
		{1024, 0x18c20d13},
		{4096, 0x46c9a20d},
	} {
		x := sequence(c.n)
		NewPlan(c.n, true).Run(x)
		if got := checksum(x); got != c.inverse {
			t.Errorf("length %d: checksum %#x, want %#x", c.n, got, c.inverse)
		}
	}
}

// TestDefinition compares with the sum that defines the transform.
func TestDefinition(t *testing.T) {
	for _, n := range []int{1, 2, 6, 8, 15, 56, 110, 147} {
		for _, sign := range []float64{-1, 1} {
			x := sequence(n)
			y := append([]complex64(nil), x...)
			NewPlan(n, sign > 0).Run(y)
			for k, got := range y {
				var want complex128
				for i, v := range x {
					want += complex128(v) * cmplx.Exp(complex(0, sign*2*math.Pi*float64(i*k%n)/float64(n)))
				}
				if sign > 0 {
					want /= complex(float64(n), 0)
				}
				if cmplx.Abs(want-complex128(got)) > 1e-6*float64(n) {
					t.Errorf("length %d, sign %v: element %d is %v, want %v", n, sign, k, got, want)
				}
			}
		}
	}
	if NewPlan(26, false) != nil {
		t.Error("a plan for 26, whose factor 13 has no pass")
	}
}
