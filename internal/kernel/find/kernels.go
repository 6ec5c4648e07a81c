package find

import "github.com/onnxrun/onnxrun/internal/cpu"

// A kernels is one row of the table: the variants of one instruction set. Each sets bit j of words[i] if element 64*i+j of
// x is as asked and clears it otherwise; x has 64 elements for each word.
type kernels struct {
	name   string
	needs  cpu.Feature
	above  func(words []uint64, x []float32, bound float32) // not below the bound: NaN is above all
	below  func(words []uint64, x []float32, bound float32) // not above it
	filled func(words []uint64, x []float32)                // not zero
	marked func(words []uint64, x []uint8)                  // not zero
}

var generic = kernels{name: "generic", above: aboveGo, below: belowGo, filled: notZeroGo[float32], marked: notZeroGo[uint8]}

// active holds the kernels in use: the last row of the table that the processor can run.
var active = choose()

func choose() *kernels {
	k := &generic
	for i := range assembly {
		if cpu.Has(assembly[i].needs) {
			k = &assembly[i]
		}
	}
	return k
}
