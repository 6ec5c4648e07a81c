package nhwc

import "github.com/onnxrun/onnxrun/internal/cpu"

// unitCosts are nanoseconds on a processor; what matters is how the algorithms compare. CALIBRATION.md says how the figures were
// measured.
type unitCosts struct {
	mulAdd    float64 // of a product with many rows of A and a long K
	startUp   int     // elements of K that the beginning and end of a tile of the product cost
	transform float64 // of an element of V or M
	window    float64 // of an element of the filter's transform while running
	again     float64 // of a byte of V for each panel of the filter, where that does not fit in half of the second-level cache
}

var (
	// halves holds for vectors of 512 bits that are computed in halves, 55 multiply-adds in a nanosecond, and for plain loops.
	halves = unitCosts{0.018, 8, 0.06, 0.1, 0}
	// narrow holds where there are vectors of 256 bits only: panels are half as wide, and second-level caches smaller.
	narrow = unitCosts{0.0215, 8, 0.12, 0.1, 0.02}
	// wholes holds where two multiply-adds of 512 bits begin in a cycle: products take half of the cycles, transforms as many.
	wholes = unitCosts{0.0125, 14, 0.09, 0.16, 0}
)

// secondLevel is the size of the second-level cache in bytes, at least 512 KB.
var secondLevel = func() int {
	_, l2, _ := cpu.Caches()
	return max(l2, 512<<10)
}()

// costs returns those of this processor.
var costs = func() *unitCosts {
	switch {
	case cpu.Has(cpu.AVX512) && !cpu.SplitsZMM():
		return &wholes
	case cpu.Has(cpu.AVX2) && !cpu.Has(cpu.AVX512):
		return &narrow
	}
	return &halves
}
