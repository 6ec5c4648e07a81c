//go:build amd64 && !purego

package find

import "github.com/onnxrun/onnxrun/internal/cpu"

// assembly holds the rows of this architecture, the preferred one last.
var assembly = []kernels{
	{"avx2", cpu.AVX2, aboveAVX2, belowAVX2, filledAVX2, markedAVX2},
	{"avx512", cpu.AVX512, aboveAVX512, belowAVX512, filledAVX512, markedAVX512},
}
