//go:build amd64 && !purego

package batchnorm

import "github.com/onnxrun/onnxrun/internal/cpu"

// assembly holds the rows of this architecture, the preferred one last.
var assembly = []kernels{
	{"avx2", cpu.AVX2, momentsAVX2, productsAVX2, productsGatedAVX2, combineAVX2, combineGatedAVX2, normalizeAVX2, normalizeAddAVX2},
	{"avx512", cpu.AVX512, momentsAVX512, productsAVX512, productsGatedAVX512, combineAVX512, combineGatedAVX512, normalizeAVX512, normalizeAddAVX512},
}
