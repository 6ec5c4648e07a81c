package vec

import "math"

// Pow sets dst[i] = a[i] to the power of b[i]. The exponents that models use as constants (0.5, 1, 2, 3
// and their negatives where exact) take a shorter way.
func Pow(dst, a, b []float32) {
	if len(b) == 1 && len(a) >= len(dst) && powConst(dst, a, b[0]) {
		return
	}
	partly(active.pow, powGo, dst, a, b)
}

func powGo(dst, a, b []float32) int {
	for i := range dst {
		dst[i] = float32(math.Pow(float64(a[i]), float64(b[i])))
	}
	return len(dst)
}

func powConst(dst, x []float32, e float32) bool {
	x = x[:len(dst)]
	switch e {
	case 1:
		copy(dst, x)
	case 2:
		Mul(dst, x, x)
	case 3:
		apply(opCube, dst, x, 0, 0)
	case 0.5:
		sqrtPow(dst, x)
	case -1:
		Reciprocal(dst, x)
	default:
		return false
	}
	return true
}

// sqrtPow differs from Sqrt in what C's pow asks for: pow(-0, 0.5) is +0 and pow(-Inf, 0.5) is +Inf.
func sqrtPow(dst, x []float32) {
	for i, v := range x {
		if v < -math.MaxFloat32 {
			v = -v
		}
		dst[i] = float32(math.Sqrt(float64(v + 0)))
	}
}
