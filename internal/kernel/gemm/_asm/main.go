// Command asm writes zgemm_amd64.s and its Go declarations, zgemm_amd64.go: the
// kernels of package gemm for AVX2 and AVX-512. Run it in the folder of the
// package:
//
//	go -C _asm run . -out ../zgemm_amd64.s -declarations ../zgemm_amd64.go
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// functions are the declarations of what is generated.
var functions Declarations

// begin starts a function whose single argument points to a struct of type arg, and
// returns the register that holds it.
func begin(name, arg, doc string) reg.GPVirtual {
	t := functions.Begin(name, arg, doc)
	Doc(doc)
	return t
}

func main() { functions.Generate("gemm", emit) }

func emit() {
	MaskTable("gemmMasks")
	for _, s := range []isa{avx2, avx512} {
		for r := 1; r <= s.mr; r++ {
			tile(s, r, 2)
		}
		for r := 1; r <= avx512.mr; r++ {
			tile(s, r, 1)
		}
		for r := 1; r <= s.three; r++ {
			tile(s, r, 3)
		}
		for r := 1; r <= s.five; r++ {
			tile(s, r, 5)
		}
		for r := 1; r <= s.pair; r++ {
			tile(s, r, 4)
		}
		for r, panels := range s.wide {
			wide(s, r+1, 2*panels)
		}
		for v := 1; v <= 3; v++ {
			dot(s, v)
		}
		axpy(s, 8)
		axpy(s, 1)
		copyRows(s)
		peak(s)
	}
	for r := 1; r <= avx2.mr; r++ {
		double(r)
	}
}
