//go:build !purego

package cpu

import (
	"runtime"

	"github.com/klauspost/cpuid/v2"
)

// Bits of XCR0 that the operating system sets when it saves AMX tiles.
const tileState = 3 << 17

func detect() Feature {
	c := &cpuid.CPU
	var f Feature
	add := func(bit Feature, ids ...cpuid.FeatureID) bool {
		ok := c.Supports(ids...)
		if ok {
			f |= bit
		}
		return ok
	}
	if runtime.GOARCH == "arm64" {
		f |= NEON // part of the base architecture
	}
	add(DOTPROD, cpuid.ASIMDDP)
	add(I8MM, cpuid.ASIMDDP, cpuid.I8MM)
	add(BF16, cpuid.BF16)
	add(FP16, cpuid.ASIMDHP)
	if !add(AVX2, cpuid.AVX2, cpuid.FMA3, cpuid.F16C, cpuid.BMI2) {
		return f
	}
	add(AVXVNNI, cpuid.AVXVNNI)
	if !add(AVX512, cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.AVX512VL) {
		return f
	}
	add(VNNI, cpuid.AVX512VNNI)
	add(BF16, cpuid.AVX512BF16)
	add(FP16, cpuid.AVX512FP16)
	add(VBMI, cpuid.AVX512VBMI)
	if xcr0()&tileState == tileState {
		add(AMXINT8, cpuid.AMXTILE, cpuid.AMXINT8)
		add(AMXBF16, cpuid.AMXTILE, cpuid.AMXBF16)
	}
	return f
}

// Brand returns the processor's name, or "unknown".
func Brand() string {
	if cpuid.CPU.BrandName == "" {
		return "unknown"
	}
	return cpuid.CPU.BrandName
}

// Caches returns the sizes in bytes of the first-level data cache, the second and
// the third level as one core sees them; unknown sizes are 0.
func Caches() (l1, l2, l3 int) {
	c := cpuid.CPU.Cache
	return max(c.L1D, 0), max(c.L2, 0), max(c.L3, 0)
}

// SplitsZMM reports whether the processor runs arithmetic on 512 bits as two halves (Zen 4):
// then 256-bit kernels compute as fast, and load twice as many vectors in a cycle.
func SplitsZMM() bool { return cpuid.CPU.VendorID == cpuid.AMD && cpuid.CPU.Family == 0x19 }
