//go:build amd64 && !purego

package nms

import "github.com/onnxrun/onnxrun/internal/cpu"

// assembly holds the rows of this architecture, the preferred one last.
var assembly = []kernels{
	{"avx2", cpu.AVX2, overlapAVX2},
	{"avx512", cpu.AVX512, overlapAVX512},
}
