// Command _asm generates the amd64 kernels of package direct: run `go run . -out ../zdirect_amd64.s -pkg direct`.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

func main() {
	ConstraintExpr("amd64,!purego")
	for _, v := range []isa{{AVX2, []int{14, 6}, 8}, {AVX512, []int{14, 14, 9, 6}, 14}} {
		for i, most := range v.cols {
			for cols := 1; cols <= most; cols++ {
				kernel{isa: v, cols: cols, vectors: i + 1}.emit(fmt.Sprintf("broadcast%dx%d%s", i+1, cols, v.Name))
			}
		}
		for _, width := range []int{2, 4} {
			for cols := 1; cols <= v.shuffleCols; cols++ {
				kernel{isa: v, cols: cols, vectors: 1, width: width}.emit(fmt.Sprintf("shuffle%dx%d%s", width, cols, v.Name))
			}
		}
	}
	laneMasks = MaskTable("laneMasks")
	for _, v := range []ISA{AVX2, AVX512} {
		slides(v)
		deal(v)
	}
	Generate()
}

// isa is an instruction set, and how many outputs its kernels compute at most: broadcasting kernels of one vector and more, and
// shuffling ones.
type isa struct {
	ISA
	cols        []int
	shuffleCols int
}

// Offsets in Args.
const (
	argX, argY, argW, argBias, argOff, argOffLen = 0, 24, 48, 72, 96, 104
	argChannels, argRows                         = 120, 128
	argXRow, argXCol, argYRow, argYCol           = 136, 144, 152, 160
	argLo, argHi                                 = 168, 172
)
