//go:build !purego

package attention

import "github.com/onnxrun/onnxrun/internal/cpu"

//go:generate go -C _asm run . -out ../zattention_amd64.s -declarations ../zattention_amd64.go

func archSets() []*set {
	return []*set{
		{name: "avx512", needs: cpu.AVX512 | cpu.AVX2, turns: []turn{{16, turn16AVX512}, {8, turn8AVX2}}, panels: []panel{{
			width: 32,
			scores: []func(*scoresArgs){
				scores1x32AVX512, scores2x32AVX512, scores3x32AVX512, scores4x32AVX512, scores5x32AVX512, scores6x32AVX512, scores7x32AVX512,
				scores8x32AVX512, scores9x32AVX512, scores10x32AVX512, scores11x32AVX512, scores12x32AVX512, scores13x32AVX512, scores14x32AVX512,
			},
			values: []func(*valuesArgs){
				values1x32AVX512, values2x32AVX512, values3x32AVX512, values4x32AVX512, values5x32AVX512, values6x32AVX512, values7x32AVX512,
				values8x32AVX512, values9x32AVX512, values10x32AVX512, values11x32AVX512, values12x32AVX512, values13x32AVX512, values14x32AVX512,
			},
		}, {
			width: 16,
			scores: []func(*scoresArgs){
				scores1x16AVX512, scores2x16AVX512, scores3x16AVX512, scores4x16AVX512, scores5x16AVX512, scores6x16AVX512, scores7x16AVX512,
				scores8x16AVX512, scores9x16AVX512, scores10x16AVX512, scores11x16AVX512, scores12x16AVX512, scores13x16AVX512, scores14x16AVX512,
			},
			values: []func(*valuesArgs){
				values1x16AVX512, values2x16AVX512, values3x16AVX512, values4x16AVX512, values5x16AVX512, values6x16AVX512, values7x16AVX512,
				values8x16AVX512, values9x16AVX512, values10x16AVX512, values11x16AVX512, values12x16AVX512, values13x16AVX512, values14x16AVX512,
			},
		}}},
		{name: "avx2", needs: cpu.AVX2, turns: []turn{{8, turn8AVX2}}, panels: []panel{{
			width:  16,
			scores: []func(*scoresArgs){scores1x16AVX2, scores2x16AVX2, scores3x16AVX2, scores4x16AVX2, scores5x16AVX2, scores6x16AVX2},
			values: []func(*valuesArgs){values1x16AVX2, values2x16AVX2, values3x16AVX2, values4x16AVX2, values5x16AVX2, values6x16AVX2},
		}}},
	}
}
