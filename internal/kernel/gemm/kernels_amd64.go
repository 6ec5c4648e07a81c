//go:build !purego

package gemm

import "github.com/onnxrun/onnxrun/internal/cpu"

//go:generate go -C _asm run . -out ../zgemm_amd64.s -declarations ../zgemm_amd64.go

// Tiles of 8 and 16 columns in vectors of 256 bits.
var (
	eight = []func(*tileArgs){
		tile1x8AVX2, tile2x8AVX2, tile3x8AVX2, tile4x8AVX2, tile5x8AVX2, tile6x8AVX2,
		tile7x8AVX2, tile8x8AVX2, tile9x8AVX2, tile10x8AVX2, tile11x8AVX2, tile12x8AVX2,
	}
	sixteen = []func(*tileArgs){tile1x16AVX2, tile2x16AVX2, tile3x16AVX2, tile4x16AVX2, tile5x16AVX2, tile6x16AVX2}
)

var doubles = &doubleKernels{
	tile:     []func(*doubleArgs){double1x8AVX2, double2x8AVX2, double3x8AVX2, double4x8AVX2, double5x8AVX2, double6x8AVX2},
	copyRows: copyRowsAVX2,
}

func archRows() []*row {
	whole := &row{
		name: "avx512", mr: 12, nr: 32, needs: cpu.AVX512 | cpu.AVX2,
		tile: []func(*tileArgs){
			tile1x32AVX512, tile2x32AVX512, tile3x32AVX512, tile4x32AVX512, tile5x32AVX512, tile6x32AVX512,
			tile7x32AVX512, tile8x32AVX512, tile9x32AVX512, tile10x32AVX512, tile11x32AVX512, tile12x32AVX512,
		},
		half: []func(*tileArgs){
			tile1x16AVX512, tile2x16AVX512, tile3x16AVX512, tile4x16AVX512, tile5x16AVX512, tile6x16AVX512,
			tile7x16AVX512, tile8x16AVX512, tile9x16AVX512, tile10x16AVX512, tile11x16AVX512, tile12x16AVX512,
		},
		quarter: eight,
		pair: []func(*tileArgs){
			tile1x64AVX512, tile2x64AVX512, tile3x64AVX512, tile4x64AVX512, tile5x64AVX512, tile6x64AVX512,
		},
		three: []func(*tileArgs){
			tile1x48AVX512, tile2x48AVX512, tile3x48AVX512, tile4x48AVX512, tile5x48AVX512, tile6x48AVX512, tile7x48AVX512, tile8x48AVX512, tile9x48AVX512,
		},
		five:    []func(*tileArgs){tile1x80AVX512, tile2x80AVX512, tile3x80AVX512, tile4x80AVX512, tile5x80AVX512},
		ahead:   true,
		farRows: 48, farMACs: 128 << 10,
		wide:       []func(*tileArgs){wide1x128AVX512, wide2x128AVX512, wide3x128AVX512},
		widePanels: []int{4, 4, 4},
		far:        []func(*tileArgs){far1x128AVX512, far2x128AVX512, far3x128AVX512},
		dot:        []func(*dotArgs){dot4x1AVX512, dot4x2AVX512, dot4x3AVX512},
		axpy1:      axpy1AVX512, axpy8: axpy8AVX512,
		double:   doubles,
		copyRows: copyRowsAVX512,
		peak:     peakAVX512, lanes: 16,
	}
	split := *whole
	split.name, split.half, split.apart, split.ahead, split.pair, split.far = "avx512-split", sixteen, true, false, nil, nil
	short := &row{
		name: "avx2", mr: 6, nr: 16, needs: cpu.AVX2,
		tile:    sixteen,
		half:    eight,
		ahead:   true,
		long:    16,
		farRows: 30, farMACs: 64 << 10, evenRows: true,
		wide:       []func(*tileArgs){wide1x64AVX2, wide2x32AVX2, wide3x32AVX2},
		widePanels: []int{4, 2, 2},
		far:        []func(*tileArgs){far1x64AVX2, far2x32AVX2, far3x32AVX2},
		dot:        []func(*dotArgs){dot4x1AVX2, dot4x2AVX2, dot4x3AVX2},
		axpy1:      axpy1AVX2, axpy8: axpy8AVX2,
		double:   doubles,
		copyRows: copyRowsAVX2,
		peak:     peakAVX2, lanes: 8,
	}
	if cpu.SplitsZMM() {
		return []*row{&split, whole, short}
	}
	return []*row{whole, &split, short}
}
