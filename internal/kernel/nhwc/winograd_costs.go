package nhwc

import "github.com/onnxrun/onnxrun/internal/cpu"

// unitCosts are nanoseconds on a processor; what matters is how the algorithms compare. CALIBRATION.md says how the figures were
// measured.
type unitCosts struct {
	mulAdd    float64 // of a product with many rows of A and a long K
	startUp   int     // elements of K that the beginning and end of a tile of the product cost
	transform float64 // of an element of V or M
	window    float64 // of an element of the filter's transform while running
}

var (
	// halves holds for vectors of 256 bits, and for those of 512 that are computed in halves: 55 multiply-adds in a nanosecond.
	halves = unitCosts{0.018, 8, 0.06, 0.1}
	// wholes holds where two multiply-adds of 512 bits begin in a cycle: products take half of the cycles, transforms as many.
	wholes = unitCosts{0.0125, 14, 0.09, 0.16}
)

// costs returns those of this processor.
var costs = func() *unitCosts {
	if cpu.Has(cpu.AVX512) && !cpu.SplitsZMM() {
		return &wholes
	}
	return &halves
}
