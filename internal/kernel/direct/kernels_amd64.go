//go:build amd64 && !purego

package direct

import "github.com/onnxrun/onnxrun/internal/cpu"

func init() {
	rows = append(rows,
		Kernels{
			Name: "avx2", Needs: cpu.AVX2, Lanes: 8,
			Broadcast: [][]func(*Args){
				{
					broadcast1x1AVX2, broadcast1x2AVX2, broadcast1x3AVX2, broadcast1x4AVX2, broadcast1x5AVX2, broadcast1x6AVX2, broadcast1x7AVX2,
					broadcast1x8AVX2, broadcast1x9AVX2, broadcast1x10AVX2, broadcast1x11AVX2, broadcast1x12AVX2, broadcast1x13AVX2, broadcast1x14AVX2,
				},
				{
					broadcast2x1AVX2, broadcast2x2AVX2, broadcast2x3AVX2, broadcast2x4AVX2, broadcast2x5AVX2, broadcast2x6AVX2,
				},
			},
			Vectors: 2,
			Shuffle2: []func(*Args){
				shuffle2x1AVX2, shuffle2x2AVX2, shuffle2x3AVX2, shuffle2x4AVX2, shuffle2x5AVX2, shuffle2x6AVX2, shuffle2x7AVX2,
				shuffle2x8AVX2,
			},
			Shuffle4: []func(*Args){
				shuffle4x1AVX2, shuffle4x2AVX2, shuffle4x3AVX2, shuffle4x4AVX2, shuffle4x5AVX2, shuffle4x6AVX2, shuffle4x7AVX2,
				shuffle4x8AVX2,
			},
			Slides: &slides2, Deal: dealAVX2,
		},
		Kernels{
			Name: "avx512", Needs: cpu.AVX2 | cpu.AVX512, Lanes: 16,
			Broadcast: [][]func(*Args){
				{
					broadcast1x1AVX512, broadcast1x2AVX512, broadcast1x3AVX512, broadcast1x4AVX512, broadcast1x5AVX512, broadcast1x6AVX512, broadcast1x7AVX512,
					broadcast1x8AVX512, broadcast1x9AVX512, broadcast1x10AVX512, broadcast1x11AVX512, broadcast1x12AVX512, broadcast1x13AVX512, broadcast1x14AVX512,
				},
				{
					broadcast2x1AVX512, broadcast2x2AVX512, broadcast2x3AVX512, broadcast2x4AVX512, broadcast2x5AVX512, broadcast2x6AVX512, broadcast2x7AVX512,
					broadcast2x8AVX512, broadcast2x9AVX512, broadcast2x10AVX512, broadcast2x11AVX512, broadcast2x12AVX512, broadcast2x13AVX512, broadcast2x14AVX512,
				},
				{
					broadcast3x1AVX512, broadcast3x2AVX512, broadcast3x3AVX512, broadcast3x4AVX512, broadcast3x5AVX512, broadcast3x6AVX512, broadcast3x7AVX512,
					broadcast3x8AVX512, broadcast3x9AVX512,
				},
				{
					broadcast4x1AVX512, broadcast4x2AVX512, broadcast4x3AVX512, broadcast4x4AVX512, broadcast4x5AVX512, broadcast4x6AVX512,
				},
			},
			Vectors: vectors512(),
			Shuffle2: []func(*Args){
				shuffle2x1AVX512, shuffle2x2AVX512, shuffle2x3AVX512, shuffle2x4AVX512, shuffle2x5AVX512, shuffle2x6AVX512, shuffle2x7AVX512,
				shuffle2x8AVX512, shuffle2x9AVX512, shuffle2x10AVX512, shuffle2x11AVX512, shuffle2x12AVX512, shuffle2x13AVX512, shuffle2x14AVX512,
			},
			Shuffle4: []func(*Args){
				shuffle4x1AVX512, shuffle4x2AVX512, shuffle4x3AVX512, shuffle4x4AVX512, shuffle4x5AVX512, shuffle4x6AVX512, shuffle4x7AVX512,
				shuffle4x8AVX512, shuffle4x9AVX512, shuffle4x10AVX512, shuffle4x11AVX512, shuffle4x12AVX512, shuffle4x13AVX512, shuffle4x14AVX512,
			},
			Slides: &slides512, Permutes: &permutes512, Deal: dealAVX512,
		},
	)
}

// vectors512 is how many vectors of 512 bits are fastest: with more there are fewer loads for each multiply-add, which counts
// where two of them begin in a cycle.
func vectors512() int {
	if cpu.SplitsZMM() {
		return 2
	}
	return 4
}

// The functions below equal broadcastGeneric and shuffleGeneric: vectors or width, and outputs, are in their names.

//go:noescape
func broadcast1x1AVX2(a *Args)

//go:noescape
func broadcast1x2AVX2(a *Args)

//go:noescape
func broadcast1x3AVX2(a *Args)

//go:noescape
func broadcast1x4AVX2(a *Args)

//go:noescape
func broadcast1x5AVX2(a *Args)

//go:noescape
func broadcast1x6AVX2(a *Args)

//go:noescape
func broadcast1x7AVX2(a *Args)

//go:noescape
func broadcast1x8AVX2(a *Args)

//go:noescape
func broadcast1x9AVX2(a *Args)

//go:noescape
func broadcast1x10AVX2(a *Args)

//go:noescape
func broadcast1x11AVX2(a *Args)

//go:noescape
func broadcast1x12AVX2(a *Args)

//go:noescape
func broadcast1x13AVX2(a *Args)

//go:noescape
func broadcast1x14AVX2(a *Args)

//go:noescape
func broadcast2x1AVX2(a *Args)

//go:noescape
func broadcast2x2AVX2(a *Args)

//go:noescape
func broadcast2x3AVX2(a *Args)

//go:noescape
func broadcast2x4AVX2(a *Args)

//go:noescape
func broadcast2x5AVX2(a *Args)

//go:noescape
func broadcast2x6AVX2(a *Args)

//go:noescape
func shuffle2x1AVX2(a *Args)

//go:noescape
func shuffle2x2AVX2(a *Args)

//go:noescape
func shuffle2x3AVX2(a *Args)

//go:noescape
func shuffle2x4AVX2(a *Args)

//go:noescape
func shuffle2x5AVX2(a *Args)

//go:noescape
func shuffle2x6AVX2(a *Args)

//go:noescape
func shuffle2x7AVX2(a *Args)

//go:noescape
func shuffle2x8AVX2(a *Args)

//go:noescape
func shuffle4x1AVX2(a *Args)

//go:noescape
func shuffle4x2AVX2(a *Args)

//go:noescape
func shuffle4x3AVX2(a *Args)

//go:noescape
func shuffle4x4AVX2(a *Args)

//go:noescape
func shuffle4x5AVX2(a *Args)

//go:noescape
func shuffle4x6AVX2(a *Args)

//go:noescape
func shuffle4x7AVX2(a *Args)

//go:noescape
func shuffle4x8AVX2(a *Args)

//go:noescape
func broadcast1x1AVX512(a *Args)

//go:noescape
func broadcast1x2AVX512(a *Args)

//go:noescape
func broadcast1x3AVX512(a *Args)

//go:noescape
func broadcast1x4AVX512(a *Args)

//go:noescape
func broadcast1x5AVX512(a *Args)

//go:noescape
func broadcast1x6AVX512(a *Args)

//go:noescape
func broadcast1x7AVX512(a *Args)

//go:noescape
func broadcast1x8AVX512(a *Args)

//go:noescape
func broadcast1x9AVX512(a *Args)

//go:noescape
func broadcast1x10AVX512(a *Args)

//go:noescape
func broadcast1x11AVX512(a *Args)

//go:noescape
func broadcast1x12AVX512(a *Args)

//go:noescape
func broadcast1x13AVX512(a *Args)

//go:noescape
func broadcast1x14AVX512(a *Args)

//go:noescape
func broadcast2x1AVX512(a *Args)

//go:noescape
func broadcast2x2AVX512(a *Args)

//go:noescape
func broadcast2x3AVX512(a *Args)

//go:noescape
func broadcast2x4AVX512(a *Args)

//go:noescape
func broadcast2x5AVX512(a *Args)

//go:noescape
func broadcast2x6AVX512(a *Args)

//go:noescape
func broadcast2x7AVX512(a *Args)

//go:noescape
func broadcast2x8AVX512(a *Args)

//go:noescape
func broadcast2x9AVX512(a *Args)

//go:noescape
func broadcast2x10AVX512(a *Args)

//go:noescape
func broadcast2x11AVX512(a *Args)

//go:noescape
func broadcast2x12AVX512(a *Args)

//go:noescape
func broadcast2x13AVX512(a *Args)

//go:noescape
func broadcast2x14AVX512(a *Args)

//go:noescape
func broadcast3x1AVX512(a *Args)

//go:noescape
func broadcast3x2AVX512(a *Args)

//go:noescape
func broadcast3x3AVX512(a *Args)

//go:noescape
func broadcast3x4AVX512(a *Args)

//go:noescape
func broadcast3x5AVX512(a *Args)

//go:noescape
func broadcast3x6AVX512(a *Args)

//go:noescape
func broadcast3x7AVX512(a *Args)

//go:noescape
func broadcast3x8AVX512(a *Args)

//go:noescape
func broadcast3x9AVX512(a *Args)

//go:noescape
func broadcast4x1AVX512(a *Args)

//go:noescape
func broadcast4x2AVX512(a *Args)

//go:noescape
func broadcast4x3AVX512(a *Args)

//go:noescape
func broadcast4x4AVX512(a *Args)

//go:noescape
func broadcast4x5AVX512(a *Args)

//go:noescape
func broadcast4x6AVX512(a *Args)

//go:noescape
func shuffle2x1AVX512(a *Args)

//go:noescape
func shuffle2x2AVX512(a *Args)

//go:noescape
func shuffle2x3AVX512(a *Args)

//go:noescape
func shuffle2x4AVX512(a *Args)

//go:noescape
func shuffle2x5AVX512(a *Args)

//go:noescape
func shuffle2x6AVX512(a *Args)

//go:noescape
func shuffle2x7AVX512(a *Args)

//go:noescape
func shuffle2x8AVX512(a *Args)

//go:noescape
func shuffle2x9AVX512(a *Args)

//go:noescape
func shuffle2x10AVX512(a *Args)

//go:noescape
func shuffle2x11AVX512(a *Args)

//go:noescape
func shuffle2x12AVX512(a *Args)

//go:noescape
func shuffle2x13AVX512(a *Args)

//go:noescape
func shuffle2x14AVX512(a *Args)

//go:noescape
func shuffle4x1AVX512(a *Args)

//go:noescape
func shuffle4x2AVX512(a *Args)

//go:noescape
func shuffle4x3AVX512(a *Args)

//go:noescape
func shuffle4x4AVX512(a *Args)

//go:noescape
func shuffle4x5AVX512(a *Args)

//go:noescape
func shuffle4x6AVX512(a *Args)

//go:noescape
func shuffle4x7AVX512(a *Args)

//go:noescape
func shuffle4x8AVX512(a *Args)

//go:noescape
func shuffle4x9AVX512(a *Args)

//go:noescape
func shuffle4x10AVX512(a *Args)

//go:noescape
func shuffle4x11AVX512(a *Args)

//go:noescape
func shuffle4x12AVX512(a *Args)

//go:noescape
func shuffle4x13AVX512(a *Args)

//go:noescape
func shuffle4x14AVX512(a *Args)
