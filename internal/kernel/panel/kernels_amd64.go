//go:build amd64 && !purego

package panel

import "github.com/onnxrun/onnxrun/internal/cpu"

// assembly holds the rows of this architecture, those of the most rows first.
var assembly = []kernel{
	{"avx512", cpu.AVX512 | cpu.AVX2, 16, columns16AVX512},
	{"avx2", cpu.AVX2, 8, columns8AVX2},
}

// The functions below equal Args.generic for 16 and 8 rows.

//go:noescape
func columns16AVX512(c *call)

//go:noescape
func columns8AVX2(c *call)
