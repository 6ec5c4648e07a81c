//go:build !purego

package rnn

import "github.com/onnxrun/onnxrun/internal/cpu"

// The kernels equal blockGo, for blocks of other widths.
func archRows() []*row {
	return []*row{
		{
			name: "avx512", needs: cpu.AVX512 | cpu.AVX2, lanes: 16,
			widths: [5][]int{1: {4, 2, 1}, 2: {4, 2, 1}, 3: {2, 1}, 4: {2, 1}},
			blocks: [5][][maxRows]func(*blockArgs){
				1: {
					{block1x4x1AVX512, block1x4x2AVX512, block1x4x3AVX512},
					{block1x2x1AVX512, block1x2x2AVX512, block1x2x3AVX512},
					{block1x1x1AVX512, block1x1x2AVX512, block1x1x3AVX512},
				},
				2: {
					{block2x4x1AVX512, block2x4x2AVX512, block2x4x3AVX512},
					{block2x2x1AVX512, block2x2x2AVX512, block2x2x3AVX512},
					{block2x1x1AVX512, block2x1x2AVX512, block2x1x3AVX512},
				},
				3: {
					{block3x2x1AVX512, block3x2x2AVX512, block3x2x3AVX512},
					{block3x1x1AVX512, block3x1x2AVX512, block3x1x3AVX512},
				},
				4: {
					{block4x2x1AVX512, block4x2x2AVX512, block4x2x3AVX512},
					{block4x1x1AVX512, block4x1x2AVX512, block4x1x3AVX512},
				},
			},
		},
		{
			name: "avx2", needs: cpu.AVX2, lanes: 8,
			widths: [5][]int{1: {4, 2, 1}, 2: {2, 1}, 3: {1}, 4: {1}},
			blocks: [5][][maxRows]func(*blockArgs){
				1: {
					{block1x4x1AVX2, block1x4x2AVX2, block1x4x3AVX2},
					{block1x2x1AVX2, block1x2x2AVX2, block1x2x3AVX2},
					{block1x1x1AVX2, block1x1x2AVX2, block1x1x3AVX2},
				},
				2: {
					{block2x2x1AVX2, block2x2x2AVX2, block2x2x3AVX2},
					{block2x1x1AVX2, block2x1x2AVX2, block2x1x3AVX2},
				},
				3: {{block3x1x1AVX2, block3x1x2AVX2, block3x1x3AVX2}},
				4: {{block4x1x1AVX2, block4x1x2AVX2, block4x1x3AVX2}},
			},
		},
	}
}
