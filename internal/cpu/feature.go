package cpu

import "strings"

// Feature is a set of instruction-set extensions; sets combine with |.
type Feature uint64

// The extensions that kernels are written for. Each implies the ones its row of
// the table names.
const (
	AVX2    Feature = 1 << iota // AVX2 with FMA, F16C and BMI2
	AVX512                      // AVX-512 F, BW, DQ and VL
	VNNI                        // AVX512-VNNI: 8-bit dot products, EVEX encoded
	AVXVNNI                     // AVX-VNNI: 8-bit dot products, VEX encoded
	BF16                        // AVX512-BF16, or the bfloat16 extension of arm64
	FP16                        // AVX512-FP16, or the half-precision extension of arm64
	VBMI                        // AVX512-VBMI: byte permutations
	AMXINT8                     // AMX tiles of 8-bit integers
	AMXBF16                     // AMX tiles of bfloat16
	NEON                        // arm64 Advanced SIMD
	DOTPROD                     // arm64 SDOT and UDOT
	I8MM                        // arm64 SMMLA and UMMLA
)

// features is the table of names and of what a feature needs.
var features = []struct {
	bit   Feature
	name  string
	needs Feature
}{
	{AVX2, "avx2", 0},
	{AVX512, "avx512", AVX2},
	{VNNI, "vnni", AVX512 | AVX2},
	{AVXVNNI, "avxvnni", AVX2},
	{BF16, "bf16", 0},
	{FP16, "fp16", 0},
	{VBMI, "vbmi", AVX512 | AVX2},
	{AMXINT8, "amxint8", AVX512 | AVX2},
	{AMXBF16, "amxbf16", AVX512 | AVX2},
	{NEON, "neon", 0},
	{DOTPROD, "dotprod", NEON},
	{I8MM, "i8mm", NEON | DOTPROD},
}

// String lists the features of f, separated by blanks; the empty set is "generic".
func (f Feature) String() string {
	var names []string
	for _, r := range features {
		if f&r.bit != 0 {
			names = append(names, r.name)
		}
	}
	if len(names) == 0 {
		return "generic"
	}
	return strings.Join(names, " ")
}

func byName(name string) (Feature, bool) {
	for _, r := range features {
		if r.name == name {
			return r.bit, true
		}
	}
	return 0, name == "generic"
}

// closure returns what f needs.
func closure(f Feature) Feature {
	var out Feature
	for _, r := range features {
		if f&r.bit != 0 {
			out |= r.needs
		}
	}
	return out
}

// without removes bit and everything that needs it.
func without(f, bit Feature) Feature {
	f &^= bit
	for _, r := range features {
		if r.needs&bit != 0 {
			f &^= r.bit
		}
	}
	if bit&(AVX512|AVX2) != 0 {
		f &^= BF16 | FP16 // these stand on AVX-512 on amd64, on nothing on arm64
	}
	return f
}
