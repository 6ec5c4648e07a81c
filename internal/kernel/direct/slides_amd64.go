//go:build amd64 && !purego

package direct

var slides512 = SlideKernels{
	{
		slide1x1AVX512, slide1x2AVX512, slide1x3AVX512, slide1x4AVX512, slide1x5AVX512, slide1x6AVX512, slide1x7AVX512,
		slide1x8AVX512, slide1x9AVX512, slide1x10AVX512, slide1x11AVX512, slide1x12AVX512, slide1x13AVX512, slide1x14AVX512,
	},
	{
		slide2x1AVX512, slide2x2AVX512, slide2x3AVX512, slide2x4AVX512, slide2x5AVX512, slide2x6AVX512, slide2x7AVX512,
		slide2x8AVX512, slide2x9AVX512, slide2x10AVX512, slide2x11AVX512, slide2x12AVX512, slide2x13AVX512, slide2x14AVX512,
	},
}

var permutes512 = SlideKernels{
	{
		permute1x1AVX512, permute1x2AVX512, permute1x3AVX512, permute1x4AVX512, permute1x5AVX512, permute1x6AVX512, permute1x7AVX512,
		permute1x8AVX512, permute1x9AVX512, permute1x10AVX512, permute1x11AVX512, permute1x12AVX512, permute1x13AVX512, permute1x14AVX512,
	},
	{
		permute2x1AVX512, permute2x2AVX512, permute2x3AVX512, permute2x4AVX512, permute2x5AVX512, permute2x6AVX512, permute2x7AVX512,
		permute2x8AVX512, permute2x9AVX512, permute2x10AVX512, permute2x11AVX512, permute2x12AVX512, permute2x13AVX512, permute2x14AVX512,
	},
}

// The functions below equal slideGeneric: stride and outputs are in their names. Those of the name slide want lanes that read the same channels.

//go:noescape
func slide1x1AVX512(a *SlideArgs)

//go:noescape
func slide1x2AVX512(a *SlideArgs)

//go:noescape
func slide1x3AVX512(a *SlideArgs)

//go:noescape
func slide1x4AVX512(a *SlideArgs)

//go:noescape
func slide1x5AVX512(a *SlideArgs)

//go:noescape
func slide1x6AVX512(a *SlideArgs)

//go:noescape
func slide1x7AVX512(a *SlideArgs)

//go:noescape
func slide1x8AVX512(a *SlideArgs)

//go:noescape
func slide1x9AVX512(a *SlideArgs)

//go:noescape
func slide1x10AVX512(a *SlideArgs)

//go:noescape
func slide1x11AVX512(a *SlideArgs)

//go:noescape
func slide1x12AVX512(a *SlideArgs)

//go:noescape
func slide1x13AVX512(a *SlideArgs)

//go:noescape
func slide1x14AVX512(a *SlideArgs)

//go:noescape
func slide2x1AVX512(a *SlideArgs)

//go:noescape
func slide2x2AVX512(a *SlideArgs)

//go:noescape
func slide2x3AVX512(a *SlideArgs)

//go:noescape
func slide2x4AVX512(a *SlideArgs)

//go:noescape
func slide2x5AVX512(a *SlideArgs)

//go:noescape
func slide2x6AVX512(a *SlideArgs)

//go:noescape
func slide2x7AVX512(a *SlideArgs)

//go:noescape
func slide2x8AVX512(a *SlideArgs)

//go:noescape
func slide2x9AVX512(a *SlideArgs)

//go:noescape
func slide2x10AVX512(a *SlideArgs)

//go:noescape
func slide2x11AVX512(a *SlideArgs)

//go:noescape
func slide2x12AVX512(a *SlideArgs)

//go:noescape
func slide2x13AVX512(a *SlideArgs)

//go:noescape
func slide2x14AVX512(a *SlideArgs)

//go:noescape
func permute1x1AVX512(a *SlideArgs)

//go:noescape
func permute1x2AVX512(a *SlideArgs)

//go:noescape
func permute1x3AVX512(a *SlideArgs)

//go:noescape
func permute1x4AVX512(a *SlideArgs)

//go:noescape
func permute1x5AVX512(a *SlideArgs)

//go:noescape
func permute1x6AVX512(a *SlideArgs)

//go:noescape
func permute1x7AVX512(a *SlideArgs)

//go:noescape
func permute1x8AVX512(a *SlideArgs)

//go:noescape
func permute1x9AVX512(a *SlideArgs)

//go:noescape
func permute1x10AVX512(a *SlideArgs)

//go:noescape
func permute1x11AVX512(a *SlideArgs)

//go:noescape
func permute1x12AVX512(a *SlideArgs)

//go:noescape
func permute1x13AVX512(a *SlideArgs)

//go:noescape
func permute1x14AVX512(a *SlideArgs)

//go:noescape
func permute2x1AVX512(a *SlideArgs)

//go:noescape
func permute2x2AVX512(a *SlideArgs)

//go:noescape
func permute2x3AVX512(a *SlideArgs)

//go:noescape
func permute2x4AVX512(a *SlideArgs)

//go:noescape
func permute2x5AVX512(a *SlideArgs)

//go:noescape
func permute2x6AVX512(a *SlideArgs)

//go:noescape
func permute2x7AVX512(a *SlideArgs)

//go:noescape
func permute2x8AVX512(a *SlideArgs)

//go:noescape
func permute2x9AVX512(a *SlideArgs)

//go:noescape
func permute2x10AVX512(a *SlideArgs)

//go:noescape
func permute2x11AVX512(a *SlideArgs)

//go:noescape
func permute2x12AVX512(a *SlideArgs)

//go:noescape
func permute2x13AVX512(a *SlideArgs)

//go:noescape
func permute2x14AVX512(a *SlideArgs)

// dealAVX512 equals dealGeneric.
//
//go:noescape
func dealAVX512(a *DealArgs)
