//go:build amd64 && !purego

package depthwise

import "github.com/onnxrun/onnxrun/internal/cpu"

func init() {
	rows = append(rows,
		Kernels{"avx2", cpu.AVX2, 8, rows3AVX2, rows3s2AVX2, rows5AVX2, rows5s2AVX2, rows7AVX2, rows7s2AVX2, tapsAVX2, nil, spreadAVX2, frameAVX2, []SumKernel{
			{1, 1, sums1x1AVX2}, {1, 3, sums1x3AVX2}, {1, 5, sums1x5AVX2}, {1, 7, sums1x7AVX2}, {3, 3, sums3x3AVX2},
		}, slideTable{{slide3AVX2, slide3s2AVX2}, {slide5AVX2, slide5s2AVX2}, {slide7AVX2, slide7s2AVX2}, {slide3x3AVX2, slide3x3s2AVX2}}, [2]func(a *GradsArgs){gradsAVX2, grads2AVX2}},
		Kernels{"avx512", cpu.AVX2 | cpu.AVX512, 16, rows3AVX512, rows3s2AVX512, rows5AVX512, rows5s2AVX512, rows7AVX512, rows7s2AVX512, tapsAVX512, pairsAVX512, spreadAVX512, frameAVX512, []SumKernel{
			{1, 1, sums1x1AVX512}, {1, 3, sums1x3AVX512}, {1, 5, sums1x5AVX512}, {1, 7, sums1x7AVX512}, {3, 3, sums3x3AVX512}, {5, 5, sums5x5AVX512},
		}, slideTable{{slide3AVX512, slide3s2AVX512}, {slide5AVX512, slide5s2AVX512}, {slide7AVX512, slide7s2AVX512}, {slide3x3AVX512, slide3x3s2AVX512}}, [2]func(a *GradsArgs){}},
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

// This one equals pairsGeneric.
//
//go:noescape
func pairsAVX512(a *PairArgs)

// The functions below equal spreadGeneric.

//go:noescape
func spreadAVX2(a *SpreadArgs)

//go:noescape
func spreadAVX512(a *SpreadArgs)

// The functions below equal frameGeneric.

//go:noescape
func frameAVX2(a *FrameArgs)

//go:noescape
func frameAVX512(a *FrameArgs)

// The functions below equal sumsGeneric for the lines and taps in their names.

//go:noescape
func sums1x1AVX2(a *SumArgs)

//go:noescape
func sums1x3AVX2(a *SumArgs)

//go:noescape
func sums1x5AVX2(a *SumArgs)

//go:noescape
func sums1x7AVX2(a *SumArgs)

//go:noescape
func sums3x3AVX2(a *SumArgs)

//go:noescape
func sums1x1AVX512(a *SumArgs)

//go:noescape
func sums1x3AVX512(a *SumArgs)

//go:noescape
func sums1x5AVX512(a *SumArgs)

//go:noescape
func sums1x7AVX512(a *SumArgs)

//go:noescape
func sums3x3AVX512(a *SumArgs)

//go:noescape
func sums5x5AVX512(a *SumArgs)

// The functions below equal slideLanes for the taps, lines and strides in their names.

//go:noescape
func slide3AVX2(a *SlideArgs)

//go:noescape
func slide3s2AVX2(a *SlideArgs)

//go:noescape
func slide5AVX2(a *SlideArgs)

//go:noescape
func slide5s2AVX2(a *SlideArgs)

//go:noescape
func slide7AVX2(a *SlideArgs)

//go:noescape
func slide7s2AVX2(a *SlideArgs)

//go:noescape
func slide3AVX512(a *SlideArgs)

//go:noescape
func slide3s2AVX512(a *SlideArgs)

//go:noescape
func slide5AVX512(a *SlideArgs)

//go:noescape
func slide5s2AVX512(a *SlideArgs)

//go:noescape
func slide7AVX512(a *SlideArgs)

//go:noescape
func slide7s2AVX512(a *SlideArgs)

//go:noescape
func slide3x3AVX2(a *SlideArgs)

//go:noescape
func slide3x3s2AVX2(a *SlideArgs)

//go:noescape
func slide3x3AVX512(a *SlideArgs)

//go:noescape
func slide3x3s2AVX512(a *SlideArgs)

// This one equals gradsGeneric.
//
//go:noescape
func gradsAVX2(a *GradsArgs)

// This one equals grads2Generic.
//
//go:noescape
func grads2AVX2(a *GradsArgs)
