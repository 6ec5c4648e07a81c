//go:build amd64 && !purego

package depthwise

import "github.com/onnxrun/onnxrun/internal/cpu"

func init() {
	rows = append(rows,
		Kernels{"avx2", cpu.AVX2, 8, rows3AVX2, rows3s2AVX2, rows5AVX2, rows5s2AVX2, rows7AVX2, rows7s2AVX2, tapsAVX2},
		Kernels{"avx512", cpu.AVX2 | cpu.AVX512, 16, rows3AVX512, rows3s2AVX512, rows5AVX512, rows5s2AVX512, rows7AVX512, rows7s2AVX512, tapsAVX512},
	)
}

// The functions below equal rowsGeneric and tapsGeneric.

//go:noescape
func rows3AVX2(a *Args)

//go:noescape
func rows3s2AVX2(a *Args)

//go:noescape
func rows5AVX2(a *Args)

//go:noescape
func rows5s2AVX2(a *Args)

//go:noescape
func rows7AVX2(a *Args)

//go:noescape
func rows7s2AVX2(a *Args)

//go:noescape
func tapsAVX2(a *Args)

//go:noescape
func rows3AVX512(a *Args)

//go:noescape
func rows3s2AVX512(a *Args)

//go:noescape
func rows5AVX512(a *Args)

//go:noescape
func rows5s2AVX512(a *Args)

//go:noescape
func rows7AVX512(a *Args)

//go:noescape
func rows7s2AVX512(a *Args)

//go:noescape
func tapsAVX512(a *Args)
