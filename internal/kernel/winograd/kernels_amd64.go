//go:build amd64 && !purego

package winograd

import "github.com/onnxrun/onnxrun/internal/cpu"

func init() {
	rows = append(rows,
		Kernels{
			"avx2", cpu.AVX2, 8,
			Transforms{input4AVX2, output4AVX2, []func(*FilterArgs){filter4AAVX2, filter4BAVX2}, spread4AVX2, window4AVX2},
			Transforms{input2AVX2, output2AVX2, []func(*FilterArgs){filter2AVX2}, nil, nil},
			Transforms{inputPairAVX2, outputPairAVX2, []func(*FilterArgs){filterPairAAVX2, filterPairBAVX2}, spreadPairAVX2, windowPairAVX2},
		},
		Kernels{
			"avx512", cpu.AVX2 | cpu.AVX512, 16,
			Transforms{input4AVX512, output4AVX512, []func(*FilterArgs){filter4AAVX512, filter4BAVX512}, spread4AVX512, window4AVX512},
			Transforms{input2AVX512, output2AVX512, []func(*FilterArgs){filter2AVX512}, nil, nil},
			Transforms{inputPairAVX512, outputPairAVX512, []func(*FilterArgs){filterPairAAVX512, filterPairBAVX512}, spreadPairAVX512, windowPairAVX512},
		},
	)
}

// The functions below equal the generic ones of the same name in kernels_generic.go.

//go:noescape
func input4AVX2(a *InputArgs)

//go:noescape
func input2AVX2(a *InputArgs)

//go:noescape
func output4AVX2(a *OutputArgs)

//go:noescape
func output2AVX2(a *OutputArgs)

//go:noescape
func filter4AAVX2(a *FilterArgs)

//go:noescape
func filter4BAVX2(a *FilterArgs)

//go:noescape
func filter2AVX2(a *FilterArgs)

//go:noescape
func input4AVX512(a *InputArgs)

//go:noescape
func input2AVX512(a *InputArgs)

//go:noescape
func output4AVX512(a *OutputArgs)

//go:noescape
func output2AVX512(a *OutputArgs)

//go:noescape
func filter4AAVX512(a *FilterArgs)

//go:noescape
func filter4BAVX512(a *FilterArgs)

//go:noescape
func filter2AVX512(a *FilterArgs)

//go:noescape
func inputPairAVX2(a *InputArgs)

//go:noescape
func outputPairAVX2(a *OutputArgs)

//go:noescape
func filterPairAAVX2(a *FilterArgs)

//go:noescape
func filterPairBAVX2(a *FilterArgs)

//go:noescape
func spreadPairAVX2(a *InputArgs)

//go:noescape
func windowPairAVX2(a *WindowArgs)

//go:noescape
func inputPairAVX512(a *InputArgs)

//go:noescape
func outputPairAVX512(a *OutputArgs)

//go:noescape
func filterPairAAVX512(a *FilterArgs)

//go:noescape
func filterPairBAVX512(a *FilterArgs)

//go:noescape
func spreadPairAVX512(a *InputArgs)

//go:noescape
func windowPairAVX512(a *WindowArgs)

//go:noescape
func spread4AVX2(a *InputArgs)

//go:noescape
func window4AVX2(a *WindowArgs)

//go:noescape
func spread4AVX512(a *InputArgs)

//go:noescape
func window4AVX512(a *WindowArgs)
