//go:build amd64 && !purego

package window

import "github.com/onnxrun/onnxrun/internal/cpu"

func init() {
	rows = append(rows,
		Kernels{"avx2", cpu.AVX2, 8, copyRowsAVX2, splitRowsAVX2, mergeRowsAVX2, packTapsAVX2, fmaTapsAVX2, maxTapsAVX2, sumTapsAVX2, maxTapsGradAVX2, maxPlacesAVX2, placesGradAVX2, tall5AVX2, tall7AVX2, linesAVX2, [2]func(*PlaneArgs){plane3s1AVX2, plane3s2AVX2}},
		Kernels{"avx512", cpu.AVX2 | cpu.AVX512, 16, copyRowsAVX512, splitRowsAVX512, mergeRowsAVX512, packTapsAVX512, fmaTapsAVX512, maxTapsAVX512, sumTapsAVX512, maxTapsGradAVX512, maxPlacesAVX512, placesGradAVX512, tall5AVX512, tall7AVX512, linesAVX512, [2]func(*PlaneArgs){plane3s1AVX512, plane3s2AVX512}},
	)
}

// The functions below equal the generic ones of the same name in kernels_generic.go.

//go:noescape
func copyRowsAVX2(a *RowArgs)

//go:noescape
func splitRowsAVX2(a *RowArgs)

//go:noescape
func mergeRowsAVX2(a *RowArgs)

//go:noescape
func packTapsAVX2(a *PackArgs)

//go:noescape
func fmaTapsAVX2(a *TapArgs)

//go:noescape
func maxTapsAVX2(a *TapArgs)

//go:noescape
func sumTapsAVX2(a *TapArgs)

//go:noescape
func maxTapsGradAVX2(a *MaxGradArgs)

//go:noescape
func maxPlacesAVX2(a *PlaceArgs)

//go:noescape
func placesGradAVX2(a *PlaceArgs)

//go:noescape
func copyRowsAVX512(a *RowArgs)

//go:noescape
func splitRowsAVX512(a *RowArgs)

//go:noescape
func mergeRowsAVX512(a *RowArgs)

//go:noescape
func packTapsAVX512(a *PackArgs)

//go:noescape
func fmaTapsAVX512(a *TapArgs)

//go:noescape
func maxTapsAVX512(a *TapArgs)

//go:noescape
func sumTapsAVX512(a *TapArgs)

//go:noescape
func maxTapsGradAVX512(a *MaxGradArgs)

//go:noescape
func maxPlacesAVX512(a *PlaceArgs)

//go:noescape
func placesGradAVX512(a *PlaceArgs)

//go:noescape
func tall5AVX2(a *TapArgs)

//go:noescape
func tall7AVX2(a *TapArgs)

//go:noescape
func tall5AVX512(a *TapArgs)

//go:noescape
func tall7AVX512(a *TapArgs)

//go:noescape
func linesAVX2(a *LineArgs)

//go:noescape
func linesAVX512(a *LineArgs)

//go:noescape
func plane3s1AVX2(a *PlaneArgs)

//go:noescape
func plane3s2AVX2(a *PlaneArgs)

//go:noescape
func plane3s1AVX512(a *PlaneArgs)

//go:noescape
func plane3s2AVX512(a *PlaneArgs)
