//go:build amd64 && !purego

package direct

var slides2 = SlideKernels{
	{
		slide1x1AVX2, slide1x2AVX2, slide1x3AVX2, slide1x4AVX2, slide1x5AVX2, slide1x6AVX2, slide1x7AVX2,
		slide1x8AVX2, slide1x9AVX2, slide1x10AVX2, slide1x11AVX2, slide1x12AVX2,
	},
	{
		slide2x1AVX2, slide2x2AVX2, slide2x3AVX2, slide2x4AVX2, slide2x5AVX2, slide2x6AVX2, slide2x7AVX2,
		slide2x8AVX2, slide2x9AVX2, slide2x10AVX2, slide2x11AVX2, slide2x12AVX2,
	},
}

// The functions below equal slideGeneric: stride and outputs are in their names.

//go:noescape
func slide1x1AVX2(a *SlideArgs)

//go:noescape
func slide1x2AVX2(a *SlideArgs)

//go:noescape
func slide1x3AVX2(a *SlideArgs)

//go:noescape
func slide1x4AVX2(a *SlideArgs)

//go:noescape
func slide1x5AVX2(a *SlideArgs)

//go:noescape
func slide1x6AVX2(a *SlideArgs)

//go:noescape
func slide1x7AVX2(a *SlideArgs)

//go:noescape
func slide1x8AVX2(a *SlideArgs)

//go:noescape
func slide1x9AVX2(a *SlideArgs)

//go:noescape
func slide1x10AVX2(a *SlideArgs)

//go:noescape
func slide1x11AVX2(a *SlideArgs)

//go:noescape
func slide1x12AVX2(a *SlideArgs)

//go:noescape
func slide2x1AVX2(a *SlideArgs)

//go:noescape
func slide2x2AVX2(a *SlideArgs)

//go:noescape
func slide2x3AVX2(a *SlideArgs)

//go:noescape
func slide2x4AVX2(a *SlideArgs)

//go:noescape
func slide2x5AVX2(a *SlideArgs)

//go:noescape
func slide2x6AVX2(a *SlideArgs)

//go:noescape
func slide2x7AVX2(a *SlideArgs)

//go:noescape
func slide2x8AVX2(a *SlideArgs)

//go:noescape
func slide2x9AVX2(a *SlideArgs)

//go:noescape
func slide2x10AVX2(a *SlideArgs)

//go:noescape
func slide2x11AVX2(a *SlideArgs)

//go:noescape
func slide2x12AVX2(a *SlideArgs)

// dealAVX2 equals dealGeneric.
//
//go:noescape
func dealAVX2(a *DealArgs)
