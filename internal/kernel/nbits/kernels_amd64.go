//go:build amd64 && !purego

package nbits

import "github.com/onnxrun/onnxrun/internal/cpu"

// assembly holds the rows of this architecture, the preferred one last.
var assembly = []kernel{
	{"avx2", cpu.AVX2, expand4AVX2, expand8AVX2},
}
